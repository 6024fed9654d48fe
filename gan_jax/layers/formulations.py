"""What a strided convolution and its two adjoints can be computed as; `layers/convolution.py` says when which is.

Every one takes arrays and the `Geometry` that connects them, and is linear in each array.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from gan_jax.layers import winograd

Maps = Float[Array, "batch height width channels"]
Kernel = Float[Array, "k k inputs outputs"]

_LAYOUT = ("NHWC", "HWIO", "NHWC")


class Geometry(NamedTuple):
    """How a large image and a small one hang together: small pixel o sees large pixels s·o + t - front."""

    kernel: int
    stride: int
    large: tuple[int, int]
    small: tuple[int, int]
    front: tuple[int, int]  # zeros before the large image, (rows, columns)
    back: tuple[int, int]  # and behind it

    @classmethod
    def same(cls, large: tuple[int, int], small: tuple[int, int], k: int, stride: int) -> "Geometry":
        """That of TensorFlow's "same" padding."""
        total = [max((s - 1) * stride + k - size, 0) for size, s in zip(large, small, strict=True)]
        front = (total[0] // 2, total[1] // 2)
        return cls(k, stride, large, small, front, (total[0] - front[0], total[1] - front[1]))

    @property
    def padding(self) -> list[tuple[int, int]]:
        """(front, back) of both axes."""
        return list(zip(self.front, self.back, strict=True))

    @property
    def mirrored(self) -> "Geometry":
        """How the small image and the large one hang together, of stride 1: taps are then turned by half a turn."""
        last = self.kernel - 1
        front, back = ((last - rows, last - columns) for rows, columns in (self.front, self.back))
        return Geometry(self.kernel, 1, self.small, self.large, front, back)

    @property
    def tiles(self) -> int:
        """How many tiles of `stride` taps a kernel is, along an axis, filled up with zeros."""
        return -(-self.kernel // self.stride)


def require_fit(kernel: Kernel, inputs: int, images: Maps) -> None:
    """Raises ValueError unless a kernel is square, and for images `[B, H, W, inputs]`."""
    if images.ndim != 4 or kernel.shape[0] != kernel.shape[1] or inputs != images.shape[-1]:
        raise ValueError(
            f"a kernel of {list(kernel.shape)} is not square, or does not fit images of {list(images.shape)}"
        )


def down_by_xla(x: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """XLA's own convolution."""
    strides = (geometry.stride, geometry.stride)
    return lax.conv_general_dilated(x, kernel, strides, geometry.padding, dimension_numbers=_LAYOUT)


def down_by_product(x: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """One matrix product, for kernels of one tap and stride 1."""
    del geometry
    return lax.dot_general(x, kernel[0, 0], (((3,), (0,)), ((), ())))


def down_by_winograd(x: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """`winograd.correlate` on tiles: the pixels of a tile of stride x stride are its channels."""
    return winograd.correlate(_folded(x, geometry), _folded_kernel(kernel, geometry))


def taps_by_xla(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The adjoint of `down_by_xla` in its kernel, as XLA writes it."""
    kernel = jax.ShapeDtypeStruct((geometry.kernel, geometry.kernel, x.shape[-1], y.shape[-1]), x.dtype)
    (taps,) = jax.linear_transpose(lambda kernel: down_by_xla(x, kernel, geometry), kernel)(y)
    return taps


def taps_in_slices(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The same, four images of the batch at a time. A batch whose size is not known is one slice.

    XLA takes the large image's channels for a batch, and is ten times as fast where those are few as where the small
    image's are; for stride 1 it is handed the one that has fewer.
    """
    if geometry.stride == 1 and x.shape[-1] > y.shape[-1]:
        return _turned(_in_slices(taps_by_xla, y, x, geometry.mirrored))
    return _in_slices(taps_by_xla, x, y, geometry)


def taps_by_rows(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The same as a convolution in one dimension, over the height, that sums over images and their width.

    The large image is [C, H, W · B], its channels for a batch; the small one is a filter [H, W · B, n · outputs], in n
    copies that are shifted along the width, one for each tap of a row. So every product is W · B deep, where that of
    `taps_by_xla` is as deep as there are images.
    """
    if geometry.stride == 1 and x.shape[-1] < y.shape[-1]:  # the image that is copied is the one of fewer channels
        return _turned(taps_by_rows(y, x, geometry.mirrored))
    n, outputs, (rows, columns) = geometry.tiles, y.shape[-1], geometry.small
    if geometry.stride == 1:  # padded columns would be multiplied in vain
        padding, front, wide = geometry.padding[0], geometry.front[1], geometry.large[1]
    else:
        x, padding, front, wide = _folded(x, geometry), (0, 0), 0, columns + n - 1
    shifted = [_padded(y, [(0, 0), (j - front, wide - columns - j + front)]) for j in range(n)]
    filters = jnp.stack(shifted, 3).transpose(1, 0, 2, 3, 4).reshape(rows, -1, n * outputs)
    image = x.transpose(3, 1, 0, 2).reshape(x.shape[-1], x.shape[1], -1)
    taps = lax.conv_general_dilated(image, filters, (1,), [padding], dimension_numbers=("NWC", "WIO", "NWC"))
    return _unfolded_taps(taps.reshape(-1, n, n, outputs).transpose(1, 2, 0, 3), geometry)


def taps_by_rows_in_slices(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The same, four images of the batch at a time: their copies stay in the cache."""
    return _in_slices(taps_by_rows, x, y, geometry)


def _in_slices(taps: Callable[[Maps, Maps, Geometry], Kernel], x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    if not isinstance(x.shape[0], int):
        return taps(x, y, geometry)
    starts = range(0, x.shape[0], _IMAGES)
    slices = [taps(x[i : i + _IMAGES], y[i : i + _IMAGES], geometry) for i in starts]
    return sum(slices[1:], slices[0])


_IMAGES = 4
"""Of a batch, in one slice."""


def _turned(taps: Kernel) -> Kernel:
    """By half a turn, inputs and outputs exchanged: those of `Geometry.mirrored`."""
    return taps[::-1, ::-1].swapaxes(2, 3)


def taps_by_product(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The adjoint of `down_by_product` in its kernel: one matrix product over all pixels."""
    del geometry
    return (y.reshape(-1, y.shape[-1]).T @ x.reshape(-1, x.shape[-1])).T[None, None]


def taps_by_winograd(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    """The adjoint of `down_by_winograd` in its kernel."""
    return _unfolded_taps(winograd.correlate_taps(_folded(x, geometry), y), geometry)


def up_by_dilation(y: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """The adjoint of `down_by_xla` in its image as XLA writes it: a convolution over a dilated image."""
    (x,) = jax.linear_transpose(
        lambda x: down_by_xla(x, kernel, geometry),
        jax.ShapeDtypeStruct((y.shape[0], *geometry.large, kernel.shape[2]), y.dtype),
    )(y)
    return x


def up_by_product(y: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """The same as one matrix product, whose tiles are shifted and added.

    A kernel of n * stride taps is n tiles of stride taps, and tile t of small pixel i lands on output tile i + t.
    """
    stride, n, outputs, inputs = geometry.stride, geometry.tiles, *kernel.shape[2:]
    rows, columns = geometry.small
    kernel = _filled(kernel, geometry)
    product = lax.dot_general(y.reshape(-1, inputs), kernel.reshape(-1, inputs), (((1,), (1,)), ((), ())))
    tiles = product.reshape(-1, rows, columns, n, stride, n, stride, outputs)
    around = lambda i, j: ((0, 0), (i, n - 1 - i), (j, n - 1 - j), (0, 0), (0, 0), (0, 0))
    shifted = [jnp.pad(tiles[:, :, :, i, :, j], around(i, j)) for i in range(n) for j in range(n)]
    return _crop(_unfolded(sum(shifted[1:], shifted[0])), geometry.front, geometry.large)


def up_by_phases(y: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """The same as a small dense convolution: output pixels of one phase (place modulo stride) are its channels.

    Tiles as in `up_by_product`, summed by a convolution of n taps with stride 1, then laid out side by side and
    cropped. Tiles that the crop would drop whole are not computed.
    """
    return _by_phases(y, kernel, geometry, _dense)


def up_by_winograd(y: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    """`up_by_phases`, whose convolution is `winograd.correlate`."""
    return _by_phases(y, kernel, geometry, winograd.correlate)


def _by_phases(y: Maps, kernel: Kernel, geometry: Geometry, correlate: Callable[[Maps, Kernel], Maps]) -> Maps:
    stride, n, outputs, inputs = geometry.stride, geometry.tiles, *kernel.shape[2:]
    kernel = _filled(kernel, geometry).reshape(n, stride, n, stride, outputs, inputs)
    tiles = kernel[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4).reshape(n, n, inputs, stride * stride * outputs)
    skipped = [front // stride for front in geometry.front]
    shape = [
        -(-(front + large) // stride) - skip
        for front, large, skip in zip(geometry.front, geometry.large, skipped, strict=True)
    ]
    padding = [
        (n - 1 - skip, count + skip - small) for skip, count, small in zip(skipped, shape, geometry.small, strict=True)
    ]
    painted = correlate(_padded(y, padding), tiles)
    full = _unfolded(painted.reshape(-1, *shape, stride, stride, outputs))
    return _crop(full, (geometry.front[0] % stride, geometry.front[1] % stride), geometry.large)


def _dense(x: Maps, kernel: Kernel) -> Maps:
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_LAYOUT)


def _padded(x: Maps, padding: list[tuple[int, int]]) -> Maps:
    """Zeros (front, back) around rows and columns; where they are negative, pixels are cut off."""
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((front, back, 0) for front, back in padding), (0, 0, 0)))


def _folded(x: Maps, geometry: Geometry) -> Maps:
    """The padded image in tiles of stride x stride, whose pixels become channels: as many as small pixels see."""
    stride = geometry.stride
    counts = [size + geometry.tiles - 1 for size in geometry.small]
    missing = [
        (front, stride * count - front - large)
        for count, front, large in zip(counts, geometry.front, geometry.large, strict=True)
    ]
    tiles = _padded(x, missing).reshape(-1, counts[0], stride, counts[1], stride, x.shape[-1])
    return tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, *counts, stride * stride * x.shape[-1])


def _folded_kernel(kernel: Kernel, geometry: Geometry) -> Kernel:
    stride, n, inputs, outputs = geometry.stride, geometry.tiles, *kernel.shape[2:]
    tiles = _filled(kernel, geometry).reshape(n, stride, n, stride, inputs, outputs)
    return tiles.transpose(0, 2, 1, 3, 4, 5).reshape(n, n, stride * stride * inputs, outputs)


def _unfolded_taps(taps: Kernel, geometry: Geometry) -> Kernel:
    """Tiles of taps side by side, without those that fill them up: the adjoint of `_folded_kernel`."""
    stride, n, k = geometry.stride, geometry.tiles, geometry.kernel
    tiles = taps.reshape(n, n, stride, stride, -1, taps.shape[-1]).transpose(0, 2, 1, 3, 4, 5)
    return tiles.reshape(n * stride, n * stride, -1, taps.shape[-1])[:k, :k]


def _filled(kernel: Kernel, geometry: Geometry) -> Kernel:
    """With zeros behind it, up to whole tiles."""
    fill = geometry.tiles * geometry.stride - geometry.kernel
    return jnp.pad(kernel, ((0, fill), (0, fill), (0, 0), (0, 0)))


def _unfolded(tiles: Float[Array, "batch rows columns s s channels"]) -> Maps:
    """Tiles side by side."""
    _, rows, columns, stride, _, channels = tiles.shape
    return tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, rows * stride, columns * stride, channels)


def _crop(maps: Maps, front: tuple[int, int], size: tuple[int, int]) -> Maps:
    """Cuts `front` pixels off, then all beyond `size`; pixels that no tap reaches are zero."""
    missing = [max(f + s - have, 0) for f, s, have in zip(front, size, maps.shape[1:3], strict=True)]
    maps = jnp.pad(maps, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))
    return maps[:, front[0] : front[0] + size[0], front[1] : front[1] + size[1]]
