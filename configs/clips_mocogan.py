"""Clips of your own at 64x64, 16 frames, by MoCoGAN at its published widths: add --data.path FOLDER-OR-ZIP, for a GPU.

Animated GIF or WebP files. Widths, latents, batches and step size as published (Tulyakov et al. 2018,
arXiv:1707.04993, and its authors' code); networks as `models.mocogan` says, which differ from theirs; R1 and averaged
weights as moving_mnist has them, which was measured. Nothing was measured here.
"""

from gan_jax.config import (
    AdamConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    MoCoGAN,
    PenaltyConfig,
)


def get_config() -> Config:
    """100,000 steps of 32 clips, a motion of 10 numbers a frame and a content of 50."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=100_000,
        batch_size=32,
        data=DataConfig(name="clips", size=64),
        model=MoCoGAN(),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=10.0, lazy=4),
        average=AverageConfig(decay=0.999),
        every=CadenceConfig(log=100, sample=5000, checkpoint=5000),
    )
