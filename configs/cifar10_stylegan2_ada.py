"""StyleGAN2 on CIFAR-10 with labels and adaptive augmentation, the settings of StyleGAN2-ADA: for a GPU or TPU.

Karras et al. 2020 (arXiv:2006.06676) publish an FID of 2.42, with Inception features; their penalty is taken every 16
steps, ours on a sixteenth of each batch. Their code makes up for lazy penalties in Adam: G's step size and both β are
those of 4 steps in 5, although the path length that it pauses for has a weight of 0 here; D's are not ours to change,
since its 17th update in 16 steps is the penalty's. Ours has not been run to its end.
"""

from gan_jax.config import (
    AdamConfig,
    AugmentConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
    StyleGAN2,
)


def get_config() -> Config:
    """100 million images in batches of 64."""
    return Config(
        steps=1_562_500,
        batch_size=64,
        conditional=True,
        data=DataConfig(name="cifar10"),
        model=StyleGAN2(latent_size=512, generator_width=512, discriminator_width=512, precision="bfloat16"),
        generator=AdamConfig(learning_rate=2.5e-3 * 4 / 5, beta1=0.0, beta2=0.99 ** (4 / 5)),
        discriminator=AdamConfig(learning_rate=2.5e-3, beta1=0.0, beta2=0.99),
        penalty=PenaltyConfig(r1=0.01, lazy=16),
        augment=AugmentConfig("ada", target=0.6),
        average=AverageConfig(half_life=500_000.0),
        every=CadenceConfig(log=100, sample=2000, checkpoint=5000),
        evaluate=EvaluateConfig(every=20_000, samples=10_000),
    )
