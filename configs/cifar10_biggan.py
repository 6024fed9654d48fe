"""BigGAN on CIFAR-10 with labels: for a GPU or TPU.

The settings of PyTorch-StudioGAN (Kang et al. 2022, arXiv:2206.09479), but for its attention at 16x16, and its
averaging, which begins at step 1,000. Ours has not been run to its end.
"""

from gan_jax.config import AdamConfig, AverageConfig, BigGAN, CadenceConfig, Config, DataConfig, EvaluateConfig


def get_config() -> Config:
    """100,000 steps of five updates of the discriminator, on images mirrored with probability 1/2."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=100_000,
        batch_size=64,
        conditional=True,
        loss="hinge",
        discriminator_steps=5,
        data=DataConfig(name="cifar10", flip=True),
        model=BigGAN(latent_size=80, generator_width=96, discriminator_width=96),
        generator=adam,
        discriminator=adam,
        average=AverageConfig(decay=0.9999),
        every=CadenceConfig(log=100, sample=1000, checkpoint=5000),
        evaluate=EvaluateConfig(every=5000, samples=10_000),
    )
