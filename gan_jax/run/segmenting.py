"""Judges a run that tells the class of every pixel: by masks that no step has seen."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config, Segmentation
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError
from gan_jax.gan import GAN, GANState
from gan_jax.metrics.segmentation import Confusion, confusion, scores
from gan_jax.run.judging import Asked, Judge, protocol
from gan_jax.run.sampling import Counts, make_drawer, sampling_weights
from gan_jax.run.scoreboard import Evaluation
from gan_jax.tasks.task import made
from gan_jax.types import Bytes

AT_ONCE = 256
"""Pictures whose classes are told in one program."""


def make_judge(
    config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Callable[[str], None]
) -> Judge:
    """The judge of a run whose real images have masks.

    miou and pixel_accuracy are of the held-out pictures, each told by itself; baseline_miou is that of the background
    everywhere. Raises ConfigError for features, which nothing here is compared in.
    """
    del say
    if asked.kind:
        raise ConfigError(f"features: masks are compared pixel by pixel, not in {asked.kind}; leave --features out")
    task, test = config.task, data.test
    assert isinstance(task, Segmentation)
    assert test is not None
    count = min(asked.samples, len(test))
    likeliest = lambda shares: jnp.argmax(shares, axis=-1).astype(jnp.uint8)
    drawer = make_drawer(gan, likeliest, mesh)

    @jax.jit
    def compared(told: Bytes, real: Bytes) -> Confusion:
        return confusion(told, made(task.build(), jax.random.key(0), real).images)

    def counted(tell: Callable[[Bytes], np.ndarray]) -> dict[str, float]:
        counts = np.zeros((task.classes, task.classes))
        for start in range(0, count, AT_ONCE):
            real = jnp.asarray(test.images[start : min(start + AT_ONCE, count)])
            counts += np.asarray(compared(jnp.asarray(tell(real)), real))
        return scores(counts)

    told = protocol(
        asked,
        features="masks",
        about=f"the classes of pixels, {task.classes}",
        sha256="",
        reference=f"the {len(test):,} held-out pictures of {data.name}",
        data=data.fingerprint,
        samples=count,
        conventions="mIoU over the classes that occur, of all pixels together; those of no known class are left out",
    )
    given = jax.jit(lambda real: made(task.build(), jax.random.key(0), real).condition)
    nothing = lambda real: np.zeros((len(real), *config.data.image_size), np.uint8)
    baseline = {f"baseline_{name}": value for name, value in counted(nothing).items()}

    def evaluate(state: GANState) -> Evaluation:
        weights = sampling_weights(gan, state, counts, averaged=asked.averaged)

        def tell(real: Bytes) -> np.ndarray:
            return drawer(weights, jnp.zeros((len(real), gan.latent_size)), given(real))

        return Evaluation(int(state.step), counted(tell) | baseline, told)

    return Judge(told, evaluate)
