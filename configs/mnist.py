"""DCGAN on MNIST, the introductory article's job: four to six minutes on two CPU cores.

It ended at a classifier FID of 1.8, with all classes in nearly equal shares (2026-11-24, one seed): most samples are
digits. Chosen by the experiments of docs/experiments.md: a narrow network and many images, step sizes that start high
and fall, and R1 in place of the discriminator's batch normalisation, which keeps it from winning.
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
    """28x28 digits through tensorflow-datasets, without their labels."""
    adam = AdamConfig(learning_rate=1e-3)
    return Config(
        steps=10_000,
        data=DataConfig(name="mnist"),
        model=DCGAN(latent_size=64, generator_width=32, discriminator_width=32, norm="none"),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=1.0, lazy=4),
        average=AverageConfig(decay=0.998),
        anneal=AnnealConfig(images=640_000, learning_rate=1e-4),
        every=CadenceConfig(sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=2000),
    )
