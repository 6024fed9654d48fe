"""Digits of MNIST that move and bounce, 16 frames of 32x32, by MoCoGAN: one content, its motion, and two judges."""

from gan_jax.config import (
    AdamConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    MoCoGAN,
    PenaltyConfig,
)


def get_config() -> Config:
    """The game of Tulyakov et al. 2018 (arXiv:1707.04993), a quarter as wide, held by R1."""
    adam = AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.99)
    return Config(
        steps=1500,
        batch_size=8,
        data=DataConfig(name="moving_mnist"),
        model=MoCoGAN(latent_size=100, generator_width=16, discriminator_width=16, motion=4, memory=32),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=1.0, lazy=4),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=100, checkpoint=250),
        evaluate=EvaluateConfig(every=500, samples=1000, best="speed_w1"),
    )
