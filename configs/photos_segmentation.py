"""Which class every pixel of a photograph is of, by a U-Net at its full width: add --data.path FOLDER, for a GPU.

The folder has pictures in A and masks of the same names in B, whose pixels are the numbers of classes, 255 where it is
not known: name how many there are with --task.classes; 21 are those of PASCAL VOC. Cross entropy and a game as Luc et
al. 2016 (arXiv:1611.08408) have them, the networks of Isola et al. 2017 (arXiv:1611.07004) in place of theirs; cross
entropy weighs what it does in mnist_segmentation, which was measured, and nothing was measured here. The networks begin
with random weights, theirs with those of a classifier of ImageNet: with as few pictures as VOC has, expect less.
"""

from gan_jax.config import AdamConfig, AnnealConfig, CadenceConfig, Config, DataConfig, Pix2Pix, Segmentation


def get_config() -> Config:
    """100,000 steps of 16 pictures, mirrored at random."""
    return Config(
        steps=100_000,
        batch_size=16,
        data=DataConfig(name="pictures", size=256, flip=True),
        task=Segmentation(classes=21, cross_entropy=200.0),
        model=Pix2Pix(),
        generator=AdamConfig(learning_rate=1e-3, beta1=0.5, beta2=0.999),
        discriminator=AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999),
        anneal=AnnealConfig(images=1_600_000, learning_rate=1e-5),
        every=CadenceConfig(log=100, sample=5000, checkpoint=5000),
    )
