"""Differentiable augmentation (Zhao et al. 2020, arXiv:2006.10738): colour, translation and cutout.

The strengths are those of the authors' code. What leaves the image is filled with zeros, mid-grey in [-1, 1].
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from gan_jax.augment import Augment
from gan_jax.images import require_floats
from gan_jax.types import Images, PRNGKey


def diff_augment(*policies: Augment) -> Augment:
    """Applies the policies in their order, each with a key of its own; none at all is the identity.

    `diff_augment(colour, translation, cutout)` is the paper's strongest; `functools.partial(cutout, ratio=0.25)` a
    policy of another strength. Raises TypeError for what is no function, such as where it is used without being called.
    """
    if wrong := [policy for policy in policies if not callable(policy)]:
        raise TypeError(
            "diff_augment makes an augmentation of policies: diff_augment(colour, translation), which then takes (key, "
            f"images); expected a function, got a {type(wrong[0]).__name__}"
        )

    def augment(key: PRNGKey, images: Images) -> Images:
        for policy_key, policy in zip(jax.random.split(key, len(policies)), policies, strict=True):
            images = policy(policy_key, images)
        return images

    return augment


def colour(key: PRNGKey, images: Images) -> Images:
    """Brightness, then saturation, then contrast: x + b, then away from each pixel's grey, then from the image's.

    b ~ U[-0.5, 0.5); distances from the mean over channels times U[0, 2); those from the mean over the whole image
    times U[0.5, 1.5). Any number of channels; with one, saturation does nothing.
    """
    require_floats(images)
    brightness_key, saturation_key, contrast_key = jax.random.split(key, 3)
    draw = lambda k, low, high: jax.random.uniform(k, (images.shape[0], 1, 1, 1), images.dtype, low, high)
    images = images + draw(brightness_key, -0.5, 0.5)
    grey = jnp.mean(images, axis=3, keepdims=True)
    images = grey + draw(saturation_key, 0.0, 2.0) * (images - grey)
    mean = jnp.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + draw(contrast_key, 0.5, 1.5) * (images - mean)


def translation(key: PRNGKey, images: Images, *, ratio: float = 0.125) -> Images:
    """Shifts by a whole number of pixels, each axis uniform in [-ratio · size, ratio · size], zeros behind."""
    require_floats(images)
    row_key, column_key = jax.random.split(key)
    count, height, width, _ = images.shape
    farthest = [_rounded(ratio * size) for size in (height, width)]
    down = jax.random.randint(row_key, (count,), -farthest[0], farthest[0] + 1)
    right = jax.random.randint(column_key, (count,), -farthest[1], farthest[1] + 1)

    def shift(image: Array, down: Int[Array, ""], right: Int[Array, ""]) -> Array:
        padded = jnp.pad(image, [(farthest[0],) * 2, (farthest[1],) * 2, (0, 0)])
        return jax.lax.dynamic_slice(padded, (farthest[0] - down, farthest[1] - right, 0), image.shape)

    return jax.vmap(shift)(images, down, right)


def cutout(key: PRNGKey, images: Images, *, ratio: float = 0.5) -> Images:
    """Sets a rectangle of ratio · height by ratio · width to zero; its centre is uniform over the image.

    The part of it that hangs over the edge is lost, so that less than ratio² of the pixels are cut on average.
    """
    require_floats(images)
    row_key, column_key = jax.random.split(key)
    count, height, width, _ = images.shape
    rows = _interval(row_key, count, height, _rounded(ratio * height))
    columns = _interval(column_key, count, width, _rounded(ratio * width))
    hole = rows[:, :, None] & columns[:, None, :]
    return jnp.where(hole[..., None], 0, images)


def flip(key: PRNGKey, images: Images) -> Images:
    """Mirrors all images, left to right: for `sometimes`."""
    del key
    return images[:, :, ::-1]


def sometimes(policy: Augment, probability: float) -> Augment:
    """The policy for each image with a probability, else nothing."""

    def augment(key: PRNGKey, images: Images) -> Images:
        chosen_key, own = jax.random.split(key)
        chosen = jax.random.bernoulli(chosen_key, probability, (images.shape[0], 1, 1, 1))
        return jnp.where(chosen, policy(own, images), images)

    return augment


def _rounded(size: float) -> int:
    """Halves go up, as in the authors' code, not to the even neighbour."""
    return int(size + 0.5)


def _interval(key: PRNGKey, count: int, size: int, length: int) -> Bool[Array, "count size"]:
    """`length` places in a row for each of `count`, with a middle uniform over [0, size]."""
    middle = jax.random.randint(key, (count, 1), 0, size + 1 - length % 2)
    place = jnp.arange(size)[None, :] - middle + length // 2
    return (place >= 0) & (place < length)
