"""StyleGAN2 on CIFAR-10 with labels and adaptive augmentation, the settings of StyleGAN2-ADA: for a GPU or TPU.

Karras et al. 2020 (arXiv:2006.06676) publish an FID of 2.42, with Inception features; their penalty is taken every 16
steps, ours on a sixteenth of each batch. Ours has not been run to its end.
"""

from gan_jax.config import CadenceConfig, Config, DataConfig, EvaluateConfig, NetworkConfig


def get_config() -> Config:
    """100 million images in batches of 64."""
    network = NetworkConfig(width=512, learning_rate=2.5e-3, beta1=0.0, beta2=0.99)
    return Config(
        data=DataConfig(name="cifar10"),
        model="stylegan2",
        conditional=True,
        latent_size=512,
        generator=network,
        discriminator=network,
        r1=0.01,
        lazy=16,
        augment="ada",
        ada_target=0.6,
        half_life=500_000.0,
        precision="bfloat16",
        batch_size=64,
        steps=1_562_500,
        every=CadenceConfig(log=100, sample=2000, checkpoint=5000),
        evaluate=EvaluateConfig(every=20_000, samples=10_000),
    )
