"""Linear maps of colour as homogeneous matrices, [B, 4, 4]: (r, g, b, 1) in [-1, 1] to the same.

Karras et al. 2020 (arXiv:2006.06676), appendix B. All of them map grey to grey; luma is the direction of grey,
(1, 1, 1) / √3.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from gan_jax.types import Images

Amounts = Float[Array, " batch"]
Maps = Float[Array, "batch 4 4"]

_IDENTITY = np.eye(4, dtype=np.float32)
_COLOURS = np.diag([1, 1, 1, 0]).astype(np.float32)
_SHIFT = np.outer([1, 1, 1, 0], [0, 0, 0, 1]).astype(np.float32)
_LUMA = np.pad(np.full((3, 3), 1 / 3, np.float32), (0, 1))
_AROUND_LUMA = np.pad(np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3), (0, 1)).astype(np.float32)
_EXACT = jax.lax.Precision.HIGHEST  # GPUs would else multiply with 10 bits of mantissa


def brightness(amounts: Amounts) -> Maps:
    """Adds the amount to every channel."""
    return _each(amounts) * _SHIFT[None] + _IDENTITY[None]


def contrast(factors: Amounts) -> Maps:
    """Multiplies every channel."""
    return _each(factors - 1) * _COLOURS[None] + _IDENTITY[None]


def luma_flip(flipped: Bool[Array, " batch"]) -> Maps:
    """Negates the luma of the marked images and keeps their chroma: a reflection."""
    return _each(flipped) * (-2 * _LUMA)[None] + _IDENTITY[None]


def hue(angles: Amounts) -> Maps:
    """Rotates colours around the grey axis, by radians; a third of a turn makes red green."""
    # Rodrigues' formula.
    bent = _each(1 - jnp.cos(angles)) * (_LUMA - _COLOURS)[None]
    return bent + _each(jnp.sin(angles)) * _AROUND_LUMA[None] + _IDENTITY[None]


def saturation(factors: Amounts) -> Maps:
    """Multiplies the distance from grey; 0 is grey."""
    return _each(factors - 1) * (_COLOURS - _LUMA)[None] + _IDENTITY[None]


def chain(*maps: Maps) -> Maps:
    """One map that does all of them, the first one first."""
    product = maps[0]
    for then in maps[1:]:
        product = jnp.matmul(then, product, precision=_EXACT)
    return product


def recolour(images: Images, maps: Maps) -> Images:
    """Applies each image's map to its pixels. One channel is grey: it takes what the map does to grey.

    Raises ValueError for other numbers of channels than 1 and 3.
    """
    channels = images.shape[-1]
    if channels == 1:
        factor, shift = jnp.sum(maps[:, :3, :3], axis=(1, 2)) / 3, jnp.mean(maps[:, :3, 3], axis=1)
        return (_pixels(factor) * images + _pixels(shift)).astype(images.dtype)
    if channels != 3:
        raise ValueError(f"colours are of 1 or 3 channels, not {channels}; leave the maps of colour out")
    turned = jnp.einsum("bij,bhwj->bhwi", maps[:, :3, :3], images, precision=_EXACT)
    return (turned + maps[:, None, None, :3, 3]).astype(images.dtype)


def _each(amounts: Array) -> Array:
    return amounts[:, None, None].astype(jnp.float32)


def _pixels(amounts: Amounts) -> Array:
    return amounts[:, None, None, None]
