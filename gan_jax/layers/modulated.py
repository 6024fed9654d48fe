"""Convolutions whose kernel is scaled by a style, image by image, and then brought back to unit norm.

Karras et al. 2020 (arXiv:1912.04958, section 2.2): with a scale s[i] for every input channel, w'[i, j, k] = s[i] ·
w[i, j, k] (eq. 1), and w'' = w' / √(Σ w'² over i and k, + ε) (eq. 3), so that outputs keep a standard deviation of 1
if inputs have it (eq. 2). No image gets a kernel of its own here: to scale a kernel's inputs is to scale the maps
before it, and its outputs, the maps behind it. The kernel between them is shared, so that the convolution is a plain
dense one with the fast gradients of `layers/convolution.py`, and not one of as many groups as there are images.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from gan_jax.layers.convolution import Kernel, Maps, convolution
from gan_jax.layers.equalised import EqualisedDense, Operator, equalised_kernel

Scales = Float[Array, "batch inputs"]
Vectors = Float[Array, "batch style"]

EPSILON = 1e-8
"""Added to squared norms, against division by zero (eq. 3)."""


class ModulatedConvolution(nn.Module):
    """Maps `[B, H, W, C]` and styles `[B, S]` to `features` channels, of the size that `operator` makes.

    Scales are a linear map of the style, from around 1; its kernel and that of the convolution have equalised learning
    rates. The bias is added last. Computes in `dtype`, but for scales and norms; parameters are float32.
    """

    features: int
    kernel: int = 3
    operator: Operator = convolution
    demodulate: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps, styles: Vectors) -> Maps:
        """Applies the layer."""
        scales = EqualisedDense(x.shape[-1], bias_start=1.0, name="scales")(styles)
        kernel = equalised_kernel(self, (self.kernel, self.kernel, x.shape[-1], self.features))
        convolve = demodulated_convolution if self.demodulate else modulated_convolution
        y = convolve(x.astype(self.dtype), kernel, scales, self.operator)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return y + bias.astype(y.dtype)[None, None, None, :]


def modulated_convolution(x: Maps, kernel: Kernel, scales: Scales, operator: Operator = convolution) -> Maps:
    """`operator(x, kernel)` where the kernel's inputs are scaled, image by image: eq. 1 alone. Keeps the dtype of x."""
    return operator(x * scales.astype(x.dtype)[:, None, None, :], kernel.astype(x.dtype))


def demodulated_convolution(x: Maps, kernel: Kernel, scales: Scales, operator: Operator = convolution) -> Maps:
    """The same, and every output channel divided by the norm of its scaled kernel: eqs. 1 and 3.

    The norm is that of the kernel `[k, k, inputs, outputs]` itself, whatever filter the operator adds to it.
    """
    y = modulated_convolution(x, kernel, scales, operator)
    return y * demodulation(kernel, scales).astype(y.dtype)[:, None, None, :]


def demodulation(kernel: Kernel, scales: Scales) -> Float[Array, "batch outputs"]:
    """1 / √(Σ (s[i] · w[i, j, k])² + 1e-8) for every image and output channel j (eq. 3), float32."""
    squares = jnp.sum(jnp.square(kernel.astype(jnp.float32)), axis=(0, 1))
    return lax.rsqrt(jnp.square(scales.astype(jnp.float32)) @ squares + EPSILON)
