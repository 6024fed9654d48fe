"""Conditional DCGAN on CIFAR-10: ten kinds of things in colour, 32x32."""

from gan_jax.config import CadenceConfig, Config, DataConfig, NetworkConfig


def get_config() -> Config:
    """Through tensorflow-datasets, with labels."""
    return Config(
        data=DataConfig(name="cifar10"),
        conditional=True,
        generator=NetworkConfig(width=128),
        discriminator=NetworkConfig(width=128),
        steps=50000,
        every=CadenceConfig(log=50, sample=1000, checkpoint=1000),
    )
