"""Stable Diffusion's autoencoder, AutoencoderKL of the `diffusers` package: images are 8 times as large as their codes.

The networks of Rombach et al. 2022 (arXiv:2112.10752, appendix E.2 and table 13) as their authors published them:
residual blocks of two 3x3 convolutions with group normalisation and swish, in stages whose widths are 1, 2, 4 and 4
times the first, and attention over all places amid both networks. `autoencoder.Generator` makes one network of the two.
With 128 channels, 8 numbers of a code of 4 channels, and 3 of a pixel they have 34,163,664 and 49,490,199 parameters.

A published pair is trained already: `gan-jax import` takes its file. Codes of Stable Diffusion 1 are usually multiplied
by 0.18215; here the data's own scaling brings them to a deviation that one asks for.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.residual import doubled
from gan_jax.models.autoencoder import Codes, must_be_halved, width_of
from gan_jax.types import Condition, Images


class Encoder(nn.Module):
    """Images `[B, H, W, C]` to means and log variances of their codes, each `[B, H / 2^n, W / 2^n, channels]`.

    n is `halvings`, and each of the n + 1 stages has so many `blocks`. Log variances are in [-30, 20]; both are
    float32. Computes in `dtype`; parameters are float32. Raises ValueError for images that cannot be halved so often.
    """

    channels: int = 4
    width: int = 128
    halvings: int = 3
    blocks: int = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> tuple[Codes, Codes]:
        """Encodes each image."""
        del condition, train
        must_be_halved(images, self.halvings)
        layer = _layers(self.dtype)
        x: Maps = layer(self.width, 3, "image")(images)
        for stage in range(self.halvings + 1):
            for i in range(self.blocks):
                x = ResidualBlock(width_of(self.width, stage), self.dtype, name=f"block_{stage}_{i}")(x)
            if stage < self.halvings:
                x = layer(x.shape[-1], 3, f"down_{stage}", stride=2)(x)
        x = nn.silu(_norm(Middle(self.dtype, name="middle")(x), "norm"))
        moments = layer(2 * self.channels, 1, "moments")(layer(2 * self.channels, 3, "code")(x))
        mean, log_variance = jnp.split(moments.astype(jnp.float32), 2, axis=-1)
        return mean, jnp.clip(log_variance, -30.0, 20.0)


class Decoder(nn.Module):
    """Codes `[B, h, w, c]` to images `[B, 2^n · h, 2^n · w, channels]`, float32, near [-1, 1]; n is `halvings`.

    Each of the n + 1 stages has so many `blocks`. Sizes are doubled by repeating pixels, then a convolution. Computes
    in `dtype`; parameters are float32.
    """

    channels: int = 3
    width: int = 128
    halvings: int = 3
    blocks: int = 3
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, codes: Codes, condition: Condition = None, *, train: bool = False) -> Images:
        """Decodes each code."""
        del condition, train
        layer = _layers(self.dtype)
        x: Maps = layer(codes.shape[-1], 1, "moments")(codes)
        x = layer(width_of(self.width, self.halvings), 3, "code")(x)
        x = Middle(self.dtype, name="middle")(x)
        for stage in reversed(range(self.halvings + 1)):
            for i in range(self.blocks):
                x = ResidualBlock(width_of(self.width, stage), self.dtype, name=f"block_{stage}_{i}")(x)
            if stage:
                x = layer(x.shape[-1], 3, f"up_{stage}")(doubled(x))
        return layer(self.channels, 3, "pixels")(nn.silu(_norm(x, "norm"))).astype(jnp.float32)


class Middle(nn.Module):
    """A residual block, attention, and another, `[B, H, W, C]` to the same."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the three."""
        x = ResidualBlock(x.shape[-1], self.dtype, name="block_0")(x)
        x = Attention(self.dtype, name="attention")(x)
        return ResidualBlock(x.shape[-1], self.dtype, name="block_1")(x)


class ResidualBlock(nn.Module):
    """short(x) + f(x), `[B, H, W, C] -> [B, H, W, features]`: twice normalised, swish, 3x3 convolution.

    The short cut is a 1x1 convolution where channels change.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        layer = _layers(self.dtype)
        y = layer(self.features, 3, "layer_0")(nn.silu(_norm(x, "norm_0")))
        y = layer(self.features, 3, "layer_1")(nn.silu(_norm(y, "norm_1")))
        short = x if x.shape[-1] == self.features else layer(self.features, 1, "short")(x)
        return checkpoint_name(short + y, "block")


class Attention(nn.Module):
    """x + out(attention(norm(x))), `[B, H, W, C]` to the same: one head of C channels, that looks at all places."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        batch, height, width, channels = x.shape
        tokens = _norm(x, "norm").reshape(batch, height * width, 1, channels)
        linear = lambda name: nn.Dense(channels, dtype=self.dtype, name=name)
        seen = jax.nn.dot_product_attention(*(linear(name)(tokens) for name in ("query", "key", "value")))
        return x + linear("out")(seen.reshape(x.shape))


def _layers(dtype: Any) -> Callable[..., nn.Module]:
    """`(features, kernel, name, stride=1)` to a convolution."""
    start = nn.initializers.lecun_normal()
    return lambda features, kernel, name, stride=1: Convolution(
        features, kernel, stride, kernel_init=start, dtype=dtype, name=name
    )


def _norm(x: Maps, name: str) -> Maps:
    """Of 32 groups of channels, or as many as divide them."""
    return nn.GroupNorm(math.gcd(32, x.shape[-1]), epsilon=1e-6, dtype=x.dtype, name=name)(x)
