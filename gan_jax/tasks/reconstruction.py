"""Reconstruction: an image from its code, which an autoencoder makes of it (Rombach et al. 2022, arXiv:2112.10752)."""

import jax.numpy as jnp

from gan_jax import supervision
from gan_jax.tasks.degradations import downsample, upsample
from gan_jax.tasks.task import Task, as_it_is, everywhere
from gan_jax.types import Batch, Images, PRNGKey

SMALLER = 4
"""Times: both sides of what reconstructions are compared with, which has as many pixels as most codes."""


def reconstruction() -> Task:
    """Given is the image itself, and to be made are `(images, nats)`: it, and what its code tells, best nothing.

    The baseline is the image made four times smaller and larger again, by the bicubic filter.
    """

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        return Batch((images, jnp.zeros(images.shape[0])), images)

    blurred = lambda images: upsample(downsample(images, SMALLER), SMALLER)
    return Task(make, as_it_is, blurred, everywhere, shown=lambda made: made[0])


def l1(weight: float) -> supervision.Supervision:
    """weight · E|x̂ - x|, over all pixels. Shown as "g/l1", without its weight."""
    return supervision.near("g/l1", weight, lambda made: made[0])


def kl(weight: float) -> supervision.Supervision:
    """weight · E KL(q(z | x) | N(0, 1)), a mean over a code's numbers. Shown as "g/kl", without its weight."""
    return supervision.near("g/kl", weight, lambda made: made[1])
