"""The original GAN (Goodfellow et al. 2014) on MNIST: fully connected, with maxout and dropout."""

from gan_jax.config import MLP, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """The paper's networks and loss; Adam in place of its momentum schedule."""
    return Config(
        steps=10_000,
        batch_size=100,
        data=DataConfig(name="mnist"),
        model=MLP(latent_size=100, generator_width=1200, discriminator_width=240),
        every=CadenceConfig(sample=500),
    )
