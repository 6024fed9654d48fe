"""An autoencoder of MNIST at 32x32, whose codes are 8x8x4, for GANs among codes (Rombach et al. 2022).

After 736 steps, 23,552 images in 16 minutes of two CPU cores that much other work shared (2026-11-26, jax 0.10.2, one
seed), reconstructions of held-out digits had a PSNR of 27.4 dB, an L1 of 0.030 and a classifier FID of 0.16 (2,000 of
them beside 6,000 real ones). Made four times smaller and larger again by the bicubic filter they have 15.6, 0.179 and
121.5. The discriminator learnt next to nothing: its loss stayed at a quarter, that of a guess.
"""

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
        steps=750,
        batch_size=32,
        loss="least_squares",
        data=DataConfig(name="mnist", size=32),
        task=Reconstruction(l1=10.0, kl=1e-3),
        model=Autoencoder(generator_width=8, discriminator_width=8),
        generator=adam,
        discriminator=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.99),
        average=AverageConfig(decay=0.99),
        every=CadenceConfig(log=50, sample=250, checkpoint=250),
        evaluate=EvaluateConfig(every=750, samples=6000),
    )
