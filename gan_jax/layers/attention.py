"""Self-attention over the pixels of a map (Zhang et al. 2019, arXiv:1805.08318, section 3)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.layers.convolution import Maps
from gan_jax.layers.residual import ConvolutionLayer


class SelfAttention(nn.Module):
    """x + γ · o(softmax(θ(x) φ(x)ᵀ) g(x)), `[B, H, W, C]` to the same; γ starts at 0.

    θ and φ are 1x1 convolutions to C / 8 channels, g to C / 2, o back to C, all without bias, made by `convolution`.
    As in the authors' code, keys φ and values g are the largest of each 2x2 pixels, so that every pixel looks at H · W
    / 4 places. Weights are computed in float32. Raises ValueError for odd sizes, and for fewer than 8 channels.
    """

    convolution: ConvolutionLayer

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Lets every pixel look at all others."""
        batch, height, width, channels = x.shape
        if channels < 8 or height % 2 or width % 2:
            raise ValueError(f"attention needs even sizes and 8 channels or more, not {height}x{width}x{channels}")
        make = lambda features, name: self.convolution(features, 1, use_bias=False, name=name)
        rows = lambda y: y.reshape(batch, -1, y.shape[-1])
        queries = rows(make(channels // 8, "query")(x))
        keys = rows(nn.max_pool(make(channels // 8, "key")(x), (2, 2), (2, 2)))
        values = rows(nn.max_pool(make(channels // 2, "value")(x), (2, 2), (2, 2)))
        weights = attention_weights(queries, keys).astype(x.dtype)
        seen = jnp.einsum("bqk,bkc->bqc", weights, values).reshape(batch, height, width, -1)
        gamma = self.param("gamma", nn.initializers.zeros_init(), ())
        return x + gamma.astype(x.dtype) * make(channels, "out")(seen)


def attention_weights(queries: Any, keys: Any) -> Any:
    """softmax over keys of the inner products of queries `[B, Q, C]` and keys `[B, K, C]`: `[B, Q, K]`, float32."""
    products = jnp.einsum("bqc,bkc->bqk", queries, keys, preferred_element_type=jnp.float32)
    return jax.nn.softmax(products, axis=-1)
