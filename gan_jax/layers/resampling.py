"""Anti-aliased sampling, twice up and twice down: a separable low-pass filter beside the change of size.

The conventions of `upfirdn2d`, from the code of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958): taps
are normalised to a sum of 1, and zeros surround the image.

Written as shifted sums along one axis at a time, for the even and the odd pixels
apart, so that no zero is ever multiplied, and every derivative is made of the same sums: XLA's CPU backend is slow at
depthwise convolutions, more so at their gradients.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Maps = Float[Array, "batch height width channels"]

BINOMIAL = (1, 3, 3, 1)
"""The filter of StyleGAN2 and R3GAN: a bilinear one, averaged with its neighbour."""


def upsample(x: Maps, taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, 2H, 2W, C]`: zeros between the pixels, then the filter, times 4.

    Along one axis y[o] = 2 · Σᵢ f[o + p - 2i] x[i], where f are the n taps divided by their sum and p = n / 2 - 1.
    Constants stay constant, but for the outer pixels, which see the zeros around the image: with the default filter
    the outermost rows and columns fall to 3/4. The adjoint of `downsample`, times 4. Linear in x; keeps its dtype.
    Raises ValueError unless the taps are even in number and symmetric (else images would move by a fraction of a
    pixel) and their sum is not zero.
    """
    f = _normalised(taps)
    for axis in (1, 2):
        x = _up(x, f, axis)
    return x


def downsample(x: Maps, taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, H / 2, W / 2, C]`: the filter, then every second pixel.

    Along one axis y[o] = Σᵢ f[i + p - 2o] x[i], with f and p as in `upsample`. Constants stay constant, but for the
    outer pixels (7/8 in the outermost rows and columns, with the default filter). Linear in x; keeps its dtype. Raises
    ValueError for odd sizes, and for the taps that `upsample` refuses.
    """
    f = _normalised(taps)
    if x.shape[1] % 2 or x.shape[2] % 2:
        raise ValueError(f"maps of {x.shape[1]}x{x.shape[2]} pixels cannot be halved; both sizes must be even")
    for axis in (1, 2):
        x = _down(x, f, axis)
    return x


def _up(x: Maps, f: np.ndarray, axis: int) -> Maps:
    size, front = x.shape[axis], _front(f)
    # Output 2m + phase takes tap t of input m + (phase + front - t) / 2, where that is whole.
    reach = [[(phase + front - t, 2 * f[t]) for t in range(len(f))] for phase in (0, 1)]
    phases = [_weighted(x, [(place // 2, tap) for place, tap in places if place % 2 == 0], axis) for places in reach]
    return jnp.stack(phases, axis + 1).reshape(*x.shape[:axis], 2 * size, *x.shape[axis + 1 :])


def _down(x: Maps, f: np.ndarray, axis: int) -> Maps:
    front = _front(f)
    pairs = x.reshape(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
    # Output o takes tap t of input 2o + t - front, which is pixel (t - front) mod 2 of a pair.
    even, odd = (
        _weighted(
            lax.index_in_dim(pairs, phase, axis + 1, keepdims=False),
            [((t - front) // 2, f[t]) for t in range(len(f)) if (t - front) % 2 == phase],
            axis,
        )
        for phase in (0, 1)
    )
    return even + odd


def _weighted(x: Maps, terms: list[tuple[int, float]], axis: int) -> Maps:
    """Σ weight · x[m + shift] along the axis, with zeros outside."""
    size = x.shape[axis]
    before = max(0, *(-shift for shift, _ in terms))
    after = max(0, *(shift for shift, _ in terms))
    around = [(0, 0)] * x.ndim
    around[axis] = (before, after)
    padded = jnp.pad(x, around)
    slices = [
        float(weight) * lax.slice_in_dim(padded, before + shift, before + shift + size, axis=axis)
        for shift, weight in terms
    ]
    return sum(slices[1:], slices[0])


def _front(f: np.ndarray) -> int:
    return len(f) // 2 - 1


def _normalised(taps: tuple[float, ...]) -> np.ndarray:
    f = np.asarray(taps, np.float64)
    if f.ndim != 1 or len(f) < 2 or len(f) % 2 or not np.array_equal(f, f[::-1]) or f.sum() == 0:
        raise ValueError(f"taps must be even in number, symmetric and not sum to zero, as (1, 3, 3, 1); not {taps}")
    return f / f.sum()
