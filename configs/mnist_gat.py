"""A small GAT on MNIST, with labels: two transformers of 49 tokens (Hyun et al. 2026, arXiv:2509.24935). For a GPU.

Not trained to its end. One run, without the tanh that images of pixels end in by now, saw 518,000 images in ten minutes
of an H100 that ten other programs shared (4,044 steps; 2026-11-26, jax 0.11.2, seed 0). Ones, threes, fours, sevens and
nines can be read then, in strokes with holes, and of each digit most look the same: of 5,000 samples the classifier FID
is 45.7 (98 after 1,500 steps, 66 after 3,000), 54 % show the digit that was asked for, and recall is 0. Convolutions
are far ahead: mnist_conditional comes to 2.4 after 448,000 images. With sixteen tokens of 64 channels, penalties of
0.1, and batches of 32 on a CPU, the discriminator gave up before 30,000 images; what else was tried is in
docs/experiments.md.
"""

from gan_jax.config import (
    GAT,
    AdamConfig,
    AugmentConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
)


def get_config() -> Config:
    """Patches of 4 pixels, 128 channels, four blocks a network; the paper's loss and noise, a tenth of its R1."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.99, clip=1.0)
    return Config(
        steps=10_000,
        batch_size=128,
        conditional=True,
        loss="relativistic",
        data=DataConfig(name="mnist"),
        model=GAT(generator_width=128, discriminator_width=128, depth=4, heads=2, patch=4, features=256),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.01, r2=0.01, by_difference=True),
        augment=AugmentConfig("levels"),
        every=CadenceConfig(log=50, sample=500, checkpoint=1500),
        evaluate=EvaluateConfig(every=1500, samples=10_000),
    )
