"""SNGAN's residual pair: a discriminator of norm 1 (Miyato et al. 2018, arXiv:1802.05957, appendix B.4).

The networks of its tables for 32 and 48 pixels, and for 64 and 128 those of Miyato & Koyama 2018 (arXiv:1802.05637),
with the channels of mimicry (Lee & Town 2020, arXiv:2005.02494). The authors' code doubles maps by repeating pixels,
mimicry interpolates. 28 pixels is 32's from a 7x7 start; images that are no squares have the plan of their longer side,
from a start of their own shape: 3x4 for 48x64.

With labels, the generator has conditional batch normalisation, and the discriminator projects: its logit gains the
inner product of the image's features and the label's embedding (arXiv:1802.05637, eq. 3). Kernels start at Glorot's
uniform, those of the blocks √2 as large. Trained with the hinge loss, by Adam with betas of 0 and 0.9.

The authors' code (pfnet-research/sngan_projection) has an epsilon of 2e-5 in batch normalisation, and at 32 pixels a
logit without a bias; mimicry's have 1e-5 and a bias, as here. "gain" is what a class's gain is more than 1.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.normalisation import ConditionalBatchNorm
from gan_jax.layers.resampling import interpolate
from gan_jax.layers.residual import ConvolutionLayer, DoublingBlock, HalvingBlock, doubled
from gan_jax.layers.spectral import SpectralConvolution, SpectralDense
from gan_jax.sizes import Size, coarsest, shown, sides
from gan_jax.types import Condition, End, Images, Latents, Logits


class Plan(NamedTuple):
    """The stages of both networks; channels in units of the width."""

    up: tuple[int, ...]  # channels of the first maps, and after each doubling
    down: tuple[int, ...]  # channels after each block
    halvings: int  # blocks that halve, while sides are even; those behind them do not


PLANS = {
    28: Plan((1, 1, 1), (1, 1, 1, 1), 2),
    32: Plan((1, 1, 1, 1), (1, 1, 1, 1), 2),
    48: Plan((8, 4, 2, 1), (1, 2, 4, 8, 16), 4),
    64: Plan((16, 8, 4, 2, 1), (1, 2, 4, 8, 16), 5),
    128: Plan((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 5),
}
"""By the image's longer side."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]` in [-1, 1], where `size` is the side of a square, or (H, W).

    `width` counts the channels beside the image: 256 at 32 pixels as published, 64 at the larger sizes. Maps are
    doubled by repeating pixels, or bilinearly if `interpolated`. Computes in `dtype`; parameters are float32. Raises
    ValueError for a size that it has no plan for.
    """

    size: Size
    channels: int = 3
    width: int = 256
    classes: int = 0
    dtype: Any = jnp.float32
    end: End = nn.tanh
    axis_name: str | None = None
    interpolated: bool = False

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        plan = _plan(self.size)
        rows, columns = coarsest(self.size)
        told = as_vectors(condition, self.classes)
        norm = lambda name: ConditionalBatchNorm(axis_name=self.axis_name, name=name)
        start = self.width * plan.up[0]
        x: Maps = nn.Dense(rows * columns * start, kernel_init=_glorot(1), name="project")(latents)
        x = x.reshape(-1, rows, columns, start).astype(self.dtype)
        layer, up = _layer(Convolution, self.dtype), interpolate if self.interpolated else doubled
        for i, factor in enumerate(plan.up[1:]):
            x = DoublingBlock(self.width * factor, layer, norm, up, name=f"block_{i}")(x, told, train=train)
        x = nn.relu(norm("norm")(x, None, train=train))
        x = Convolution(self.channels, 3, kernel_init=_glorot(1), dtype=self.dtype, name="pixels")(x)
        return self.end(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32; every kernel, and the embedding, of norm 1.

    `width` counts the channels beside the image: 128 at 32 pixels as published, 64 at the larger sizes. The last maps
    are summed over pixels.
    """

    width: int = 128
    classes: int = 0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del train
        plan = _plan(images.shape[1:3])
        layer = _layer(SpectralConvolution, self.dtype)
        x: Maps = images.astype(self.dtype)
        for i, factor in enumerate(plan.down):
            # As in the authors' code: but for the first block, the channels change with the second convolution.
            hidden = x.shape[-1] if i else None
            halves = i < plan.halvings and not any(side % 2 for side in x.shape[1:3])
            block = HalvingBlock(self.width * factor, layer, halves, i == 0, hidden, name=f"block_{i}")
            x = block(x)
        features = jnp.sum(nn.relu(x.astype(jnp.float32)), axis=(1, 2))
        logits = SpectralDense(1, name="logit")(features)[:, 0]
        if (told := as_vectors(condition, self.classes)) is None:
            return logits
        embedded = SpectralDense(features.shape[-1], use_bias=False, name="embed")(told)
        return logits + jnp.sum(features * embedded, axis=-1)


def _layer(kind: Any, dtype: Any) -> ConvolutionLayer:
    """The convolutions of a block: 1x1 ones are short cuts, and start smaller."""
    return lambda features, kernel, **fields: kind(
        features, kernel, kernel_init=_glorot(1 if kernel == 1 else 2), dtype=dtype, **fields
    )


_glorot = partial(nn.initializers.variance_scaling, mode="fan_avg", distribution="uniform")


def _plan(size: Size) -> Plan:
    if (longer := max(sides(size))) not in PLANS:
        raise ValueError(f"SNGAN makes images of {', '.join(map(str, PLANS))} pixels, not {shown(size)}")
    return PLANS[longer]
