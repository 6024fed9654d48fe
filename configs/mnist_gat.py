"""A small GAT on MNIST, with labels: two transformers of sixteen tokens (Hyun et al. 2026, arXiv:2509.24935).

Not run to its end: after 26,000 images, of 320,000, the averaged generator drew strokes where digits are, and none of
them a digit; nothing was measured (2026-11-26, two CPU cores that much other work shared, 20 to 60 images a second). At
ten times the weight of R1 and R2 the discriminator gave up within 16,000 images: its loss stayed at log 2.
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
    """Patches of 7 pixels, 64 channels, four blocks a network; the paper's loss, penalties and noise."""
    adam = AdamConfig(learning_rate=4e-4, beta1=0.0, beta2=0.99, clip=1.0)
    return Config(
        steps=10_000,
        batch_size=32,
        conditional=True,
        loss="relativistic",
        data=DataConfig(name="mnist"),
        model=GAT(generator_width=64, discriminator_width=64, depth=4, heads=2, patch=7, features=256),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.1, r2=0.1, by_difference=True),
        augment=AugmentConfig("levels"),
        every=CadenceConfig(log=20, sample=200, checkpoint=500),
        evaluate=EvaluateConfig(every=1000, samples=10_000),
    )
