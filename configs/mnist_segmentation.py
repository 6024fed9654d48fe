"""Digits on photographs: which pixels are of which digit, told by a U-Net that a patch discriminator judges."""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, Pix2Pix, Segmentation


def get_config() -> Config:
    """MNIST on photographs that come with scikit-learn, 32x32; the game of Luc et al. 2016, the networks of pix2pix."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=1500,
        batch_size=32,
        data=DataConfig(name="cluttered_mnist"),
        task=Segmentation(classes=11, cross_entropy=10.0),
        model=Pix2Pix(generator_width=16, discriminator_width=16, layers=2),
        generator=adam,
        discriminator=adam,
        every=CadenceConfig(log=50, sample=250, checkpoint=750),
        evaluate=EvaluateConfig(every=250, samples=6000, best="miou"),
    )
