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
