"""SAGAN: residual networks of norm 1 that look at themselves (Zhang et al. 2019, arXiv:1805.08318, section 4).

Both networks are spectrally normalised, and have self-attention at a quarter of the image's size: 32x32 at 128 pixels,
the best of the paper's table 1. Labels enter by conditional batch normalisation and by projection, as in SNGAN. The
paper's are 128 pixels with a width of 64; images that are no squares have first maps of their own shape, 3x4 for 48x64.
Trained with the hinge loss, by Adam with betas of 0 and 0.9, the generator at 1e-4 and the discriminator at 4e-4.

As in the authors' code (brain-research/self-attention-gan, ops.py), what is conditional in batch normalisation is a
gain and a shift for each class that are not spectrally normalised; "gain" here is what theirs is more than 1. Its
running statistics have decays of 0.999 and, in the last layer, 0.9999.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.layers.attention import SelfAttention
from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.convolution import Maps
from gan_jax.layers.normalisation import ConditionalBatchNorm
from gan_jax.layers.residual import ConvolutionLayer, DoublingBlock, HalvingBlock
from gan_jax.layers.spectral import SpectralConvolution, SpectralDense
from gan_jax.sizes import Size, coarsest, doublings, shown, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

SIZES = (32, 64, 128, 256)
"""Pixels on the longer side."""

WIDEST = 16
"""Channels of a stage at most, in units of the width."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]` in [-1, 1], where `size` is the side of a square, or (H, W).

    `width` counts the channels beside the image, and doubles with each halving of the maps, up to 16 times. Computes in
    `dtype`; parameters are float32. Raises ValueError for other longer sides than a power of two from 32 to 256.
    """

    size: Size
    channels: int = 3
    width: int = 64
    classes: int = 0
    dtype: Any = jnp.float32
    end: End = nn.tanh
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        told = as_vectors(condition, self.classes)
        norm = lambda name: ConditionalBatchNorm(axis_name=self.axis_name, name=name)
        layer = _layer(self.dtype)
        factors = _factors(self.size)[::-1]
        rows, columns = coarsest(self.size)
        start = self.width * factors[0]
        x: Maps = SpectralDense(rows * columns * start, name="project")(latents)
        x = x.reshape(-1, rows, columns, start).astype(self.dtype)
        for i, factor in enumerate(factors):
            x = DoublingBlock(self.width * factor, layer, norm, name=f"block_{i}")(x, told, train=train)
            if max(x.shape[1:3]) == max(sides(self.size)) // 4:
                x = SelfAttention(layer, name="attention")(x)
        x = nn.relu(norm("norm")(x, None, train=train))
        return self.end(layer(self.channels, 3, name="pixels")(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32. `width` and `dtype` as in the generator."""

    width: int = 64
    classes: int = 0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del train
        size, layer = images.shape[1:3], _layer(self.dtype)
        factors = _factors(size)
        x: Maps = images.astype(self.dtype)
        for i, factor in enumerate((*factors, factors[-1])):
            x = HalvingBlock(self.width * factor, layer, i < len(factors), i == 0, name=f"block_{i}")(x)
            if max(x.shape[1:3]) == max(size) // 4 and i < len(factors):
                x = SelfAttention(layer, name="attention")(x)
        features = jnp.sum(nn.relu(x.astype(jnp.float32)), axis=(1, 2))
        logits = SpectralDense(1, name="logit")(features)[:, 0]
        if (told := as_vectors(condition, self.classes)) is None:
            return logits
        embedded = SpectralDense(features.shape[-1], use_bias=False, name="embed")(told)
        return logits + jnp.sum(features * embedded, axis=-1)


def _layer(dtype: Any) -> ConvolutionLayer:
    return lambda features, kernel, **fields: SpectralConvolution(features, kernel, dtype=dtype, **fields)


def _factors(size: Size) -> tuple[int, ...]:
    """Channels of each stage in units of the width, from the image's size to 4x4."""
    if max(sides(size)) not in SIZES:
        raise ValueError(f"SAGAN makes images of {', '.join(map(str, SIZES))} pixels, not {shown(size)}")
    return tuple(min(1 << i, WIDEST) for i in range(doublings(size)))
