"""BigGAN on CIFAR-10 with labels: for a GPU or TPU.

The settings of PyTorch-StudioGAN (Kang et al. 2022, arXiv:2206.09479), but for its attention at 16x16, its flips of the
images, and its averaging, which begins at step 1,000. Ours has not been run to its end.
"""

from gan_jax.config import CadenceConfig, Config, DataConfig, EvaluateConfig, NetworkConfig


def get_config() -> Config:
    """100,000 steps of five updates of the discriminator."""
    network = NetworkConfig(width=96, learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        data=DataConfig(name="cifar10"),
        model="biggan",
        loss="hinge",
        conditional=True,
        latent_size=80,
        generator=network,
        discriminator=network,
        discriminator_steps=5,
        average_decay=0.9999,
        batch_size=64,
        steps=100_000,
        every=CadenceConfig(log=100, sample=1000, checkpoint=5000),
        evaluate=EvaluateConfig(every=5000, samples=10_000),
    )
