"""Strokes missing of CIFAR-10's images, painted by gated convolutions that a patch discriminator judges.

64,000 images in some five minutes of two idle CPU cores (209 images a second; 2026-11-27, jax 0.12.0, a JPEG copy,
seed 0). Of 5,000 held-out images the classifier FID is 1.12, 1.23 for the same generator by L1 alone (`--loss none`),
2.09 where the hole has the mean colour. PSNR within the hole: 17.34, 17.28 and 13.29 dB.
"""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, EvaluateConfig, Gated, Inpainting


def get_config() -> Config:
    """The rules of Yu et al. 2019 (arXiv:1806.03589), narrower, in larger batches, with more of L1."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=2000,
        batch_size=32,
        loss="hinge",
        data=DataConfig(name="cifar10", flip=True),
        task=Inpainting(l1=10.0),
        model=Gated(generator_width=32, discriminator_width=32),
        generator=adam,
        discriminator=adam,
        every=CadenceConfig(log=50, sample=500, checkpoint=500),
        evaluate=EvaluateConfig(every=1000, samples=5000),
    )
