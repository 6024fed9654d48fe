"""An autoencoder of MNIST at 32x32, whose codes are 8x8x4, for GANs among codes (Rombach et al. 2022)."""

from gan_jax.config import (
    AdamConfig,
    Autoencoder,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Reconstruction,
)


def get_config() -> Config:
    """L1, a small KL, and patches judged by least squares."""
    adam = AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.99)
    return Config(
        steps=1500,
        batch_size=32,
        loss="least_squares",
        data=DataConfig(name="mnist", size=32),
        task=Reconstruction(l1=10.0, kl=1e-3),
        model=Autoencoder(generator_width=8, discriminator_width=8),
        generator=adam,
        discriminator=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.99),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=250, checkpoint=500),
        evaluate=EvaluateConfig(every=500, samples=6000),
    )
