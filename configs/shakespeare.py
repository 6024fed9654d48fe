"""Shakespeare, 32 characters at a time, by WGAN-GP's residual convolutions, narrow (--data.path FILE.txt)."""

from gan_jax.config import (
    AdamConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
    WGANText,
)


def get_config() -> Config:
    """The networks of Gulrajani et al. 2017 (arXiv:1704.00028), an eighth as wide, of 2 blocks in place of 5."""
    adam = AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.9)
    return Config(
        steps=2000,
        batch_size=32,
        loss="wasserstein",
        discriminator_steps=3,
        data=DataConfig(name="text", size=32, alphabet=65),
        model=WGANText(generator_width=64, discriminator_width=64, blocks=2),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(wgan_gp=10.0),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=250, checkpoint=250),
        evaluate=EvaluateConfig(every=250, samples=3000, best="js4"),
    )
