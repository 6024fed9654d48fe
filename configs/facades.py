"""pix2pix on the facades of CMP, photographs from labels at 256x256: add --data.path FOLDER-OR-ZIP, for a GPU.

As published (Isola et al. 2017, arXiv:1611.07004, section 6.2): 200 epochs of the 400 pictures of its training set, one
at a time; nothing was measured here. Their files are pairs side by side, the photograph left, the labels right; other
pairs that are the other way round need --task.no-reverse.

Different from there: pictures are neither mirrored nor cropped at random from 286 pixels; the discriminator's loss is
not halved; the learning rate falls by half a cosine from the first step on, where it stays for 100 epochs and falls in
a line over as many; a tenth is held out, so that an epoch is 360; the discriminator normalises each image by itself, as
the generator does, which at one image a batch is what batch normalisation does there; and samples are of averaged
weights.
"""

from gan_jax.config import AdamConfig, AnnealConfig, CadenceConfig, Config, DataConfig, Pairs, Pix2Pix


def get_config() -> Config:
    """L1 at a weight of 100 beside the game."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    steps = 200 * 400
    return Config(
        steps=steps,
        batch_size=1,
        loss="non_saturating",
        data=DataConfig(name="pictures", size=256),
        task=Pairs(l1=100.0, reverse=True),
        model=Pix2Pix(),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=steps, learning_rate=1e-8),
        every=CadenceConfig(log=100, sample=2000, checkpoint=2000),
    )
