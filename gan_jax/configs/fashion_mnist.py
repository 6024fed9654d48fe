"""Conditional DCGAN on Fashion-MNIST: ten kinds of clothing, 28x28."""

from gan_jax.config import CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """Through tensorflow-datasets, with labels."""
    return Config(
        data=DataConfig(name="fashion_mnist"),
        conditional=True,
        steps=6000,
        average_decay=0.995,
        every=CadenceConfig(sample=300),
    )
