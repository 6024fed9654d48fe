"""Layers with an equalised learning rate: kernels start at N(0, 1) and are scaled as they are used.

Karras et al. 2018 (arXiv:1710.10196, section 4.1): the kernel in use is w / √fan-in, with He's constant left to the
activation. Adam's steps are of one size for all parameters, so that all layers now learn equally fast, whatever their
fan-in. A multiplier m makes one learn m times as fast: its parameters start 1 / m as large and are used m times as
large, so that the first outputs are the same (Karras et al. 2019, arXiv:1812.04948, appendix C).
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.layers.convolution import Kernel, Maps, convolution

Operator = Callable[[Maps, Kernel], Maps]
"""What a kernel `[k, k, inputs, outputs]` does to maps: `convolution`, or one of those that change the size."""


class EqualisedDense(nn.Module):
    """`[..., C] -> [..., features]`; computes in `dtype`, parameters are float32. The bias starts at `bias_start`."""

    features: int
    use_bias: bool = True
    bias_start: float = 0.0
    multiplier: float = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Applies the layer."""
        kernel = equalised_kernel(self, (x.shape[-1], self.features), self.multiplier)
        y = x.astype(self.dtype) @ kernel.astype(self.dtype)
        return _biased(self, y, self.bias_start) if self.use_bias else y


class EqualisedConvolution(nn.Module):
    """`[B, H, W, C]` to `features` channels, of the size that `operator` makes; `dtype` as in `EqualisedDense`."""

    features: int
    kernel: int
    use_bias: bool = True
    operator: Operator = convolution
    multiplier: float = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        kernel = equalised_kernel(self, (self.kernel, self.kernel, x.shape[-1], self.features), self.multiplier)
        y = self.operator(x.astype(self.dtype), kernel.astype(self.dtype))
        return _biased(self, y, 0.0) if self.use_bias else y


def equalised_kernel(module: nn.Module, shape: tuple[int, ...], multiplier: float = 1.0) -> Array:
    """The module's parameter "kernel", `[..., inputs, outputs]`, as it is used: multiplier / √fan-in as large.

    The parameter starts at N(0, 1 / multiplier²); the fan-in is the product of all axes but the last. float32.
    """
    kernel = module.param("kernel", nn.initializers.normal(1 / multiplier), shape)
    return kernel * (multiplier / math.sqrt(math.prod(shape[:-1])))


def _biased(layer: EqualisedDense | EqualisedConvolution, y: Array, start: float) -> Array:
    bias = layer.param("bias", nn.initializers.constant(start / layer.multiplier), (layer.features,))
    return y + (bias * layer.multiplier).astype(y.dtype).reshape((1,) * (y.ndim - 1) + (-1,))
