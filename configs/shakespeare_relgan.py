"""Shakespeare, 32 characters at a time, by RelGAN's relational memory, in two runs (--data.path FILE.txt)."""

from gan_jax.config import (
    AdamConfig,
    AnnealConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Likelihood,
    RelGAN,
)


def get_config() -> Config:
    """The generator of Nie et al. 2019 (openreview.net/forum?id=rJedV3R5tm), a discriminator a tenth as wide."""
    adam = AdamConfig(learning_rate=2e-3, beta1=0.9, beta2=0.999)
    return Config(
        steps=4000,
        batch_size=64,
        loss="relativistic",
        data=DataConfig(name="text", size=32, alphabet=65),
        task=Likelihood(),
        model=RelGAN(latent_size=32 * 65, discriminator_width=32, views=16),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=256_000, learning_rate=2e-4),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=250, checkpoint=250),
        evaluate=EvaluateConfig(every=1000, samples=3000, best="js4"),
    )
