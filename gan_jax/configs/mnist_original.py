"""The original GAN (Goodfellow et al. 2014) on MNIST: fully connected, with maxout and dropout."""

from gan_jax.config import CadenceConfig, Config, DataConfig, NetworkConfig


def get_config() -> Config:
    """The paper's networks and loss; Adam in place of its momentum schedule."""
    return Config(
        data=DataConfig(name="mnist"),
        model="mlp",
        latent_size=100,
        generator=NetworkConfig(width=1200),
        discriminator=NetworkConfig(width=240),
        batch_size=100,
        steps=10000,
        every=CadenceConfig(sample=500),
    )
