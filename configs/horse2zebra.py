"""CycleGAN on your own pictures of two kinds, A and B, at 256x256: add --data.path FOLDER-OR-ZIP.

As published for horses and zebras (Zhu et al. 2017, arXiv:1703.10593, appendix 7.1), for a GPU; nothing was measured
here. A and B are two folders, which need not match. --task.reverse shows, and judges, the way from B to A; both are
learnt. A cycle weight of 2.5 and an identity's of 1.25 weigh as 10 and 5 do there, where the adversarial loss is the
sum of both domains' and of whole squares, not the mean of halved ones.

Different from there: the pool of 50 images has pairs, of which both come back together; the learning rate falls by
half a cosine from the first step on, where it stays for 100 epochs and falls in a line over as many; pictures are
cropped in the middle, not at random from 286 pixels; which B stands beside an A is the same in every epoch, and some of
the smaller domain come once more often; judges' normalisation has gains; and samples are of averaged weights.
"""

from gan_jax.config import AdamConfig, AnnealConfig, CadenceConfig, Config, CycleGAN, DataConfig, Unpaired


def get_config() -> Config:
    """200 epochs of the 1,334 zebras, the larger domain of the paper's data."""
    adam = AdamConfig(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    steps = 200 * 1334
    return Config(
        steps=steps,
        batch_size=1,
        loss="least_squares",
        data=DataConfig(name="pictures", size=256, flip=True),
        task=Unpaired(cycle=2.5, identity=1.25),
        model=CycleGAN(),
        generator=adam,
        discriminator=adam,
        anneal=AnnealConfig(images=steps, learning_rate=1e-8),
        every=CadenceConfig(log=100, sample=2668, checkpoint=2668),
    )
