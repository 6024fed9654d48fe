"""Conditional DCGAN on Fashion-MNIST: ten kinds of clothing, 28x28."""

from gan_jax.config import AverageConfig, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """Through tensorflow-datasets, with labels."""
    return Config(
        steps=6000,
        conditional=True,
        data=DataConfig(name="fashion_mnist"),
        average=AverageConfig(decay=0.995),
        every=CadenceConfig(sample=300),
    )
