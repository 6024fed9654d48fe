"""DCGAN on your own pictures at 64x64: add --data.path FOLDER-OR-ZIP."""

from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """RGB, resized to cover a 64x64 square and cropped in the middle."""
    return Config(
        steps=20_000,
        data=DataConfig(name="pictures", size=64),
        model=DCGAN(latent_size=100),
        every=CadenceConfig(sample=500),
    )
