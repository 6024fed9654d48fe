"""Photographs made four times as large by ESRGAN's networks at their size: add --data.path FOLDER-OR-ZIP, for a GPU.

Generator, batches, step size and the relativistic game as published (Wang et al. 2018, arXiv:1809.00219, section 4.1);
the discriminator is that of Wang et al. 2021 (arXiv:2107.10833). Nothing was measured here. The game weighs 5e-3 beside
a perceptual distance of weight 1, and L1 of 1e-2, there: features of VGG are not at hand, so that here L1 stands alone
beside it, in the proportion of the recipes that were measured, 10 to 1. `supervision.perceptual` takes features of
yours in a program.

Different besides: crops are the middle of each picture at 128 pixels, brought to that size, not places drawn at random:
give crops, if there are large pictures; there is no training by L1 alone before; the step size falls by half a cosine,
where it is halved four times.
"""

from gan_jax.config import ESRGAN, AdamConfig, AnnealConfig, CadenceConfig, Config, DataConfig, SuperResolution


def get_config() -> Config:
    """23 blocks of 64 channels, 400,000 steps of 16 crops."""
    adam = AdamConfig(learning_rate=1e-4, beta1=0.9, beta2=0.999)
    return Config(
        steps=400_000,
        batch_size=16,
        loss="relativistic_average",
        data=DataConfig(name="pictures", size=128, flip=True),
        task=SuperResolution(factor=4, l1=10.0),
        model=ESRGAN(),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=6_400_000, learning_rate=6.25e-6),
        every=CadenceConfig(log=100, sample=5000, checkpoint=5000),
    )
