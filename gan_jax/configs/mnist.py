"""DCGAN on MNIST, the introductory article's job: four minutes on two CPU cores."""

from gan_jax.config import CadenceConfig, Config, DataConfig, EvaluateConfig


def get_config() -> Config:
    """28x28 digits through tensorflow-datasets, without their labels."""
    return Config(
        data=DataConfig(name="mnist"),
        steps=4000,
        average_decay=0.995,
        every=CadenceConfig(sample=200),
        evaluate=EvaluateConfig(every=500),
    )
