"""DCGAN on Stacked MNIST, three digits as RGB, and how many of the 1,000 modes it covers."""

from gan_jax.config import AverageConfig, CadenceConfig, Config, DataConfig, EvaluateConfig


def get_config() -> Config:
    """25,600 samples are the field's protocol; classes counts the modes, class_kl their distance from uniform."""
    return Config(
        steps=4000,
        data=DataConfig(name="stacked_mnist"),
        average=AverageConfig(decay=0.995),
        every=CadenceConfig(sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=2000, samples=25_600),
    )
