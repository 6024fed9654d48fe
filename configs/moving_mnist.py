"""Digits of MNIST that move and bounce, 16 frames of 32x32, by MoCoGAN: one content, its motion, and two judges.

Half of it was measured: 750 steps, 6,000 clips, in some 16 minutes of two CPU cores that much other work shared
(2026-11-26, jax 0.10.2, seed 0; compiling took two more). These are no digits yet, but strokes that change as they
move, near the middle. Of 500 clips, beside 500 real ones, the Wasserstein distance of speeds is 0.50 pixels a frame, of
directions 0.16 and of turns 0.94 radians, the FID of single frames, in pixels, 6.75. Of 500 other real clips: 0.05,
0.03, 0.01 and 0.19. Of real clips that stand still the first three are 1.65, 1.57 and 0.42, of those with shuffled
frames 3.58, 0.02 and 1.66: it goes at nearly the right speed, and its turns are worse than none.
"""

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
