"""StyleGAN2 on CelebA's faces at 128x128, by the rules of StyleGAN2-ADA for such a size: for a GPU or TPU.

Karras et al. 2020 (arXiv:1912.04958, arXiv:2006.06676) publish neither these data nor this size: batch, widths, R1 of
0.0002 · 128² / 32 and the average's half-life are what their code chooses by itself (`auto`, one GPU), the eight layers
of the mapping are configuration F's, where that takes two. G's Adam makes up for the path length's laziness, as there.
R1 is of 4 images of each batch, a whole group of the minibatch deviation, theirs of all 32 at every 16th step; path
lengths are of as many latents a step as theirs, of half a batch at every fourth. Ours has not been run to its end.
"""

from gan_jax.config import (
    AdamConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
    StyleGAN2,
)


def get_config() -> Config:
    """25 million images in batches of 32, mirrored with probability 1/2; no augmentation of so many faces."""
    return Config(
        steps=781_250,
        batch_size=32,
        data=DataConfig(name="celeb_a", size=128, flip=True),
        model=StyleGAN2(latent_size=512, generator_width=128, discriminator_width=128, precision="bfloat16"),
        generator=AdamConfig(learning_rate=2.5e-3 * 4 / 5, beta1=0.0, beta2=0.99 ** (4 / 5)),
        discriminator=AdamConfig(learning_rate=2.5e-3, beta1=0.0, beta2=0.99),
        penalty=PenaltyConfig(r1=0.0002 * 128**2 / 32, lazy=8, path_length=2.0, path_lazy=8),
        average=AverageConfig(half_life=10_000.0),
        every=CadenceConfig(log=100, sample=2000, checkpoint=5000),
        evaluate=EvaluateConfig(every=20_000, samples=10_000, features="inception"),
    )
