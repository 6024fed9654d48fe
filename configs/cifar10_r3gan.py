"""R3GAN on CIFAR-10 with labels, the paper's settings (Huang et al. 2024, arXiv:2501.05441): for a GPU or TPU.

The published FID is 1.96, with Inception features. Ours has not been run to its end.
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
    """20 million images in batches of 512, mirrored with probability 1/2; everything moves along one half cosine."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        steps=39_063,
        batch_size=512,
        conditional=True,
        loss="relativistic",
        generator_batch="own",
        data=DataConfig(name="cifar10", flip=True),
        model=R3GAN(latent_size=64, generator_width=768, discriminator_width=768, precision="bfloat16"),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.05, r2=0.05),
        augment=AugmentConfig("ada_cutout"),
        anneal=AnnealConfig(
            images=20_000_000, learning_rate=5e-5, beta2=0.99, penalty=0.1, augment_p=0.55, half_life=5e6
        ),
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=2000, samples=10_000),
    )
