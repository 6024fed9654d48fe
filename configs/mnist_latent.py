"""Conditional DCGAN among the 8x8x4 codes of an autoencoder of MNIST, which gan-jax encode makes.

Of 54,000 latents, by the autoencoder of mnist_autoencoder: 448,000 images in five minutes of two CPU cores that much
other work shared (2026-11-26, jax 0.10.2, one seed). Decoded, 2,000 samples had a classifier FID of 17.0 and showed the
digit that was asked for in 84 % of cases: digits, many of them frayed. The discriminator's loss stayed near log 4, that
of a guess: it may be held too tightly. mnist_conditional on the same pictures at 32x32, begun and stopped at the same
time, had come to 8,384 images, an FID of 66.1 and 36 %: it is the larger network, and far from its end.
"""

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
