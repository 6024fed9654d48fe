"""Scores of images whose truth is known: how far each is from it, one float32 an image, pure and jit-able.

Images and truth are `[B, H, W, C]`, floats in [-1, 1] (uint8 is brought there). A small error is not a good look: the
mean of all plausible images has, on average, a smaller squared error than any one of them (Blau & Michaeli 2018,
arXiv:1711.06077).
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from gan_jax.images import to_float
from gan_jax.types import Bytes, Images

Scores = Float[Array, " batch"]
Marked = Float[Array, "batch height width 1"] | Bool[Array, "batch height width 1"]
"""Pixels that count: those that are not 0."""

WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
WINDOW /= WINDOW.sum()
"""SSIM's weights along an axis: a Gaussian of deviation 1.5, over 11 pixels."""

LUMINANCE_FLOOR, CONTRAST_FLOOR = 0.01**2, 0.03**2
"""SSIM's C1 and C2, for images in [0, 1]: they keep flat and black parts from dividing by nothing."""


def psnr(images: Images | Bytes, truth: Images | Bytes, where: Marked | None = None) -> Scores:
    """10 log10(2² / mean squared error), in decibels: the range of images is 2. Equal ones have inf.

    With `where` the mean is over its pixels alone, such as a hole's, and an image that has none of them has nan. Raises
    ValueError for shapes that differ.
    """
    return 10 * jnp.log10(4 / squared_error(images, truth, where))


def squared_error(images: Images | Bytes, truth: Images | Bytes, where: Marked | None = None) -> Scores:
    """Mean squared error, in [0, 4], over the pixels that `where` marks; `psnr` says what it does and raises."""
    return _mean(jnp.square(_difference(images, truth)), where)


def l1(images: Images | Bytes, truth: Images | Bytes, where: Marked | None = None) -> Scores:
    """Mean absolute error, in [0, 2], over the pixels that `where` marks; `psnr` says what it does and raises."""
    return _mean(jnp.abs(_difference(images, truth)), where)


def ssim(images: Images | Bytes, truth: Images | Bytes) -> Scores:
    """Structural similarity, in [-1, 1], 1 for equal images: means, variances and covariance alike in each window.

    Wang et al. 2004 (doi:10.1109/TIP.2003.819861, eq. 13), with their Gaussian window of 11x11 pixels and deviation
    1.5, K1 = 0.01 and K2 = 0.03; the mean over channels and over the windows that lie inside the image. Zero is black,
    as with bytes, not the middle of [-1, 1]. Raises ValueError for shapes that differ and for images smaller than the
    window.
    """
    _check_alike(images, truth)
    if min(images.shape[1:3]) < len(WINDOW):
        raise ValueError(f"SSIM looks through windows of 11x11 pixels; images are {images.shape[1]}x{images.shape[2]}")
    x, y = (_to_float32(array) / 2 + 0.5 for array in (images, truth))
    windows = _weighed(jnp.concatenate([x, y, x * x, y * y, x * y]))
    mean_x, mean_y, square_x, square_y, product = jnp.split(windows, 5)
    luminance = _likeness(mean_x * mean_x, mean_y * mean_y, mean_x * mean_y, LUMINANCE_FLOOR)
    contrast_and_structure = _likeness(
        square_x - mean_x * mean_x, square_y - mean_y * mean_y, product - mean_x * mean_y, CONTRAST_FLOOR
    )
    return jnp.mean(luminance * contrast_and_structure, axis=(1, 2, 3))


def _likeness(of_x: Array, of_y: Array, of_both: Array, floor: float) -> Array:
    return (2 * of_both + floor) / (of_x + of_y + floor)


def _weighed(x: Images) -> Images:
    """The mean in each window that lies inside, along one axis after the other."""
    for axis in (1, 2):
        size = x.shape[axis] - len(WINDOW) + 1
        slices = [float(w) * lax.slice_in_dim(x, i, i + size, axis=axis) for i, w in enumerate(WINDOW)]
        x = sum(slices[1:], slices[0])
    return x


def _difference(images: Images | Bytes, truth: Images | Bytes) -> Images:
    _check_alike(images, truth)
    return _to_float32(images) - _to_float32(truth)


def _mean(errors: Images, where: Marked | None) -> Scores:
    return jnp.mean(errors, axis=(1, 2, 3), where=None if where is None else where.astype(bool))


def _to_float32(images: Images | Bytes) -> Images:
    return to_float(images).astype(jnp.float32)


def _check_alike(images: Images | Bytes, truth: Images | Bytes) -> None:
    # Broadcasting would else compare a grey image with each channel of a coloured one.
    if images.shape != truth.shape:
        raise ValueError(f"images {list(images.shape)} and their truth {list(truth.shape)} differ in shape")
