"""DCGAN on your own pictures at 64x64: add --data.path FOLDER-OR-ZIP."""

from gan_jax.config import CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """RGB, resized to cover a 64x64 square and cropped in the middle."""
    return Config(
        data=DataConfig(name="pictures", size=64),
        latent_size=100,
        steps=20000,
        every=CadenceConfig(sample=500),
    )
