"""The introductory article's own 5x5 convolutional pair on MNIST, mended, as it trains it."""

from gan_jax.config import AdamConfig, Article, AverageConfig, CadenceConfig, Config, DataConfig


def get_config() -> Config:
    """The article's losses, L_G = -log D(G(z)); Adam with Keras's defaults at 1e-4; batch 64."""
    adam = AdamConfig(learning_rate=1e-4, beta1=0.9, beta2=0.999, epsilon=1e-7)
    return Config(
        steps=4000,
        batch_size=64,
        data=DataConfig(name="mnist"),
        model=Article(),
        generator=adam,
        discriminator=adam,
        average=AverageConfig(decay=0.995),
        every=CadenceConfig(sample=200),
    )
