"""CIFAR-10's images from their edges, by pix2pix's networks (Isola et al. 2017, arXiv:1611.07004), small.

64,000 images in some 10 minutes of two CPU cores that much other work shared (2026-11-27, jax 0.12.0, a JPEG copy, by
--data.path, seed 0). Of 5,000 held-out images the classifier FID is 40.1, 63.5 for the same generator by L1 alone
(`--loss none`), 114.0 for the drawing itself; 25 % of classes are recognised, 15 % of L1's. PSNR: 11.5, 12.6 and
7.7 dB. What is drawn are textures in likely colours, seldom things: so short a training is a demonstration.
"""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, FromEdges, Pix2Pix


def get_config() -> Config:
    """The hinge loss, and half of the paper's weight of L1."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=2000,
        batch_size=32,
        loss="hinge",
        data=DataConfig(name="cifar10", flip=True),
        task=FromEdges(l1=50.0),
        model=Pix2Pix(generator_width=32, discriminator_width=32, layers=2),
        generator=adam,
        discriminator=adam,
        every=CadenceConfig(log=50, sample=500, checkpoint=500),
        evaluate=EvaluateConfig(every=1000, samples=5000),
    )
