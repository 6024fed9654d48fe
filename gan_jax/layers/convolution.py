"""Strided convolutions down and up, whose gradients of every order run fast on every backend.

Three operators, each linear in each of its two arguments, and closed under differentiation: `_down` (a strided
convolution), `_up` (its adjoint in the image: a transposed convolution) and `_taps` (its adjoint in the kernel).
The gradient of each is made of the other two, so the double backward pass of a gradient penalty is, too.
XLA on its own differentiates into dilated convolutions, which its CPU backend runs ten to thirty times slower;
here only `_up` knows about backends.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Maps = Float[Array, "batch height width channels"]
Kernel = Float[Array, "k k inputs outputs"]

_LAYOUT = ("NHWC", "HWIO", "NHWC")


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

    Differentiable in reverse mode, any number of times; `jax.jvp` of it is not defined.
    """
    height, width = x.shape[1:3]
    small = (-(-height // stride), -(-width // stride))
    return _down(x, kernel, _Geometry.same((height, width), small, kernel.shape[0], stride))


def transposed_convolution(x: Maps, kernel: Kernel, stride: int = 1) -> Maps:
    """Every pixel paints `kernel`, `stride` output pixels apart: `[B, stride * H, stride * W, outputs]`.

    The adjoint of `convolution` with the same kernel, which here is `[k, k, outputs, inputs]`, as in Keras. Of the
    k - stride surplus pixels on each axis, floor((k - stride) / 2) are cut in front, as TensorFlow's "same" and
    PyTorch's `padding=(k - stride) // 2` do. Differentiable in reverse mode, any number of times. Raises ValueError
    if the kernel is smaller than the stride.
    """
    k = kernel.shape[0]
    if k < stride:
        raise ValueError(f"a kernel of {k} leaves holes at stride {stride}; make it {stride} or larger")
    height, width = x.shape[1:3]
    geometry = _Geometry.same((stride * height, stride * width), (height, width), k, stride)
    return _up(x, kernel, geometry)


class _Geometry(NamedTuple):
    """How a large image and a small one hang together: small pixel o sees large pixels s·o + t - front."""

    kernel: int
    stride: int
    large: tuple[int, int]
    front: tuple[int, int]  # zeros before the large image, (rows, columns)
    back: tuple[int, int]  # and behind it

    @classmethod
    def same(cls, large: tuple[int, int], small: tuple[int, int], k: int, stride: int) -> "_Geometry":
        total = [max((s - 1) * stride + k - size, 0) for size, s in zip(large, small, strict=True)]
        front = (total[0] // 2, total[1] // 2)
        return cls(k, stride, large, front, (total[0] - front[0], total[1] - front[1]))

    @property
    def padding(self) -> list[tuple[int, int]]:
        return list(zip(self.front, self.back, strict=True))


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _down(x: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    return _correlate(x, kernel, geometry)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _up(y: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    """Small maps to large ones; `kernel` is that of `_down`, `[k, k, large, small]`."""
    return lax.platform_dependent(
        y,
        kernel,
        cpu=partial(_up_on_cpu, geometry=geometry),
        default=partial(up_by_dilation, geometry=geometry),
    )


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _taps(x: Maps, y: Maps, geometry: _Geometry) -> Kernel:
    """The kernel's gradient: for every tap, the products of large and small pixels that it connects."""
    kernel = jax.ShapeDtypeStruct((geometry.kernel, geometry.kernel, x.shape[-1], y.shape[-1]), x.dtype)
    (taps,) = jax.linear_transpose(lambda k: _correlate(x, k, geometry), kernel)(y)
    return taps


def _keep(operator: Callable[..., Array]) -> Callable[..., tuple[Array, tuple[Array, Array]]]:
    return lambda a, b, geometry: (operator(a, b, geometry), (a, b))


_down.defvjp(_keep(_down), lambda g, kept, dy: (_up(dy, kept[1], g), _taps(kept[0], dy, g)))
_up.defvjp(_keep(_up), lambda g, kept, dx: (_down(dx, kept[1], g), _taps(dx, kept[0], g)))
_taps.defvjp(_keep(_taps), lambda g, kept, dk: (_up(kept[1], dk, g), _down(kept[0], dk, g)))


def _correlate(x: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    strides = (geometry.stride, geometry.stride)
    return lax.conv_general_dilated(x, kernel, strides, geometry.padding, dimension_numbers=_LAYOUT)


def up_by_dilation(y: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    """The adjoint of a strided convolution as XLA writes it: a convolution over a dilated image."""
    return jax.linear_transpose(
        lambda x: _correlate(x, kernel, geometry),
        jax.ShapeDtypeStruct((len(y), *geometry.large, kernel.shape[2]), y.dtype),
    )(y)[0]


def _up_on_cpu(y: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    # The product is faster as long as the cache holds it; measured on DCGAN's and the article's layers.
    k, _, outputs, _ = kernel.shape
    size = y.size // y.shape[-1] * k * k * outputs
    return (up_by_product if size <= 2**22 else up_by_phases)(y, kernel, geometry)


def up_by_product(y: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    """The same as one matrix product, whose tiles are shifted and added.

    A kernel of n * stride taps is n tiles of stride taps, and tile t of small pixel i lands on output tile i + t.
    """
    stride, (k, _, outputs, inputs) = geometry.stride, kernel.shape
    batch, height, width, _ = y.shape
    n = -(-k // stride)
    fill = n * stride - k
    kernel = jnp.pad(kernel, ((0, fill), (0, fill), (0, 0), (0, 0)))
    product = lax.dot_general(y.reshape(-1, inputs), kernel.reshape(-1, inputs), (((1,), (1,)), ((), ())))
    tiles = product.reshape(batch, height, width, n, stride, n, stride, outputs)
    painted = jnp.zeros((batch, height + n - 1, width + n - 1, stride, stride, outputs), y.dtype)
    for i in range(n):
        for j in range(n):
            around = ((0, 0), (i, n - 1 - i), (j, n - 1 - j), (0, 0), (0, 0), (0, 0))
            painted += jnp.pad(tiles[:, :, :, i, :, j], around)
    rows, columns = height + n - 1, width + n - 1
    full = painted.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * stride, columns * stride, outputs)
    return _crop(full, geometry.front, geometry.large)


def up_by_phases(y: Maps, kernel: Kernel, geometry: _Geometry) -> Maps:
    """The same as a small dense convolution: output pixels of one phase (place modulo stride) are its channels.

    Tiles as in `up_by_product`, summed by a convolution of n taps with stride 1, then laid out side by side and
    cropped. Tiles that the crop would drop whole are not computed.
    """
    stride, (k, _, outputs, inputs) = geometry.stride, kernel.shape
    n = -(-k // stride)
    fill = n * stride - k
    kernel = jnp.pad(kernel, ((0, fill), (0, fill), (0, 0), (0, 0))).reshape(n, stride, n, stride, outputs, inputs)
    tiles = kernel[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4).reshape(n, n, inputs, stride * stride * outputs)
    skipped = [front // stride for front in geometry.front]
    shape = [
        -(-(front + large) // stride) - skip
        for front, large, skip in zip(geometry.front, geometry.large, skipped, strict=True)
    ]
    padding = [
        (n - 1 - skip, count + skip - small) for skip, count, small in zip(skipped, shape, y.shape[1:3], strict=True)
    ]
    painted = lax.conv_general_dilated(y, tiles, (1, 1), padding, dimension_numbers=_LAYOUT)
    painted = painted.reshape(len(y), *shape, stride, stride, outputs).transpose(0, 1, 3, 2, 4, 5)
    full = painted.reshape(len(y), shape[0] * stride, shape[1] * stride, outputs)
    return _crop(full, (geometry.front[0] % stride, geometry.front[1] % stride), geometry.large)


def _crop(maps: Maps, front: tuple[int, int], size: tuple[int, int]) -> Maps:
    """Cuts `front` pixels off, then all beyond `size`; pixels that no tap reaches are zero."""
    missing = [max(f + s - have, 0) for f, s, have in zip(front, size, maps.shape[1:3], strict=True)]
    maps = jnp.pad(maps, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)))
    return maps[:, front[0] : front[0] + size[0], front[1] : front[1] + size[1]]


def _add_bias(layer: Convolution | TransposedConvolution, y: Maps) -> Maps:
    bias = layer.param("bias", nn.initializers.zeros_init(), (layer.features,))
    return y + bias.astype(y.dtype)[None, None, None, :]
