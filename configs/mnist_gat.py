"""A small GAT on MNIST, with labels: two transformers of sixteen tokens (Hyun et al. 2026, arXiv:2509.24935).

It has not drawn digits yet, and nothing was scored (2026-11-26, jax 0.10.2, seed 0, two CPU cores that much other work
shared, 20 to 100 images a second). With these settings the discriminator gives up after 26,000 images: its loss stays
at log 2, and what it says of an image is the same for all. At a step size of 1.5e-4 it was on its way there after
35,000. With R1 and R2 a tenth as strong, and 2e-4, it held until 75,000; by then the averaged generator had ones, and
shapes of other digits, under much noise. At ten times the strength it gave up within 16,000. Two runs had 2,048
features in place of 256, as published: one of these settings was alive when it was stopped, at 26,000; labels are 8.4
of the 8.8 million parameters of such a D.
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
