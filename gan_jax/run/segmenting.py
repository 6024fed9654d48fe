"""Judges a run that tells the class of every pixel: by masks that no step has seen."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config, Segmentation
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError
from gan_jax.gan import GAN, GANState
from gan_jax.images import to_float
from gan_jax.metrics.segmentation import confusion, scores
from gan_jax.run.features import check_count
from gan_jax.run.judging import Asked, Judge, protocol
from gan_jax.run.sampling import Counts, compiled_weights, make_drawer
from gan_jax.run.scoreboard import Evaluation
from gan_jax.tasks.segmentation import masks_of
from gan_jax.tasks.task import made
from gan_jax.types import Bytes

PIXELS_AT_ONCE = 1 << 22
"""Of pictures that are read and told together."""


def make_judge(
    config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Callable[[str], None]
) -> Judge:
    """The judge of a run whose real images have masks.

    miou and pixel_accuracy are of the held-out pictures, each told by itself; baseline_miou is that of the background
    everywhere. Raises ConfigError for features, which nothing here is compared in, and DataError for masks of no class,
    and for too few.
    """
    del say
    if asked.kind:
        raise ConfigError(f"features: masks are compared pixel by pixel, not in {asked.kind}; leave --features out")
    task, test = config.task, data.test
    assert isinstance(task, Segmentation)
    assert test is not None
    check_count(test, count := asked.samples, held_out=count == len(test))
    likeliest = lambda shares: jnp.argmax(shares, axis=-1).astype(jnp.uint8)
    drawer = make_drawer(gan, likeliest, mesh)

    part = max(1, PIXELS_AT_ONCE // math.prod(config.data.image_size))
    compared = jax.jit(lambda told, real: confusion(told, masks_of(to_float(real)), task.classes))

    def scored(tell: Callable[[Bytes], np.ndarray]) -> dict[str, float]:
        seen = np.zeros((task.classes, task.classes), np.int64)
        for start in range(0, count, part):
            real = jnp.asarray(test.images[start : min(start + part, count)])
            seen += np.asarray(compared(jnp.asarray(tell(real)), real))
        if not seen.any():
            raise DataError(f"{data.name}: no pixel of its {count} held-out masks has a class; give some that have")
        return scores(seen)

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
    baseline = {f"baseline_{name}": value for name, value in scored(nothing).items()}

    weigh = compiled_weights(gan, counts, averaged=asked.averaged)

    def evaluate(state: GANState) -> Evaluation:
        weights = weigh(state)

        def tell(real: Bytes) -> np.ndarray:
            return drawer(weights, jnp.zeros((len(real), gan.latent_size)), given(real))

        return Evaluation(int(state.step), scored(tell) | baseline, told)

    return Judge(told, evaluate)
