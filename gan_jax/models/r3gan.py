"""R3GAN: residual networks without normalisation or tricks (Huang et al. 2024, arXiv:2501.05441).

Every resolution is a stage of blocks x + W₃ φ(W₂ φ(W₁ x)) with W₁ 1x1 to `expansion` times the channels, W₂ 3x3 in
groups, W₃ 1x1 back, φ a bias and a leaky rectifier of slope 0.2; stages are joined by anti-aliased sampling. W₃ starts
at zero, so that every block starts as the identity, and W₁ and W₂ at N(0, g² / fan-in) with g = √(2 / 1.04) · L^(-1/4)
for L blocks in the network (Zhang et al. 2019, arXiv:1901.09321); all else at N(0, 1 / fan-in).

The defaults are the paper's CIFAR-10 networks, with latents of 64; its 64x64 ones have `widths` of (768,) * 4 + (384,).
They are trained with the relativistic loss, R1 and R2. There is no tanh: only training brings images into [-1, 1].

The authors' code (brownvc/R3GAN, train.py) computes in bfloat16 at the four highest resolutions, but not at 4x4: from
8x8 up at 32 and 64 pixels, from 32x32 up at 256. With its weights, in Networks.py, both networks here agree to
rounding: grouped kernels [outputs, inputs, k, k] become [k, k, inputs, outputs], 1x1 ones dense, bases channels last.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.grouped import GroupedConvolution
from gan_jax.layers.resampling import downsample, upsample
from gan_jax.sizes import Size, coarsest, shown, sides
from gan_jax.types import Condition, Images, Latents, Logits

Maps = Float[Array, "batch height width channels"]
Vectors = Float[Array, "batch channels"]

START = 4
"""Pixels on the longer side of the coarsest stage."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]`, float32, not confined to [-1, 1].

    `size` is the side of a square, or (H, W); stages are called by their longer side. `widths` holds the channels of
    each, from 4x4 (3x4 for 48x64) to the image's size. Stages of `low_precision_from` pixels or more compute in
    bfloat16 (None: nowhere): the larger of 8 and size / 8 as published. Parameters are float32. A label enters as an
    embedding of the latent's length, behind the latent. Raises ValueError where sizes do not fit.
    """

    size: Size = 32
    channels: int = 3
    widths: tuple[int, ...] = (768, 768, 768, 768)
    blocks: int = 2
    group_channels: int = 16
    expansion: int = 2
    classes: int = 0
    low_precision_from: int | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        del train
        _check(self.size, self.channels, self.widths, self.blocks)
        told = as_vectors(condition, self.classes)
        if told is not None:
            latents = jnp.concatenate([latents, _linear(latents.shape[-1], "embed")(told)], axis=-1)
        basis = self.param("basis", nn.initializers.normal(1.0), (*coarsest(self.size), self.widths[0]))
        x = basis[None] * _linear(self.widths[0], "scale")(latents)[:, None, None, :]
        for i, width in enumerate(self.widths):
            pixels = START << i
            dtype = _dtype(pixels, self.low_precision_from)
            x = x.astype(dtype)
            if i and self.widths[i - 1] != width:
                x = _linear(width, f"to_{pixels}", dtype)(x)
            if i:
                x = upsample(x)
            x = _stage(self, x, pixels, dtype)
        return _linear(self.channels, "pixels", x.dtype)(x).astype(jnp.float32)


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32: the generator's stages in reverse.

    `widths` holds the channels of each stage from 4x4 to the image's size, as in the generator; so do the other fields.
    The coarsest maps become a vector by a kernel of their size for every channel and a linear map. Without classes that
    vector is the logit; with them it has widths[0] entries, and the logit is its inner product with an embedding of the
    label.
    """

    widths: tuple[int, ...] = (768, 768, 768, 768)
    blocks: int = 2
    group_channels: int = 16
    expansion: int = 2
    classes: int = 0
    low_precision_from: int | None = None

    judges_alone = True

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del train
        size = images.shape[1:3]
        _check(size, images.shape[-1], self.widths, self.blocks)
        told = as_vectors(condition, self.classes)
        dtype = _dtype(max(size), self.low_precision_from)
        x = _linear(self.widths[-1], "extract", dtype)(images.astype(dtype))
        for i in reversed(range(len(self.widths))):
            pixels = START << i
            dtype = _dtype(pixels, self.low_precision_from)
            x = _stage(self, x.astype(dtype), pixels, dtype)
            if i:
                x = downsample(x)
            if i and self.widths[i - 1] != self.widths[i]:
                x = _linear(self.widths[i - 1], f"to_{pixels // 2}", dtype)(x)
        start = coarsest(size)
        basis = self.param("basis", nn.initializers.normal(1 / math.sqrt(math.prod(start))), (*start, x.shape[-1]))
        vectors = jnp.einsum("bhwc,hwc->bc", x.astype(jnp.float32), basis)
        if told is None:
            return _linear(1, "logit")(vectors)[:, 0]
        vectors = _linear(self.widths[0], "logit")(vectors)
        # 1 / √N more, so that an inner product of N terms starts no larger than one of them.
        embedded = _linear(self.widths[0], "embed", gain=1 / math.sqrt(self.widths[0]))(told)
        return jnp.sum(vectors * embedded, axis=-1)


class Block(nn.Module):
    """One residual block, `[B, H, W, C]` to the same; `gain` is that of the first two kernels."""

    group_channels: int
    expansion: int
    gain: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Adds the block's branch to its input."""
        inner = self.expansion * x.shape[-1]
        if inner % self.group_channels:
            raise ValueError(
                f"{x.shape[-1]} channels, expanded to {inner}, do not split into groups of {self.group_channels}; "
                "change widths or group_channels"
            )
        fan_in = self.group_channels * 9
        kernel_init = nn.initializers.normal(self.gain / math.sqrt(fan_in))
        y = nn.leaky_relu(_linear(inner, "widen", self.dtype, self.gain, use_bias=True)(x), 0.2)
        y = GroupedConvolution(
            inner, 3, inner // self.group_channels, kernel_init=kernel_init, dtype=self.dtype, name="mix"
        )(y)
        y = _linear(x.shape[-1], "narrow", self.dtype, gain=0.0)(nn.leaky_relu(y, 0.2))
        return checkpoint_name(x + y, "block")


def _stage(network: Generator | Discriminator, x: Maps, pixels: int, dtype: Any) -> Maps:
    count = network.blocks * len(network.widths)
    gain = math.sqrt(2 / (1 + 0.2**2)) * count ** (-1 / 4)
    for j in range(network.blocks):
        block = Block(network.group_channels, network.expansion, gain, dtype, name=f"block_{pixels}_{j}")
        x = block(x)
    return x


def _linear(features: int, name: str, dtype: Any = jnp.float32, gain: float = 1.0, use_bias: bool = False) -> nn.Dense:
    """A linear map of the last axis, a 1x1 convolution where there are pixels; starts at N(0, gain² / inputs)."""
    start = lambda key, shape, kind=jnp.float32: gain / math.sqrt(shape[0]) * jax.random.normal(key, shape, kind)
    return nn.Dense(features, use_bias=use_bias, kernel_init=start, dtype=dtype, name=name)


def _dtype(pixels: int, low_precision_from: int | None) -> Any:
    return jnp.bfloat16 if low_precision_from is not None and pixels >= low_precision_from else jnp.float32


def _check(size: Size, channels: int, widths: tuple[int, ...], blocks: int) -> None:
    made = START << (len(widths) - 1) if widths else 0
    if max(sides(size)) != made:
        raise ValueError(
            f"{len(widths)} widths are those of images of {made} pixels, not {shown(size)}: "
            f"one for each power of two from {START} to the image's longer side"
        )
    coarsest(size)
    if not 1 <= channels <= 16:
        raise ValueError(f"images have 1 to 16 channels, not {channels}")
    if blocks < 1:
        raise ValueError(f"every stage has at least one block, not {blocks}")
