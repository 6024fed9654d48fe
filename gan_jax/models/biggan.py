"""BigGAN: wide residual networks, told their latent at every stage (Brock et al. 2019, arXiv:1809.11096, appendix B).

The latent is split: one part is where the first maps come from, the others join the label's embedding, one for each
block, in its conditional batch normalisation. All linear maps start orthogonal and, but for that embedding, are
spectrally normalised; there is self-attention at 64x64 where maps come by that size. `width` is the paper's channel
multiplier: 96 at 128 pixels, whose latents have 120 entries. For 32 pixels the paper has no table; the channels are
those of the authors' code (ajbrock/BigGAN-PyTorch), whose CIFAR-10 networks have a width of 64, undivided latents and
other first weights. Trained with the hinge loss, by Adam with betas of 0 and 0.999, the generator at 5e-5 and the
discriminator at 2e-4, with averaged weights and standing statistics for sampling.

As in that code, gains and shifts are linear in the label's embedding followed by the latent's part, and normalised;
"gain" is what a gain is more than 1.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.layers.attention import SelfAttention
from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.convolution import Maps
from gan_jax.layers.normalisation import ConditionalBatchNorm
from gan_jax.layers.residual import ConvolutionLayer, DoublingBlock, HalvingBlock
from gan_jax.layers.spectral import SpectralConvolution, SpectralDense
from gan_jax.sizes import Size, coarsest, shown, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

SHARED = 128
"""Entries of the label's embedding that all blocks share."""

ATTENTION = 64
"""Pixels on the longer side of the maps that look at themselves."""


class Plan(NamedTuple):
    """The stages of both networks; channels in units of the width."""

    up: tuple[int, ...]  # channels of the first maps, and after each doubling
    down: tuple[int, ...]  # channels after each block
    halvings: int  # blocks that halve; those behind them do not


PLANS = {
    32: Plan((4, 4, 4, 4), (4, 4, 4, 4), 2),
    64: Plan((16, 16, 8, 4, 2), (1, 2, 4, 8, 16), 4),
    128: Plan((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), 5),
    256: Plan((16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), 6),
}
"""By the image's longer side: tables 4 to 6 of the paper, and 32 from the authors' code."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]` in [-1, 1], where `size` is the side of a square, or (H, W).

    L is a multiple of one more than the blocks: of 4 at 32 pixels, 6 at 128. Without classes, blocks are told their
    part of the latent alone. Computes in `dtype`; parameters are float32. Raises ValueError for sizes and latents that
    do not fit.
    """

    size: Size
    channels: int = 3
    width: int = 96
    classes: int = 0
    dtype: Any = jnp.float32
    end: End = nn.tanh
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        plan = _plan(self.size)
        parts = len(plan.up)
        if latents.shape[-1] % parts:
            raise ValueError(
                f"BigGAN at {shown(self.size)} pixels splits latents into {parts}; {latents.shape[-1]} is no multiple"
            )
        first, *rest = jnp.split(latents, parts, axis=-1)
        shared = as_vectors(condition, self.classes)
        if shared is not None:
            shared = nn.Dense(SHARED, use_bias=False, kernel_init=_orthogonal, name="embed")(shared)
        layer = _layer(self.dtype)
        linear = lambda features, name: SpectralDense(features, use_bias=False, kernel_init=_orthogonal, name=name)
        norm = lambda name: ConditionalBatchNorm(linear, axis_name=self.axis_name, name=name)
        rows, columns = coarsest(self.size)
        start = self.width * plan.up[0]
        x: Maps = SpectralDense(rows * columns * start, kernel_init=_orthogonal, name="project")(first)
        x = x.reshape(-1, rows, columns, start).astype(self.dtype)
        for i, (factor, part) in enumerate(zip(plan.up[1:], rest, strict=True)):
            told = part if shared is None else jnp.concatenate([shared, part], axis=-1)
            x = DoublingBlock(self.width * factor, layer, norm, name=f"block_{i}")(x, told, train=train)
            if max(x.shape[1:3]) == ATTENTION:
                x = SelfAttention(layer, name="attention")(x)
        x = nn.relu(ConditionalBatchNorm(axis_name=self.axis_name, name="norm")(x, None, train=train))
        return self.end(layer(self.channels, 3, name="pixels")(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32; labels by projection. `width` and `dtype` as in the generator."""

    width: int = 96
    classes: int = 0
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del train
        plan, layer = _plan(images.shape[1:3]), _layer(self.dtype)
        x: Maps = images.astype(self.dtype)
        for i, factor in enumerate(plan.down):
            x = HalvingBlock(self.width * factor, layer, i < plan.halvings, i == 0, name=f"block_{i}")(x)
            if max(x.shape[1:3]) == ATTENTION and i < plan.halvings:
                x = SelfAttention(layer, name="attention")(x)
        features = jnp.sum(nn.relu(x.astype(jnp.float32)), axis=(1, 2))
        logits = SpectralDense(1, kernel_init=_orthogonal, name="logit")(features)[:, 0]
        if (told := as_vectors(condition, self.classes)) is None:
            return logits
        embed = SpectralDense(features.shape[-1], use_bias=False, kernel_init=_orthogonal, name="embed")
        return logits + jnp.sum(features * embed(told), axis=-1)


_orthogonal = nn.initializers.orthogonal()


def _layer(dtype: Any) -> ConvolutionLayer:
    return lambda features, kernel, **fields: SpectralConvolution(
        features, kernel, kernel_init=_orthogonal, dtype=dtype, **fields
    )


def _plan(size: Size) -> Plan:
    if (longer := max(sides(size))) not in PLANS:
        raise ValueError(f"BigGAN makes images of {', '.join(map(str, PLANS))} pixels, not {shown(size)}")
    return PLANS[longer]
