"""Anti-aliased sampling, twice up and twice down: a separable low-pass filter beside the change of size.

The conventions of `upfirdn2d`, from the code of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958): taps are normalised
to a sum of 1, and zeros surround the image. A convolution may be fused with the change of size, as there.

Written as shifted sums along one axis at a time, for the even and the odd pixels apart, so that no zero is ever
multiplied, and every derivative is made of the same sums: XLA's CPU backend is slow at depthwise convolutions, more so
at their gradients.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from gan_jax.layers.convolution import Kernel, Maps, convolution, transposed_convolution
from gan_jax.layers.sharding import by_batch

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


def interpolate(x: Maps) -> Maps:
    """`[B, H, W, C] -> [B, 2H, 2W, C]`: bilinear between the centres of pixels, of which the outer ones go on for ever.

    `upsample` but at the border: constants stay constant everywhere. What `jax.image.resize` calls "linear", and
    PyTorch's `interpolate` "bilinear" with `align_corners=False`. Linear in x; keeps its dtype.
    """
    around = by_batch(lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge"))
    return upsample(around(x))[:, 2:-2, 2:-2]


def doublings(factor: int) -> int:
    """How often images double to become `factor` times as large. Raises ValueError for no power of two."""
    if factor < 1 or factor & (factor - 1):
        raise ValueError(f"images are enlarged by a power of two, such as 2 or 4, not {factor} times")
    return factor.bit_length() - 1


def shuffled(x: Maps, factor: int) -> Maps:
    """`[B, H, W, factor² · C] -> [B, factor · H, factor · W, C]`: channels become pixels beside each other.

    Channel c · factor² + i · factor + j goes to row i, column j (Shi et al. 2016, arXiv:1609.05158, eq. 4, and
    PyTorch's `pixel_shuffle`). Keeps its dtype. Raises ValueError for channels that factor² does not divide.
    """
    batch, height, width, channels = x.shape
    if factor < 1 or channels % factor**2:
        raise ValueError(f"{channels} channels are no {factor} x {factor} pixels each; take a multiple of {factor**2}")

    def moved(x: Maps) -> Maps:
        apart = x.reshape(batch, height, width, channels // factor**2, factor, factor)
        return apart.transpose(0, 1, 4, 2, 5, 3).reshape(batch, factor * height, factor * width, -1)

    return by_batch(moved)(x)


def downsample(x: Maps, taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, H / 2, W / 2, C]`: the filter, then every second pixel.

    Along one axis y[o] = Σᵢ f[i + p - 2o] x[i], with f and p as in `upsample`. Constants stay constant, but for the
    outer pixels (7/8 in the outermost rows and columns, with the default filter). Linear in x; keeps its dtype. Raises
    ValueError for odd sizes, and for the taps that `upsample` refuses.
    """
    f = _normalised(taps)
    _check_even(x)
    for axis in (1, 2):
        x = _down(x, f, axis)
    return x


def blur(x: Maps, padding: tuple[int, int], taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, H + front + back - n + 1, ...]`: the filter alone, with `padding` = (front, back) zeros.

    Along one axis y[o] = Σₜ f[t] x[o + t - front], with n taps f as in `upsample`. Linear in x; keeps its dtype. Raises
    ValueError for the taps that `upsample` refuses.
    """
    f = _normalised(taps)
    for axis in (1, 2):
        around = [(0, 0)] * x.ndim
        around[axis] = padding
        padded = jnp.pad(x, around)
        size = padded.shape[axis] - len(f) + 1
        slices = [float(f[t]) * lax.slice_in_dim(padded, t, t + size, axis=axis) for t in range(len(f))]
        x = sum(slices[1:], slices[0])
    return x


def upsampling_convolution(x: Maps, kernel: Kernel, taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, 2H, 2W, outputs]`: `upsample`, then a convolution with a kernel `[3, 3, C, outputs]`.

    Computed the other way round, as in StyleGAN2: every pixel paints the kernel two pixels apart, at a quarter of the
    work, and the filter comes last. That commutes on a plane, and this is the part of it where the image lies: unlike
    in `convolution(upsample(x))`, what leaves the image between the two steps is not cut off. Differentiable in both
    modes, any number of times. Raises ValueError for other kernels, and for the taps that `upsample` refuses.
    """
    _check_kernel(kernel)
    height, width, front = x.shape[1], x.shape[2], _front(_normalised(taps))
    # Behind the image one pixel more, so that the transposed convolution does not cut what the last one paints.
    room = jnp.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    painted = transposed_convolution(room, 4 * jnp.flip(kernel, (0, 1)).swapaxes(2, 3), 2)
    return blur(painted[:, : 2 * height + 1, : 2 * width + 1], (front, front), taps)


def downsampling_convolution(x: Maps, kernel: Kernel, taps: tuple[float, ...] = BINOMIAL) -> Maps:
    """`[B, H, W, C] -> [B, H / 2, W / 2, outputs]`: convolution with a kernel `[3, 3, C, outputs]`, then `downsample`.

    Computed the other way round, as in StyleGAN2: the filter comes first, and the convolution leaves out every second
    pixel. The part of the plane where the image lies, as in `upsampling_convolution`: a quarter of the adjoint of that,
    for a kernel turned by half a turn whose inputs are these outputs. Raises ValueError for other kernels, for odd
    sizes, and for the taps that `upsample` refuses.
    """
    _check_kernel(kernel)
    _check_even(x)
    n = len(_normalised(taps))
    # To an even size, of which no zeros are put in front; the last outputs, of the pixel behind, are left out.
    filtered = blur(x, (n // 2, n // 2 + 1), taps)
    return convolution(filtered, kernel, 2)[:, :-1, :-1]


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


def _check_even(x: Maps) -> None:
    if x.shape[1] % 2 or x.shape[2] % 2:
        raise ValueError(f"maps of {x.shape[1]}x{x.shape[2]} pixels cannot be halved; both sizes must be even")


def _check_kernel(kernel: Kernel) -> None:
    if kernel.shape[:2] != (3, 3):
        raise ValueError(f"kernels that change the size are 3x3, not {kernel.shape[0]}x{kernel.shape[1]}")


def _normalised(taps: tuple[float, ...]) -> np.ndarray:
    f = np.asarray(taps, np.float64)
    if f.ndim != 1 or len(f) < 2 or len(f) % 2 or not np.array_equal(f, f[::-1]) or f.sum() == 0:
        raise ValueError(f"taps must be even in number, symmetric and not sum to zero, as (1, 3, 3, 1); not {taps}")
    return f / f.sum()
