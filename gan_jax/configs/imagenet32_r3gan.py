"""R3GAN on ImageNet at 32x32 with labels, the paper's settings (Huang et al. 2024, arXiv:2501.05441): many GPUs.

The published FID is 1.27, with Inception features. Ours has not been run to its end.
"""

from gan_jax.config import AnnealConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, NetworkConfig


def get_config() -> Config:
    """200 million images in batches of 4,096, over all devices together."""
    network = NetworkConfig(width=1536, learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        data=DataConfig(name="imagenet32"),
        model="r3gan",
        loss="relativistic",
        conditional=True,
        latent_size=64,
        generator=network,
        discriminator=network,
        generator_batch="own",
        r1=0.5,
        r2=0.5,
        augment="ada_cutout",
        anneal=AnnealConfig(
            images=200_000_000, learning_rate=5e-5, beta2=0.99, penalty=0.1, augment_p=0.5, half_life=5e7
        ),
        precision="bfloat16",
        batch_size=4096,
        steps=48_829,
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=2000, samples=10_000, features="inception"),
    )
