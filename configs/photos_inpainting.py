"""Strokes missing of photographs at 256x256, painted by gated convolutions: add --data.path FOLDER-OR-ZIP, for a GPU.

Batches, step size, the hinge game and L1, each at a weight of 1, as published (Yu et al. 2019, arXiv:1806.03589, and
its authors' code); nothing was measured here. Different from there: the generator is the first of their two stages, and
attends to no patches; L1 is of the completed image, hence of the hole alone, theirs of all that the generator draws, so
that it counts for less here; holes are strokes, where theirs are a box besides; pictures are brought to 256 pixels and
cropped in the middle, not where it happens; a tenth is held out; samples are of averaged weights.
"""

from gan_jax.config import AdamConfig, CadenceConfig, Config, DataConfig, Gated, Inpainting


def get_config() -> Config:
    """A million steps of 16 images."""
    adam = AdamConfig(learning_rate=1e-4, beta1=0.5, beta2=0.999)
    return Config(
        steps=1_000_000,
        batch_size=16,
        loss="hinge",
        data=DataConfig(name="pictures", size=256),
        task=Inpainting(l1=1.0),
        model=Gated(),
        generator=adam,
        discriminator=adam,
        every=CadenceConfig(log=100, sample=5000, checkpoint=5000),
    )
