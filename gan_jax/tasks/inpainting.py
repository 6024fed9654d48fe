"""Inpainting: what is missing of an image (Pathak et al. 2016, arXiv:1604.07379; Yu et al. 2019, arXiv:1806.03589)."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.tasks.degradations import known_of, with_hole
from gan_jax.tasks.task import Task
from gan_jax.types import Batch, Condition, Images, PRNGKey

Hole = Callable[[PRNGKey, tuple[int, ...]], Array]
"""`(key, shape of images) -> [B, H, W, 1]`: 1 where a pixel is known, 0 in the hole. One of `degradations`."""


def inpainting(hole: Hole) -> Task:
    """Given is `[B, H, W, C + 1]`: the image with zeros in its hole, and a channel of 1 where it is known, else -1.

    The baseline fills the hole with the mean colour of what is known.
    """

    def make(key: PRNGKey, images: Images) -> Batch:
        return Batch(images, with_hole(images, hole(key, images.shape)))

    return Task(make, _picture, mean_colour, lambda condition: 1 - known_of(condition), with_hole, has_holes=True)


def mean_colour(condition: Condition) -> Images:
    """The known pixels, and their mean in the place of the others, `[B, H, W, C]`."""
    known, picture = known_of(condition), _picture(condition)
    count = jnp.maximum(jnp.sum(known, axis=(1, 2), keepdims=True), 1)
    mean = jnp.sum(picture * known, axis=(1, 2), keepdims=True) / count
    return jnp.where(known > 0, picture, mean)


def known_pixels(images: Images, condition: Condition) -> Images:
    """The pixels of the condition `[B, H, W, C + 1]` where its last channel is positive, else those of the images.

    In the dtype of the images, for `models.composed`. Raises ValueError where the shapes do not fit.
    """
    wanted, found = [*images.shape[:3], images.shape[-1] + 1], list(jnp.shape(condition))
    if found != wanted:
        raise ValueError(f"images are composed with conditions {wanted}, a mask behind the channels; not with {found}")
    return jnp.where(condition[..., -1:] > 0, _picture(condition).astype(images.dtype), images)


def _picture(condition: Condition) -> Images:
    return condition[..., :-1]
