"""Spectral normalisation: kernels divided by their largest singular value, which is tracked from pass to pass.

Miyato et al. 2018 (arXiv:1802.05957), section 2.1 and algorithm 1. The kernel is a matrix of all inputs by all outputs,
[k · k · inputs, outputs]. One power iteration a training pass moves the singular vector u, which is the state, in the
collection "spectral"; other passes only read it. Gradients flow through W / σ(W) with the vectors held fixed, as there.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.convolution import Maps, convolution

COLLECTION = "spectral"
"""Where the singular vectors live."""


def normalised(module: nn.Module, kernel: Float[Array, "... outputs"]) -> Float[Array, "... outputs"]:
    """`kernel` / σ, as large as itself, for a module that keeps u `[outputs]` as the variable "u". float32.

    σ = vᵀWu after one power iteration from the u that it finds, which underestimates the largest singular value where
    the kernel has moved far since the last pass.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1]).astype(jnp.float32)
    draw = lambda: _unit(jax.random.normal(module.make_rng("params"), matrix.shape[-1:]))
    u = module.variable(COLLECTION, "u", draw)
    fixed = jax.lax.stop_gradient(matrix)
    left = _unit(fixed @ u.value)
    right = _unit(left @ fixed)
    if module.is_mutable_collection(COLLECTION) and not module.is_initializing():
        u.value = right
    return kernel / (left @ matrix @ right)


class SpectralConvolution(nn.Module):
    """`layers.convolution.Convolution` with a kernel of norm 1."""

    features: int
    kernel: int
    stride: int = 1
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.xavier_uniform()
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        shape = (self.kernel, self.kernel, x.shape[-1], self.features)
        kernel = normalised(self, self.param("kernel", self.kernel_init, shape))
        y = convolution(x.astype(self.dtype), kernel.astype(self.dtype), self.stride)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return y + bias.astype(y.dtype)[None, None, None, :]


class SpectralDense(nn.Module):
    """`[B, C] -> [B, features]` with a kernel of norm 1. Of one-hot rows it is an embedding."""

    features: int
    use_bias: bool = True
    kernel_init: Callable[..., Any] = nn.initializers.xavier_uniform()

    @nn.compact
    def __call__(self, x: Float[Array, "batch inputs"]) -> Float[Array, "batch features"]:
        """Applies the layer."""
        y = x @ normalised(self, self.param("kernel", self.kernel_init, (x.shape[-1], self.features)))
        if not self.use_bias:
            return y
        return y + self.param("bias", nn.initializers.zeros_init(), (self.features,))[None, :]


def _unit(vector: Float[Array, " n"]) -> Float[Array, " n"]:
    return vector / (jnp.linalg.norm(vector) + 1e-12)
