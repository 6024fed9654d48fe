"""Convolutions by Winograd's minimal filtering: fewer products, for sums before and after them.

Lavin & Gray 2016 (arXiv:1509.09308), section 4.1: F(2x2, 3x3) computes tiles of 2x2 outputs by 16 multiplications in
place of 36, F(2x2, 2x2) by 9 in place of 16. Summed over channels, multiplications are products of matrices, one for
each place in a tile. In float32 both lose less than a bit; lower precisions would lose more.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Maps = Float[Array, "batch height width channels"]
Kernel = Float[Array, "k k inputs outputs"]

Rows = tuple[tuple[float, ...], ...]

_IMAGE: dict[int, Rows] = {
    2: ((1, -1, 0), (0, 1, 0), (0, 1, -1)),
    3: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
}
"""Bᵀ of the paper for kernels of so many taps: what is made of the n + 1 pixels that a tile's two outputs see."""

_KERNEL: dict[int, Rows] = {
    2: ((1, 0), (1, 1), (0, 1)),
    3: ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
}
"""G: what is made of the n taps."""

_OUTPUT: dict[int, Rows] = {2: ((1, 1, 0), (0, 1, -1)), 3: ((1, 1, 1, 0), (0, 1, -1, -1))}
"""Aᵀ: the two outputs from the n + 1 products."""


def correlate(x: Maps, kernel: Kernel) -> Maps:
    """`[B, H, W, C] -> [B, H - n + 1, W - n + 1, outputs]` with a kernel of n = 2 or 3 taps, without padding."""
    n, _, inputs, outputs = kernel.shape
    rows, columns = (size - n + 1 for size in x.shape[1:3])
    down, across = -(-rows // 2), -(-columns // 2)
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (0, rows % 2, 0), (0, columns % 2, 0), (0, 0, 0)))
    seen = lambda i, j: lax.slice(
        x, (0, i, j, 0), (x.shape[0], i + 2 * down - 1, j + 2 * across - 1, inputs), (1, 2, 2, 1)
    )
    tap = lambda i, j: lax.slice(kernel, (i, j, 0, 0), (i + 1, j + 1, inputs, outputs)).reshape(inputs, outputs)
    tiles = _both_axes(_IMAGE[n], [[seen(i, j) for j in range(n + 1)] for i in range(n + 1)])
    taps = _both_axes(_KERNEL[n], [[tap(i, j) for j in range(n)] for i in range(n)])
    product = lambda tile, tap: lax.dot(lax.collapse(tile, 0, 3), tap).reshape(-1, down, across, outputs)
    products = [[product(*each) for each in zip(*pair, strict=True)] for pair in zip(tiles, taps, strict=True)]
    painted = jnp.stack([jnp.stack(row, 3) for row in _both_axes(_OUTPUT[n], products)], 2)
    return painted.reshape(-1, 2 * down, 2 * across, outputs)[:, :rows, :columns]


def correlate_taps(x: Maps, y: Maps) -> Kernel:
    """The adjoint of `correlate` in its kernel, `[n, n, C, outputs]`, where the sizes of x and y say what n is."""
    n = x.shape[1] - y.shape[1] + 1
    kernel = jax.ShapeDtypeStruct((n, n, x.shape[-1], y.shape[-1]), x.dtype)
    (taps,) = jax.linear_transpose(lambda kernel: correlate(x, kernel), kernel)(y)
    return taps


def _both_axes(matrix: Rows, grid: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """matrix · grid · matrixᵀ, for a grid of arrays."""
    turned = [_combined(matrix, column) for column in zip(*grid, strict=True)]
    return [_combined(matrix, row) for row in zip(*turned, strict=True)]


def _combined(matrix: Rows, arrays: Sequence[Array]) -> list[Array]:
    """The sums of arrays that each row of the matrix asks for, without what it multiplies by 0, 1 or -1.

    By operators of `lax`: there are hundreds in a network, and those of `jnp` take several times as long to trace.
    """
    sums = []
    for row in matrix:
        (weight, array), *rest = sorted((pair for pair in zip(row, arrays, strict=True) if pair[0]), key=_taken_off)
        total = _times(weight, array)
        for weight, array in rest:
            total = lax.sub(total, array) if weight == -1 else lax.add(total, _times(weight, array))
        sums.append(total)
    return sums


def _taken_off(pair: tuple[float, Array]) -> bool:
    return pair[0] == -1


def _times(weight: float, array: Array) -> Array:
    return array if weight == 1 else lax.mul(array, lax.full_like(array, weight))
