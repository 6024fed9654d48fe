"""Conditional DCGAN among the 8x8x4 codes of an autoencoder of MNIST, which gan-jax encode makes."""

from gan_jax.config import (
    DCGAN,
    AdamConfig,
    AnnealConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
)


def get_config() -> Config:
    """The rules of mnist_conditional; name the file with --data.path."""
    adam = AdamConfig(learning_rate=1e-3)
    return Config(
        steps=7000,
        conditional=True,
        data=DataConfig(name="pictures", size=8, channels=4, deviation=0.5),
        model=DCGAN(latent_size=64, generator_width=64, discriminator_width=64, norm="none"),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=1.0, lazy=4),
        average=AverageConfig(decay=0.998),
        anneal=AnnealConfig(images=448_000, learning_rate=1e-4),
        every=CadenceConfig(sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=1750),
    )
