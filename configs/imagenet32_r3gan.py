"""R3GAN on ImageNet at 32x32 with labels, the paper's settings (Huang et al. 2024, arXiv:2501.05441): many GPUs.

The published FID is 1.27, with Inception features. Ours has not been run to its end.
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
    """200 million images in batches of 4,096, over all devices together, mirrored with probability 1/2."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        steps=48_829,
        batch_size=4096,
        conditional=True,
        loss="relativistic",
        generator_batch="own",
        data=DataConfig(name="imagenet32", flip=True),
        model=R3GAN(latent_size=64, generator_width=1536, discriminator_width=1536, precision="bfloat16"),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.5, r2=0.5),
        augment=AugmentConfig("ada_cutout"),
        anneal=AnnealConfig(
            images=200_000_000, learning_rate=5e-5, beta2=0.99, penalty=0.1, augment_p=0.5, half_life=5e7
        ),
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=2000, samples=10_000, features="inception"),
    )
