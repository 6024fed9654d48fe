"""Semantic segmentation: the class of every pixel, judged as a whole (Luc et al. 2016, arXiv:1611.08408)."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from gan_jax.images import to_float
from gan_jax.tasks.task import Task, everywhere
from gan_jax.types import Batch, Images, PRNGKey

Shares = Float[Array, "batch height width classes"]
"""The probability of each class at each pixel; of a real mask one-hot, or zeros where nobody knows the class."""


def segmentation(classes: int) -> Task:
    """Given is a picture, and to be made are the shares of `classes` at each pixel, `[B, H, W, classes]`.

    Real images have the picture above its mask, `[B, 2H, W, C]`; a mask has the class's number, from 0, as a byte in
    its first channel. Where that is none of `classes`, nobody knows it: no cross entropy is asked for and nothing is
    scored there, but a discriminator sees real shares of zero, which no generator makes. A person is shown colours,
    class 0 in black. The baseline is class 0.
    """

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        picture, mask = jnp.split(images, 2, axis=1)
        return Batch(jax.nn.one_hot(_numbers(mask), classes), picture)

    nothing = lambda picture: colours(jax.nn.one_hot(jnp.zeros(picture.shape[:3], jnp.int32), classes))
    truth = lambda images: colours(make(jax.random.key(0), images).images)
    return Task(make, lambda picture: picture, nothing, everywhere, shown=colours, truth=truth)


def masks_of(images: Images) -> Int[Array, "batch height width"]:
    """The numbers of classes in real images, a mask below each picture, as they are read."""
    return _numbers(jnp.split(images, 2, axis=1)[1])


def _numbers(mask: Images) -> Int[Array, "batch height width"]:
    """The bytes of a mask that was brought to [-1, 1]."""
    return jnp.round((mask[..., 0] + 1) * (255 / 2)).astype(jnp.int32)


def colours(shares: Shares) -> Images:
    """The likeliest class of each pixel by its colour, `[B, H, W, 3]` in [-1, 1]; grey where no class has a share."""
    known = jnp.sum(shares, axis=-1, keepdims=True) > 0
    own = to_float(jnp.asarray(palette(shares.shape[-1])))
    return jnp.where(known, own[jnp.argmax(shares, axis=-1)], 0.0)


def palette(classes: int) -> UInt8[np.ndarray, "classes 3"]:
    """The colour of each class, all of them different: black, and hues from red on."""
    hues = [colorsys.hsv_to_rgb(i / max(classes - 1, 1), 0.75, 1.0) for i in range(classes - 1)]
    return np.round(np.array([(0.0, 0.0, 0.0), *hues]) * 255).astype(np.uint8)
