"""R3GAN on CelebA's faces at 64x64, with the paper's settings for FFHQ-64: for a GPU or TPU.

Huang et al. 2024 (arXiv:2501.05441) publish FFHQ, not CelebA. Ours has not been run to its end.
"""

from gan_jax.config import AnnealConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, NetworkConfig


def get_config() -> Config:
    """20 million images in batches of 256."""
    network = NetworkConfig(width=768, learning_rate=2e-4, beta1=0.0, beta2=0.9)
    return Config(
        data=DataConfig(name="celeb_a"),
        model="r3gan",
        loss="relativistic",
        latent_size=64,
        generator=network,
        discriminator=network,
        generator_batch="own",
        r1=2.0,
        r2=2.0,
        augment="ada_cutout",
        anneal=AnnealConfig(
            images=20_000_000, learning_rate=5e-5, beta2=0.99, penalty=0.1, augment_p=0.3, half_life=5e5
        ),
        precision="bfloat16",
        batch_size=256,
        steps=78_125,
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=5000, samples=10_000, features="inception"),
    )
