"""Strided convolutions down and up, whose derivatives of every order and mode run fast on every backend.

Three operators, each linear in each of its two arguments, and closed under differentiation: `_down` (a strided
convolution), `_up` (its adjoint in the image: a transposed convolution) and `_taps` (its adjoint in the kernel).
The gradient of each is made of the other two, so the double backward pass of a gradient penalty is, too. On CPU each
is computed by the one of several formulations (`layers/formulations.py`) that was measured to be fast for its shape;
XLA on its own differentiates into dilated convolutions, which its CPU backend runs ten to thirty times slower.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.bilinear import bilinear
from gan_jax.layers.formulations import (
    Geometry,
    down_by_product,
    down_by_winograd,
    down_by_xla,
    require_fit,
    taps_by_product,
    taps_by_rows_in_slices,
    taps_by_winograd,
    taps_by_xla,
    taps_in_slices,
    up_by_dilation,
    up_by_phases,
    up_by_product,
    up_by_winograd,
)
from gan_jax.layers.sharding import by_batch

Maps = Float[Array, "batch height width channels"]
Kernel = Float[Array, "k k inputs outputs"]

Operator = Callable[..., Array]


class Convolution(nn.Module):
    """`[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features]`, padded with zeros."""

    features: int
    kernel: int
    stride: int = 1
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.normal(0.02)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        kernel = self.param("kernel", self.kernel_init, (self.kernel, self.kernel, x.shape[-1], self.features))
        y = convolution(x.astype(self.dtype), kernel.astype(self.dtype), self.stride)
        return _add_bias(self, y) if self.use_bias else y


class ReflectedConvolution(nn.Module):
    """`[B, H, W, C] -> [B, H, W, features]`, padded with what lies inside of the border, mirrored; of an odd kernel."""

    features: int
    kernel: int
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.normal(0.02)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        kernel = self.param("kernel", self.kernel_init, (self.kernel, self.kernel, x.shape[-1], self.features))
        around = (self.kernel // 2, self.kernel // 2)
        padded = jnp.pad(x.astype(self.dtype), ((0, 0), around, around, (0, 0)), mode="reflect")
        y = inner_convolution(padded, kernel.astype(self.dtype))
        return _add_bias(self, y) if self.use_bias else y


class TransposedConvolution(nn.Module):
    """`[B, H, W, C] -> [B, stride * H, stride * W, features]`: the adjoint of a strided convolution."""

    features: int
    kernel: int
    stride: int = 1
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.normal(0.02)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        kernel = self.param("kernel", self.kernel_init, (self.kernel, self.kernel, self.features, x.shape[-1]))
        y = transposed_convolution(x.astype(self.dtype), kernel.astype(self.dtype), self.stride)
        return _add_bias(self, y) if self.use_bias else y


def convolution(x: Maps, kernel: Kernel, stride: int = 1) -> Maps:
    """`[B, ceil(H / stride), ceil(W / stride), outputs]`, with the padding that TensorFlow calls "same".

    Differentiable in both modes, any number of times. Raises ValueError for a kernel that does not fit.
    """
    require_fit(kernel, kernel.shape[2], x)
    height, width = x.shape[1:3]
    small = (-(-height // stride), -(-width // stride))
    geometry = Geometry.same((height, width), small, kernel.shape[0], stride)
    return by_batch(lambda x, kernel: _down(x, kernel, geometry))(x, kernel)


def inner_convolution(x: Maps, kernel: Kernel) -> Maps:
    """`[B, H - k + 1, W - k + 1, outputs]`: of whole windows alone, which TensorFlow calls "valid".

    Differentiable in both modes, any number of times. Raises ValueError for a kernel that does not fit.
    """
    require_fit(kernel, kernel.shape[2], x)
    k, (height, width) = kernel.shape[0], x.shape[1:3]
    geometry = Geometry(k, 1, (height, width), (height - k + 1, width - k + 1), (0, 0), (0, 0))
    return by_batch(lambda x, kernel: _down(x, kernel, geometry))(x, kernel)


def transposed_convolution(x: Maps, kernel: Float[Array, "k k outputs inputs"], stride: int = 1) -> Maps:
    """Every pixel paints `kernel`, `stride` output pixels apart: `[B, stride * H, stride * W, outputs]`.

    The adjoint of `convolution` with the same kernel, which here is `[k, k, outputs, inputs]`, as in Keras. Of the
    k - stride surplus pixels on each axis, floor((k - stride) / 2) are cut in front, as TensorFlow's "same" and
    PyTorch's `padding=(k - stride) // 2` do. Differentiable in both modes, any number of times. Raises ValueError if
    the kernel is smaller than the stride, or does not fit.
    """
    require_fit(kernel, kernel.shape[3], x)
    k = kernel.shape[0]
    if k < stride:
        raise ValueError(f"a kernel of {k} leaves holes at stride {stride}; make it {stride} or larger")
    height, width = x.shape[1:3]
    geometry = Geometry.same((stride * height, stride * width), (height, width), k, stride)
    return by_batch(lambda x, kernel: _up(x, kernel, geometry))(x, kernel)


_down: Operator = bilinear(
    "down",
    down_by_xla,
    lambda x, kernel, geometry: _down_on_cpu(x, kernel, geometry),
    lambda x, kernel, geometry: (x[0], *geometry.small, kernel[3]),
    lambda dy, kernel, geometry: _up(dy, kernel, geometry),
    lambda x, dy, geometry: _taps(x, dy, geometry),
)
"""Large maps to small ones."""

_up: Operator = bilinear(
    "up",
    up_by_dilation,
    lambda y, kernel, geometry: _up_on_cpu(y, kernel, geometry),
    lambda y, kernel, geometry: (y[0], *geometry.large, kernel[2]),
    lambda dx, kernel, geometry: _down(dx, kernel, geometry),
    lambda y, dx, geometry: _taps(dx, y, geometry),
)
"""Small maps to large ones; `kernel` is that of `_down`, `[k, k, large, small]`."""

_taps: Operator = bilinear(
    "taps",
    taps_by_xla,
    lambda x, y, geometry: _taps_on_cpu(x, y, geometry),
    lambda x, y, geometry: (geometry.kernel, geometry.kernel, x[-1], y[-1]),
    lambda dk, y, geometry: _up(y, dk, geometry),
    lambda x, dk, geometry: _down(x, dk, geometry),
)
"""The kernel's gradient: for every tap, the products of large and small pixels that it connects."""


# What follows was measured on the layers of the recipes: docs/design.md, "Convolutions".


def _down_on_cpu(x: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    if (geometry.kernel, geometry.stride) == (1, 1):
        return down_by_product(x, kernel, geometry)
    *_, large, small = kernel.shape
    winograd = _winograd_pays(x, large, small, geometry, _fewest(geometry))
    return (down_by_winograd if winograd else down_by_xla)(x, kernel, geometry)


def _up_on_cpu(y: Maps, kernel: Kernel, geometry: Geometry) -> Maps:
    k, _, large, small = kernel.shape
    # The product is faster as long as the cache holds it.
    if k == 1 or (geometry.stride > 1 and _pixels(y, geometry) * k * k * large <= 2**22):
        return up_by_product(y, kernel, geometry)
    winograd = _winograd_pays(y, large, small, geometry, _fewest(geometry))
    return (up_by_winograd if winograd else up_by_phases)(y, kernel, geometry)


def _taps_on_cpu(x: Maps, y: Maps, geometry: Geometry) -> Kernel:
    if (geometry.kernel, geometry.stride) == (1, 1):
        return taps_by_product(x, y, geometry)
    if x.dtype != jnp.float32:  # of lower precision, a sum of slices would lose more than the whole does
        return taps_by_xla(x, y, geometry)
    winograd = _winograd_pays(x, x.shape[-1], y.shape[-1], geometry, 96)
    if _rows_pay(x, y, geometry) or (winograd and geometry.stride > 1 and geometry.small == (16, 16)):
        return taps_by_rows_in_slices(x, y, geometry)
    if winograd:
        return taps_by_winograd(x, y, geometry)
    return (taps_in_slices if min(geometry.small) >= 16 else taps_by_xla)(x, y, geometry)


def _rows_pay(x: Maps, y: Maps, geometry: Geometry) -> bool:
    """Whether rows are long enough, for stride 1, and the copies of them still fit into the cache."""
    thin = all(8 <= maps.shape[-1] <= 32 for maps in (x, y))
    return geometry.stride == 1 and thin and min(geometry.small) >= 16 and max(geometry.small) <= 32


def _fewest(geometry: Geometry) -> int:
    """How many channels Winograd's forward pass and its adjoint in the image ask for."""
    known = all(isinstance(side, int) for side in geometry.small)
    if geometry.stride > 1 or not known or max(geometry.small) > 32:
        return 96
    return 30 if geometry.small == (32, 32) else 60


def _winograd_pays(maps: Maps, large: int, small: int, geometry: Geometry, fewest: int) -> bool:
    """Whether there are channels enough, of large and small images, for what it saves to outweigh its sums.

    Their harmonic mean counts, and the pixels of a tile of stride x stride are channels.
    """
    tiled = geometry.stride**2 * large
    wide = 2 * tiled * small >= fewest * (tiled + small) and _pixels(maps, geometry) >= 256
    whole = geometry.kernel % geometry.stride == 0 and geometry.tiles in (2, 3)
    return wide and whole and maps.dtype == jnp.float32


def _pixels(maps: Maps, geometry: Geometry) -> int:
    """How many all small images have; a batch, height or width that is not known yet counts as one."""
    return math.prod(size for size in (maps.shape[0], *geometry.small) if isinstance(size, int))


def _add_bias(layer: Convolution | ReflectedConvolution | TransposedConvolution, y: Maps) -> Maps:
    bias = layer.param("bias", nn.initializers.zeros_init(), (layer.features,))
    return y + bias.astype(y.dtype)[None, None, None, :]
