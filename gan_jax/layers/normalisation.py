"""Conditional batch normalisation: maps are normalised over the batch, then scaled and shifted by what is asked for.

Running variances, here and in every model with Flax's BatchNorm, average the batches' own, Σ (x - mean)² / n over the n
values of a channel, as TensorFlow's do. PyTorch's average n / (n - 1) of that. Statistics that come from there serve as
they are; those moved by the same batches differ by that factor.
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.convolution import Maps

Linear = Callable[[int, str], nn.Module]
"""`(features, name)` to a layer `[B, K] -> [B, features]` without a bias."""


def flat_linear(features: int, name: str) -> nn.Module:
    """A linear map that starts at zero: the condition changes nothing at first."""
    return nn.Dense(features, use_bias=False, kernel_init=nn.initializers.zeros_init(), name=name)


class ConditionalBatchNorm(nn.Module):
    """(1 + a(told)) · (x - mean) / √(variance + ε) + b(told) with linear a and b; without `told`, plain batch norm.

    Dumoulin et al. 2017 (arXiv:1610.07629, section 2.2), de Vries et al. 2017 (arXiv:1707.00683, section 4). Mean and
    variance are those of the whole batch at each channel, on however many devices; the ones that evaluation reads are
    in "batch_stats". They are float32, and the result has the dtype of the maps. Under `jax.pmap` the batch is that of
    all devices along the axis that is named, else each device's own.
    """

    linear: Linear = flat_linear
    momentum: float = 0.9
    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Maps, told: Float[Array, "batch k"] | None, *, train: bool) -> Maps:
        """Normalises maps `[B, H, W, C]` for conditions `[B, K]`: one-hot labels, attributes, any vectors."""
        plain = told is None
        norm = nn.BatchNorm(
            use_running_average=not train,
            momentum=self.momentum,
            use_scale=plain,
            use_bias=plain,
            dtype=jnp.float32,
            axis_name=self.axis_name,
            name="norm",
        )
        y = norm(x)
        if told is not None:
            gain, shift = (self.linear(x.shape[-1], name)(told) for name in ("gain", "shift"))
            y = y * (1 + gain[:, None, None, :]) + shift[:, None, None, :]
        return y.astype(x.dtype)
