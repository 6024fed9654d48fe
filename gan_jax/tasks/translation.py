"""Paired translation: an image from another way of drawing it (pix2pix, Isola et al. 2017, arXiv:1611.07004)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.tasks.degradations import edges, grey, luma
from gan_jax.tasks.task import Task, as_it_is, everywhere
from gan_jax.types import Batch, Condition, Images, PRNGKey


def colouring() -> Task:
    """Given is the image in grey, `[B, H, W, 1]`. The baseline stays grey."""
    return translation(grey, baseline=lambda given: jnp.repeat(given, 3, axis=-1), given=luma)


def known_luma(images: Images, condition: Condition) -> Images:
    """Images `[B, H, W, 3]` in [-1, 1] of the luma that was given, `[B, H, W, 1]`, in their own colours.

    What is made beside it is chroma alone (Zhang et al. 2016, arXiv:1603.08511, section 2). A colour for which that
    luma leaves no room is made paler, until it fits. In the dtype of the images, for `models.composed`. Raises
    ValueError where the shapes do not fit.
    """
    wanted, found = [*images.shape[:3], 1], list(jnp.shape(condition))
    if found != wanted:
        raise ValueError(f"images {list(images.shape)} have a luma {wanted}, not {found}")
    bright = condition.astype(images.dtype)
    colour = images - grey(images)
    room = jnp.maximum(jnp.where(colour > 0, 1 - bright, 1 + bright), _LEAST_ROOM)
    return bright + colour / jnp.maximum(jnp.max(jnp.abs(colour) / room, axis=-1, keepdims=True), 1)


_LEAST_ROOM = 1e-3
"""By which black and white may be missed, less than a step of eight bits: it is divided by."""


def from_edges() -> Task:
    """Given are the image's edges, `[B, H, W, 1]`. The baseline is the drawing itself, black where there is no edge.

    Of one's own: a drawing, white lines on black.
    """
    return translation(edges, baseline=lambda given: jnp.repeat(given, 3, axis=-1), given=luma)


def pairs(*, reverse: bool = False) -> Task:
    """Given is the left half of each picture, and the right half is to be made; reversed, the other way round.

    The baseline is what is given, as it is.
    """

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        left, right = jnp.split(images, 2, axis=2)
        return Batch(left, right) if reverse else Batch(right, left)

    truth = lambda images: make(jax.random.key(0), images).images
    return Task(make, as_it_is, as_it_is, everywhere, truth=truth)


def translation(
    draw: Callable[[Images], Images],
    *,
    baseline: Callable[[Condition], Images],
    given: Callable[[Images], Condition] = lambda pictures: pictures,
) -> Task:
    """Given is what `draw` makes of the image, as large as it, `[B, H, W, c]`, or `given` of one's own pictures."""

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        return Batch(images, draw(images))

    return Task(make, lambda condition: condition, baseline, everywhere, lambda pictures, known: given(pictures))
