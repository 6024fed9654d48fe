"""Images as rows of tokens: patches, and where each of them lies."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.sizes import Sides
from gan_jax.types import Images

Tokens = Float[Array, "batch tokens channels"]
Angles = Float[np.ndarray, "tokens half"]

THETA = 10_000.0
"""The ratio of the longest wave to the shortest, of both codes (Vaswani et al. 2017, arXiv:1706.03762, section 3.5)."""


def to_patches(images: Images, side: int) -> Tokens:
    """Images `[B, H, W, C]` as patches `[B, (H / side) · (W / side), side² · C]`, row by row.

    A patch holds its pixels row by row, the channels of each together. Raises ValueError for a size that patches do
    not fill.
    """
    batch, height, width, channels = images.shape
    rows, columns = grid_of((height, width), side)
    cells = images.reshape(batch, rows, side, columns, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return cells.reshape(batch, rows * columns, side * side * channels)


def from_patches(tokens: Tokens, size: Sides, side: int) -> Images:
    """The images `[B, H, W, C]` of patches, the inverse of `to_patches`; `size` is (H, W)."""
    rows, columns = grid_of(size, side)
    cells = tokens.reshape(tokens.shape[0], rows, columns, side, side, -1).transpose(0, 1, 3, 2, 4, 5)
    return cells.reshape(tokens.shape[0], *size, -1)


def grid_of(size: Sides, side: int) -> Sides:
    """Rows and columns of the patches of an image. Raises ValueError for a size that they do not fill."""
    if side < 1 or any(pixels % side for pixels in size):
        raise ValueError(f"patches of {side}x{side} pixels do not fill images of {size[0]}x{size[1]}")
    return size[0] // side, size[1] // side


def sine_cosine(grid: Sides, channels: int) -> Float[np.ndarray, "tokens channels"]:
    """A fixed code of places, float32 `[rows · columns, channels]`: of the column, then of the row.

    Each is sines, then cosines, of the place times θ^(-4i / channels), for i below channels / 4: Vaswani et al. 2017
    (arXiv:1706.03762, section 3.5), in two axes. Raises ValueError for channels that four do not divide.
    """
    waves = [np.concatenate([np.sin(a), np.cos(a)], axis=-1) for a in reversed(_angles(grid, channels))]
    return np.concatenate(waves, axis=-1).astype(np.float32)


def axial_angles(grid: Sides, channels: int) -> Angles:
    """By how much `rotated` turns each pair of channels, float32 `[rows · columns, channels / 2]`.

    The first half of the pairs turn with the row, the others with the column, by the place times θ^(-4i / channels)
    radians: rotary positions (Su et al. 2021, arXiv:2104.09864, eq. 15) in two axes. Raises ValueError for channels
    that four do not divide.
    """
    return np.concatenate(_angles(grid, channels), axis=-1).astype(np.float32)


def rotated(x: Array, angles: Angles) -> Array:
    """`[B, N, heads, channels]` whose channels 2i and 2i + 1 are turned by angle i of their token; computes in float32.

    The inner product of two that are turned depends on the difference of their places alone. The dtype stays.
    """
    cosine, sine = (jnp.asarray(part(angles))[None, :, None, :] for part in (np.cos, np.sin))
    pairs = x.astype(jnp.float32).reshape(*x.shape[:-1], -1, 2)
    even, odd = pairs[..., 0], pairs[..., 1]
    turned = jnp.stack([even * cosine - odd * sine, odd * cosine + even * sine], axis=-1)
    return turned.reshape(x.shape).astype(x.dtype)


def _angles(grid: Sides, channels: int) -> list[np.ndarray]:
    """Of rows, and of columns, `[rows · columns, channels / 4]` each."""
    if channels % 4:
        raise ValueError(f"two axes have a sine and a cosine each, of channels that 4 divides; {channels} are not")
    speeds = THETA ** -(np.arange(channels // 4) / (channels // 4))
    places = np.meshgrid(*(np.arange(side) for side in grid), indexing="ij")
    return [place.reshape(-1, 1) * speeds for place in places]
