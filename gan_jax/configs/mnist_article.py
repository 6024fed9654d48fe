"""The introductory article's own 5x5 convolutional pair on MNIST, mended."""

from gan_jax.config import CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """The article's losses, L_G = -log D(G(z)); batch 64."""
    return Config(
        data=DataConfig(name="mnist"),
        model="article",
        latent_size=100,
        steps=4000,
        average_decay=0.995,
        every=CadenceConfig(sample=200),
    )
