"""Conditional DCGAN on scikit-learn's handwritten digits: no download, 73 s on two idle CPU cores."""

from gan_jax.config import DCGAN, AverageConfig, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """Real 8x8 digits, enlarged to 16x16, with their labels."""
    return Config(
        steps=3000,
        conditional=True,
        data=DataConfig(name="digits", size=16),
        model=DCGAN(latent_size=64),
        average=AverageConfig(decay=0.995),
        every=CadenceConfig(sample=150),
    )
