"""Digits on photographs: which pixels are of which digit, told by a U-Net that a patch discriminator judges."""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, Pix2Pix, Segmentation


def get_config() -> Config:
    """MNIST on photographs that come with scikit-learn, 32x32; the game of Luc et al. 2016, the networks of pix2pix."""
    return Config(
        steps=3000,
        batch_size=32,
        data=DataConfig(name="cluttered_mnist"),
        task=Segmentation(classes=11, cross_entropy=200.0),
        model=Pix2Pix(generator_width=16, discriminator_width=16, layers=2),
        generator=AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.999),
        discriminator=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999),
        every=CadenceConfig(log=50, sample=500, checkpoint=1000),
        evaluate=EvaluateConfig(every=1000, samples=6000, best="miou"),
    )
