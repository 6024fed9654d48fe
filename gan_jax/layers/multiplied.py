"""Dense layers that learn more slowly than others, or faster: by a multiplier of what Adam moves."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array


class MultipliedDense(nn.Module):
    """`[..., C] -> [..., features]`: parameters are stored 1 / multiplier as large as they are used.

    What is used is Xavier-uniform at first, with biases of 0. Adam's steps are of one size for all parameters, so that
    these move `multiplier` times as much as others' (Karras et al. 2019, arXiv:1812.04948, appendix C, whose own are in
    `layers/equalised.py`). Computes in `dtype`; parameters are float32.
    """

    features: int
    multiplier: float = 1.0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Applies the layer."""
        stored = lambda key, shape: nn.initializers.xavier_uniform()(key, shape) / self.multiplier
        kernel = self.param("kernel", stored, (x.shape[-1], self.features)) * self.multiplier
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,)) * self.multiplier
        y = x.astype(self.dtype) @ kernel.astype(self.dtype)
        return y + bias.astype(self.dtype).reshape((1,) * (y.ndim - 1) + (-1,))


def slow_layers(x: Array, features: int) -> Array:
    """Two dense layers of the module that calls it, SiLU between them, which learn a hundred times more slowly."""
    hidden = MultipliedDense(features, 0.01, name="layer_0")(x)
    return MultipliedDense(features, 0.01, name="layer_1")(nn.silu(hidden))
