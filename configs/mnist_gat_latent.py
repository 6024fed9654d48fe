"""GAT among the 8x8x4 codes of an autoencoder of MNIST, which gan-jax encode makes: what it is for, made small.

Two transformers of sixteen tokens, four blocks and 64 channels, with the paper's loss, noise, penalties and step size
(Hyun et al. 2026, arXiv:2509.24935), of 54,000 latents, by the autoencoder of mnist_autoencoder. After 1,000 to 5,000
steps, 320,000 images in some 27 minutes of two CPU cores (2026-11-26, jax 0.12.0, one seed), 2,000 decoded samples had
a classifier FID of 83.1, 39.3, 23.6, 11.1 and 6.1, and showed the digit that was asked for in 12, 39, 67, 91 and 96 %
of cases; recall is 0.05, coverage 0.66. In pixels the same networks gave up (mnist_gat). Convolutions, mnist_latent,
came to 17.0 and 84 % after 448,000 images of five minutes.
"""

from gan_jax.config import (
    GAT,
    AdamConfig,
    AugmentConfig,
    AverageConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    PenaltyConfig,
)


def get_config() -> Config:
    """Patches of 2x2 codes, of a deviation of 1; name the file with --data.path."""
    adam = AdamConfig(learning_rate=4e-4, beta1=0.0, beta2=0.99, clip=1.0)
    return Config(
        steps=5000,
        batch_size=64,
        conditional=True,
        loss="relativistic",
        data=DataConfig(name="pictures", size=8, channels=4, deviation=1.0),
        model=GAT(generator_width=64, discriminator_width=64, depth=4, heads=2, patch=2, features=256),
        generator=adam,
        discriminator=adam,
        penalty=PenaltyConfig(r1=0.1, r2=0.1, by_difference=True),
        augment=AugmentConfig("levels"),
        average=AverageConfig(decay=0.998),
        every=CadenceConfig(log=50, sample=500, checkpoint=500),
        evaluate=EvaluateConfig(every=1000, samples=2000),
    )
