"""Values that change with the images seen: learning rates, betas, penalty weights, augmentation, averages."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Schedule = Callable[[Int[Array, ""]], Float[Array, ""]]
"""A step, counted from 0, to a value: what optax takes for a schedule, too."""


def by_images(schedule: Callable[[Array], Array], batch_size: int) -> Schedule:
    """A schedule of steps from one of images seen: the same curve at any batch size."""
    return lambda step: schedule(jnp.asarray(step, jnp.float32) * batch_size)


def constant(value: float) -> Schedule:
    """Always `value`."""
    return lambda step: jnp.full(jnp.shape(step), value, jnp.float32)


def linear(start: float, end: float, images: float, batch_size: int) -> Schedule:
    """From `start` to `end` in a straight line over so many images, then `end`."""
    return by_images(lambda seen: start + (end - start) * _share(seen, images), batch_size)


def cosine(start: float, end: float, images: float, batch_size: int) -> Schedule:
    """From `start` to `end` by half a cosine over so many images, then `end`: end + (start - end) (1 + cos πt) / 2.

    R3GAN (Huang et al. 2024, arXiv:2501.05441) moves all its settings by this one.
    """
    return by_images(lambda seen: end + (start - end) * (1 + jnp.cos(jnp.pi * _share(seen, images))) / 2, batch_size)


def _share(seen: Array, images: float) -> Array:
    return jnp.clip(seen / images, 0.0, 1.0)
