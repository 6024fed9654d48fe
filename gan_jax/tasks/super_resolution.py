"""Super-resolution: an image `factor` times as large as the one that is given (SRGAN, Ledig et al. 2017)."""

from functools import partial

import jax.numpy as jnp
import numpy as np

from gan_jax import supervision
from gan_jax.tasks.degradations import downsample, upsample
from gan_jax.tasks.task import Task, everywhere
from gan_jax.types import Batch, Images, PRNGKey


def super_resolution(factor: int) -> Task:
    """Given is the image made smaller by the bicubic filter, `[B, H / factor, W / factor, C]`.

    The baseline is the same filter's enlargement (arXiv:1609.04802, section 3.2, compares with it, too). Raises
    ValueError for a factor that is no whole number from 1 up.
    """
    if not isinstance(factor, int | np.integer) or factor < 1:
        raise ValueError(f"factor: a whole number from 1 up, not {factor}")

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        return Batch(images, downsample(images, factor))

    nearest = lambda small: jnp.repeat(jnp.repeat(small, factor, axis=1), factor, axis=2)
    return Task(make, nearest, partial(upsample, factor=factor), everywhere)


def agreement(weight: float, factor: int) -> supervision.Supervision:
    """What is made, made smaller again, is what was given: weight · E|small(G(x)) - x|."""
    return supervision.consistent(weight, partial(downsample, factor=factor))
