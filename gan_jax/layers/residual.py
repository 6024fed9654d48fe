"""Residual blocks that double or halve their maps, as SNGAN, SAGAN and BigGAN build them."""

from collections.abc import Callable

import flax.linen as nn
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from gan_jax.layers.convolution import Maps
from gan_jax.layers.sharding import by_batch

ConvolutionLayer = Callable[..., nn.Module]
"""`(features, kernel, use_bias=..., name=...)` to a layer: a convolution, spectrally normalised or not."""

Norm = Callable[[str], nn.Module]
"""A name to a layer `(x, told, *, train)`."""

Doubling = Callable[[Maps], Maps]
"""`[B, H, W, C] -> [B, 2H, 2W, C]`."""


def doubled(x: Maps) -> Maps:
    """`[B, H, W, C] -> [B, 2H, 2W, C]`: every pixel four times."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


class DoublingBlock(nn.Module):
    """`[B, H, W, C] -> [B, 2H, 2W, features]`: short cut + conv(φ(norm(conv(up(φ(norm(x))))))), φ a rectifier.

    Gulrajani et al. 2017 (arXiv:1704.00028, appendix F), where up repeats pixels; another that is linear and keeps
    constants will do as well. The short cut is a 1x1 convolution, doubled.
    """

    features: int
    convolution: ConvolutionLayer
    norm: Norm
    up: Doubling = doubled

    @nn.compact
    def __call__(self, x: Maps, told: Float[Array, "batch k"] | None, *, train: bool) -> Maps:
        """Applies the block."""
        y = self.up(nn.relu(self.norm("norm_0")(x, told, train=train)))
        y = self.convolution(self.features, 3, name="convolution_0")(y)
        y = nn.relu(self.norm("norm_1")(y, told, train=train))
        # Doubled last: the same as doubled first, for a quarter of the work.
        short = self.up(self.convolution(self.features, 1, name="short")(x))
        return checkpoint_name(short + self.convolution(self.features, 3, name="convolution_1")(y), "block")


class HalvingBlock(nn.Module):
    """`[B, H, W, C] -> [B, H / 2, W / 2, features]`: short cut + down(conv(φ(conv(φ(x))))), down a mean of 2x2 pixels.

    The first φ is left out where `first`, at the image; `halve` may be turned off. The short cut is a 1x1 convolution,
    halved, where sizes or channels change. Between the convolutions there are `hidden` channels (default: `features`).
    """

    features: int
    convolution: ConvolutionLayer
    halve: bool = True
    first: bool = False
    hidden: int | None = None

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        down = halved if self.halve else _unchanged
        y = self.convolution(self.hidden or self.features, 3, name="convolution_0")(x if self.first else nn.relu(x))
        y = down(self.convolution(self.features, 3, name="convolution_1")(nn.relu(y)))
        if self.halve or x.shape[-1] != self.features:
            x = self.convolution(self.features, 1, name="short")(down(x))
        return checkpoint_name(x + y, "block")


def halved(x: Maps) -> Maps:
    """`[B, H, W, C] -> [B, H / 2, W / 2, C]`: the mean of every 2x2 pixels. Raises ValueError for odd sizes."""
    _, height, width, channels = x.shape
    if height % 2 or width % 2:
        raise ValueError(f"maps of {height}x{width} pixels cannot be halved; both sizes must be even")
    return by_batch(lambda x: x.reshape(-1, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4)))(x)


def _unchanged(x: Maps) -> Maps:
    return x
