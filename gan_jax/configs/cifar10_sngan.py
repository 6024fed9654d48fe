"""SNGAN's residual pair on CIFAR-10, without labels: for a GPU or TPU.

The settings of mimicry (Lee & Town 2020, arXiv:2005.02494), which publishes an FID of 16.77 with Inception features;
but its step sizes fall in a straight line, ours by half a cosine; its generator doubles maps bilinearly, ours repeats
pixels, as the paper's authors do; and we average weights. Ours has not been run to its end.
"""

from gan_jax.config import AnnealConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, NetworkConfig


def get_config() -> Config:
    """100,000 steps of five updates of the discriminator."""
    return Config(
        data=DataConfig(name="cifar10"),
        model="sngan",
        loss="hinge",
        latent_size=128,
        generator=NetworkConfig(width=256, learning_rate=2e-4, beta1=0.0, beta2=0.9),
        discriminator=NetworkConfig(width=128, learning_rate=2e-4, beta1=0.0, beta2=0.9),
        discriminator_steps=5,
        anneal=AnnealConfig(images=32_000_000, learning_rate=2e-6),
        average_decay=0.9999,
        batch_size=64,
        steps=100_000,
        every=CadenceConfig(log=100, sample=1000, checkpoint=5000),
        evaluate=EvaluateConfig(every=5000, samples=10_000),
    )
