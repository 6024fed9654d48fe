"""Conditional DCGAN on CIFAR-10: ten kinds of things in colour, 32x32."""

from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """Through tensorflow-datasets, with labels."""
    return Config(
        steps=50_000,
        conditional=True,
        data=DataConfig(name="cifar10"),
        model=DCGAN(generator_width=128, discriminator_width=128),
        every=CadenceConfig(log=50, sample=1000, checkpoint=1000),
    )
