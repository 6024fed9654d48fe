"""SNGAN's residual pair on CIFAR-10, without labels: for a GPU or TPU.

The networks and settings of mimicry (Lee & Town 2020, arXiv:2005.02494), which publishes an FID of 16.77 with
Inception features; but its step sizes fall in a straight line, ours by half a cosine, and we average weights. Ours has
not been run to its end.
"""

from gan_jax.config import (
    SNGAN,
    AdamConfig,
    AnnealConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
)


def get_config() -> Config:
    """100,000 steps of five updates of the discriminator."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        steps=100_000,
        batch_size=64,
        loss="hinge",
        discriminator_steps=5,
        data=DataConfig(name="cifar10"),
        model=SNGAN(latent_size=128, generator_width=256, discriminator_width=128, interpolate=True),
        generator=adam,
        discriminator=adam,
        average=AverageConfig(decay=0.9999),
        anneal=AnnealConfig(images=32_000_000, learning_rate=2e-6),
        every=CadenceConfig(log=100, sample=1000, checkpoint=5000),
        evaluate=EvaluateConfig(every=5000, samples=10_000),
    )
