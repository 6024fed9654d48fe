"""Images as arrays: their ranges, what a person sees of them, and the sheet that shows many at once."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gan_jax.types import Bytes, Condition, Images, Made

A = TypeVar("A", Array, np.ndarray)


def to_float(images: Images | Bytes) -> Images:
    """uint8 in [0, 255] becomes float32 in [-1, 1]; floats pass through. Meant to run on the device.

    Raises TypeError for other integers and booleans, whose range cannot be known.
    """
    if images.dtype == jnp.uint8:
        return images.astype(jnp.float32) / 127.5 - 1
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(
            f"images are uint8 in [0, 255] or floats in [-1, 1], not {images.dtype}; use images.astype(np.uint8)"
        )
    return images


def require_floats(images: Images) -> None:
    """Raises TypeError for images that are not floats, whose colours are changed as those in [-1, 1]."""
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise TypeError(f"images are floats in [-1, 1] here, not {images.dtype}; see gan_jax.images.to_float")


def count(made: Made) -> int:
    """B, of images or of any pytree with a leading batch axis."""
    return jax.tree.leaves(made)[0].shape[0]


def check_range(images: Images) -> None:
    """Raises ValueError for floats far outside [-1, 1], such as 0 to 255. Traced ones have no values, and pass.

    So do floats around 0 whose root mean square is no larger than pixels' may be: latents of deviation 1, with tails.
    """
    if isinstance(images, jax.core.Tracer) or not jnp.issubdtype(images.dtype, jnp.floating):
        return
    # On the host: what JAX does to a known array within a trace is unknown until that runs.
    known = np.asarray(images, np.float32)
    largest, typical = float(np.max(np.abs(known))), float(np.sqrt(np.mean(np.square(known))))
    around_zero = np.min(known) < 0 and typical <= FAR_OUTSIDE
    if not (largest <= FAR_OUTSIDE or around_zero):
        raise ValueError(f"images are uint8 in [0, 255] or floats in [-1, 1]; these reach {largest:g}")


FAR_OUTSIDE = 2.0
"""Of [-1, 1]: resampling with negative lobes goes a little beyond it, never so far."""


def to_bytes(images: Images) -> Bytes:
    """Float in [-1, 1] becomes uint8 in [0, 255]: rounded to nearest, values outside clipped."""
    return jnp.round(jnp.clip(images * 127.5 + 127.5, 0, 255)).astype(jnp.uint8)


def to_picture(images: Array | np.ndarray, deviation: float | None = None) -> Array | np.ndarray:
    """What a person is shown of images, uint8 `[B, H, W, 1 or 3]`: of many channels the first three, of two the first.

    From black to white is [-1, 1]; for data of a range of their own, two deviations on either side of 0. uint8 ones
    are pictures as they are.
    """
    if images.dtype == jnp.uint8:
        return images
    shown = jnp.asarray(images)[..., : 3 if images.shape[-1] > 2 else 1]
    return to_bytes(shown if deviation is None else shown / (2 * deviation))


def to_frames(strips: A, count: int) -> A:
    """Clips, their frames one above another, `[B, count · H, W, C]`, as `[B, count, H, W, C]`."""
    return strips.reshape(len(strips), count, -1, *strips.shape[2:])


def to_strips(clips: A) -> A:
    """The other way: `[B, T, H, W, C]` to `[B, T · H, W, C]`."""
    return clips.reshape(len(clips), -1, *clips.shape[3:])


def sheet(images: Array | np.ndarray, columns: int, *, gap: int = 1) -> np.ndarray:
    """Lays images `[N, H, W, C]` out in rows of `columns`, `gap` pixels apart.

    Returns an array of the same dtype, `[rows * (H + gap) - gap, columns * (W + gap) - gap, C]`; gaps, and
    places that no image fills, have the lowest value of the dtype's image range (black).
    """
    images = np.asarray(images)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    black = 0 if images.dtype == np.uint8 else -1
    cells = np.full((rows * columns, height + gap, width + gap, channels), black, images.dtype)
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + gap, width + gap, channels).transpose(0, 2, 1, 3, 4)
    laid = cells.reshape(rows * (height + gap), columns * (width + gap), channels)
    return laid[: laid.shape[0] - gap, : laid.shape[1] - gap]


def condition_to_float(condition: Condition) -> Condition:
    """Conditions that are images, as floats in [-1, 1]; others as they are."""
    return jax.tree.map(lambda leaf: to_float(leaf) if leaf.ndim == 4 else leaf, condition)
