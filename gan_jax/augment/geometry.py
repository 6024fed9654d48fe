"""Images flipped, turned, shifted and resampled, each by its own amount; what lies outside is mirrored.

Mirrored without repeating the edge: pixel -1 is pixel 1, as in NumPy's "reflect".
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from gan_jax.types import Images

# Daubechies' least asymmetric wavelet of six vanishing moments, its low-pass filter: orthonormal to its own shifts by
# two, so that halving undoes doubling; and no polynomial below the sixth degree is changed by either.
SYM6 = np.array(
    [
        0.015404109327027373,
        0.0034907120842174702,
        -0.11799011114819057,
        -0.048311742585633,
        0.4910559419267466,
        0.787641141030194,
        0.3379294217276218,
        -0.07263752278646252,
        -0.021060292512300564,
        0.04472490177066578,
        0.0017677118642428036,
        -0.007800708325034148,
    ]
)
_FRONT = 5  # tap that falls on a pixel's own place in the doubled grid
_REACH = 6  # doubled samples that are kept beyond either edge
_OFFSET = float(np.arange(len(SYM6)) @ SYM6 / np.sum(SYM6)) - _FRONT  # pixel n lies at 2n + this, not 2n: see above
_EXACT = jax.lax.Precision.HIGHEST  # GPUs would else multiply with 10 bits of mantissa


def flip(images: Images, flipped: Bool[Array, " batch"]) -> Images:
    """Left becomes right in the images that are marked."""
    return jnp.where(flipped[:, None, None, None], images[:, :, ::-1], images)


def turn(images: Images, quarters: Int[Array, " batch"]) -> Images:
    """Turns each image by 0, 1, 2 or 3 quarters, as `np.rot90` does. Raises ValueError unless images are square."""
    _, height, width, _ = images.shape
    if height != width:
        raise ValueError(f"quarter turns keep the shape of square images only, not of {height}x{width}; crop them")
    images = turn_over(images, quarters >= 2)
    return jnp.where((quarters % 2 == 1)[:, None, None, None], jnp.rot90(images, axes=(1, 2)), images)


def turn_over(images: Images, turned: Bool[Array, " batch"]) -> Images:
    """Turns the images that are marked by a half, as one turns a page upside down. Images of any shape."""
    return jnp.where(turned[:, None, None, None], images[:, ::-1, ::-1], images)


def shift(images: Images, pixels: Int[Array, "batch 2"]) -> Images:
    """Shifts each image by whole pixels, (down, right)."""
    rows = mirror(jnp.arange(images.shape[1])[None, :] - pixels[:, :1], images.shape[1])
    columns = mirror(jnp.arange(images.shape[2])[None, :] - pixels[:, 1:], images.shape[2])
    return jax.vmap(lambda image, row, column: image[row][:, column])(images, rows, columns)


def resample(images: Images, inverse: Float[Array, "batch 2 2"], pixels: Float[Array, "batch 2"]) -> Images:
    """Affine transformations, given by where each output pixel comes from.

    Output place q shows input place inverse · (q - centre - pixels) + centre; places are (row, column) in pixels, and
    centre is the image's middle: `pixels` is how far the transformed image is then shifted, (down, right). As in
    appendix B of Karras et al. 2020 (arXiv:2006.06676) the image is doubled with a wavelet's filter, read there
    bilinearly at twice the resolution, and halved with the same filter, which hides most of the aliasing of images
    shrunk by up to two. With the identity, doubling and halving undo each other up to rounding.

    Two things differ from the authors' code. Further than three pixels outside, the doubled image is mirrored, not the
    image before doubling; the filter is nearly, not quite, symmetric. And a pixel lies at the filter's centre of mass,
    0.05 pixels from where that code has it, so that straight ramps stay true.
    """
    _, height, width, _ = images.shape
    fine = jnp.einsum("yh,bhwc,xw->byxc", _doubling(height), images, _doubling(width), precision=_EXACT)
    down = jnp.asarray(_places(height) - (height - 1) / 2, jnp.float32)[None, :, None] - pixels[:, :1, None]
    right = jnp.asarray(_places(width) - (width - 1) / 2, jnp.float32)[None, None, :] - pixels[:, 1:, None]
    part = lambda i, j: inverse[:, i, j, None, None]
    # Not a matrix product: places need all their bits.
    rows = _inside(part(0, 0) * down + part(0, 1) * right + (height - 1) / 2, height)
    columns = _inside(part(1, 0) * down + part(1, 1) * right + (width - 1) / 2, width)
    moved = jax.vmap(_bilinear)(fine, 2 * rows + _OFFSET + _REACH, 2 * columns + _OFFSET + _REACH)
    halved = jnp.einsum("hy,byxc,wx->bhwc", _halving(height), moved, _halving(width), precision=_EXACT)
    return halved.astype(images.dtype)


def mirror(place: Any, size: int) -> Any:
    """Places of any sign, mirrored at both edges into [0, size - 1]."""
    return size - 1 - abs(place % max(2 * size - 2, 1) - (size - 1))


def _inside(place: Float[Array, "batch y x"], size: int) -> Float[Array, "batch y x"]:
    """The same place where the doubled grid has it, else its mirror image."""
    return jnp.where((place > -3) & (place < size + 2), place, mirror(place, size))


def _bilinear(image: Float[Array, "y x c"], rows: Float[Array, "y x"], columns: Float[Array, "y x"]) -> Array:
    top = jnp.clip(jnp.floor(rows), 0, image.shape[0] - 2).astype(jnp.int32)
    left = jnp.clip(jnp.floor(columns), 0, image.shape[1] - 2).astype(jnp.int32)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    pixel = lambda row, column: image.at[row, column].get(mode="promise_in_bounds")
    upper = (1 - right) * pixel(top, left) + right * pixel(top, left + 1)
    lower = (1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def _grid(size: int) -> np.ndarray:
    return np.arange(-_REACH, 2 * size + _REACH)


def _places(size: int) -> np.ndarray:
    """Where the samples of the doubled grid lie, in pixels."""
    return (_grid(size) - _OFFSET) / 2


def _taps(size: int, pixels: np.ndarray) -> np.ndarray:
    """The filter's tap between each sample of the doubled grid and each of `pixels`, `[2 * size + 12, pixels]`."""
    tap = _grid(size)[:, None] - 2 * pixels[None, :] + _FRONT
    return np.where((tap >= 0) & (tap < len(SYM6)), SYM6[np.clip(tap, 0, len(SYM6) - 1)], 0)


def _doubling(size: int) -> Float[Array, "doubled size"]:
    pixels = np.arange(-_REACH, size + _REACH)
    mirrored = np.eye(size)[mirror(pixels, size)]
    return jnp.asarray(np.sqrt(2) * _taps(size, pixels) @ mirrored, jnp.float32)


def _halving(size: int) -> Float[Array, "size doubled"]:
    return jnp.asarray(_taps(size, np.arange(size)).T / np.sqrt(2), jnp.float32)
