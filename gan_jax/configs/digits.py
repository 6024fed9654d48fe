"""DCGAN on scikit-learn's handwritten digits: no download, minutes on two CPU cores."""

from gan_jax.config import CadenceConfig, Config, DataConfig, NetworkConfig


def get_config() -> Config:
    """Real 8x8 digits, enlarged to 16x16."""
    return Config(
        data=DataConfig(name="digits", size=16),
        model="dcgan",
        latent_size=64,
        generator=NetworkConfig(width=64),
        discriminator=NetworkConfig(width=64),
        batch_size=64,
        steps=2500,
        average_decay=0.995,
        every=CadenceConfig(log=10, sample=250, checkpoint=500),
    )
