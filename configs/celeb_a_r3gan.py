"""R3GAN on CelebA's faces at 64x64, with the paper's settings for FFHQ-64: for a GPU or TPU.

Huang et al. 2024 (arXiv:2501.05441) publish FFHQ, not CelebA. Ours has not been run to its end.
"""

from gan_jax.config import (
    R3GAN,
    AdamConfig,
    AnnealConfig,
    AugmentConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
)


def get_config() -> Config:
    """20 million images in batches of 256, mirrored with probability 1/2."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        steps=78_125,
        batch_size=256,
        loss="relativistic",
        generator_batch="own",
        data=DataConfig(name="celeb_a", flip=True),
        model=R3GAN(latent_size=64, generator_width=768, discriminator_width=768, precision="bfloat16"),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=2.0, r2=2.0),
        augment=AugmentConfig("ada_cutout"),
        anneal=AnnealConfig(
            images=20_000_000, learning_rate=5e-5, beta2=0.99, penalty=0.1, augment_p=0.3, half_life=5e5
        ),
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=5000, samples=10_000, features="inception"),
    )
