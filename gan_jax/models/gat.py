"""GAT: a GAN of two plain transformers (Hyun, Lee & Heo, ICML 2026, arXiv:2509.24935).

Made for latents of an autoencoder, [32, 32, 4] for images of 256 pixels; but the networks know nothing of that, and
images of any size and channels serve. In training the generator shows an image at several levels, and the discriminator
sees them side by side, each behind its own noise (`augment.levels`); in sampling there is the last level alone. Where
the paper leaves things open, they are as in the authors' code (2026, commit 21a2dd0); an `end` is ours, for pixels.

Parameters of a width w, with heads of d channels, h = ⌊8w / 3⌋ hidden features, q = patch² · channels numbers a patch,
l levels, n blocks, latents of z, K classes, and F features (2048 as published):

- a block has A = 4w² + 4w + 2d of attention, and G = 3wh + 2h + w of gated layers;
- the generator n (A + G + 4w² + 4w) + l (w² + w + (w + 1) q) + Kz + (2z + w + 2) w;
- the discriminator n (A + G + 4w) + (lq + 3) w + (w + 1) F + KF + 2 (F + 1) F;
- and, where a teacher says m numbers, (w + 1) F + (F + 1) F + (F + 1) m more.

Without classes G has (z + w + 2) w in place of the last two terms, D a logit's w + 1 in place of the last three.
"""

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.conditioning import as_vectors, parted
from gan_jax.layers.multiplied import slow_layers
from gan_jax.layers.teaching import Answer, Pupil, apart
from gan_jax.layers.tokens import Tokens, from_patches, grid_of, sine_cosine, to_patches
from gan_jax.layers.transformer import (
    EPSILON,
    Attention,
    Implementation,
    SwiGLU,
    in_a_row,
    normalised,
    stacked,
    written_out,
    xavier,
)
from gan_jax.sizes import Sides, Size, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

Vectors = Float[Array, "batch features"]


class Shape(NamedTuple):
    """How large both networks are."""

    depth: int
    width: int
    heads: int


SHAPES = {"S": Shape(12, 384, 6), "B": Shape(12, 768, 12), "L": Shape(24, 1024, 16), "XL": Shape(28, 1152, 16)}
"""The published ones; each has patches of 2, 4 or 8 pixels on a side."""

MEAN_DECAY = 0.995
"""Of the mean styles."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]`, float32; in training to their levels.

    Those are a tuple of `levels` such images, from coarse to fine. `size` is the side of a square, or (H, W). All
    images begin as the same code of places; the latent enters each block as scales and gates. After each equal part of
    the depth a head draws, and a level is `end` of the sum of the drawings so far. Blocks compute in `dtype`;
    parameters, the mapping and images are float32.

    The mean style of each label, or of all images where there are none, is the collection "mean_style", which training
    passes move to 0.995 · mean + 0.005 · that of the label's images in the batch (under `jax.pmap` each device's own;
    means are averaged). In evaluation the style w is drawn to the mean of its label, mean + truncation · (w - mean),
    and away from the mean over all labels at its latent, mean + guidance · (w - mean). Neither does anything at 1.
    `attention` is `Attention.implementation`; if `recomputed`, blocks are computed again in the backward pass;
    `unrolled` is for `written_out`. Raises ValueError where fields do not fit.
    """

    size: Size
    channels: int = 3
    depth: int = 12
    width: int = 384
    heads: int = 6
    patch: int = 2
    classes: int = 0
    levels: int = 4
    truncation: float = 1.0
    guidance: float = 1.0
    recomputed: bool = False
    unrolled: bool | None = None
    attention: Implementation = "xla"
    dtype: Any = jnp.float32
    end: End = jax.nn.identity

    @nn.compact
    def __call__(
        self, latents: Latents, condition: Condition = None, *, train: bool = False
    ) -> Images | tuple[Images, ...]:
        """Draws one image for each latent."""
        style, synthesis = self.style(), self.synthesis()
        nn.share_scope(self, style)
        nn.share_scope(self, synthesis)
        return synthesis(style(latents, condition, train=train)[:, None], condition, train=train)

    @property
    def layers(self) -> int:
        """How many are told a style of their own: all blocks are told the same."""
        return 1

    @nn.nowrap
    def style(self) -> "Styles":
        """Its first part, a network with the same weights: latents to styles."""
        return Styles(self.width, self.classes, self.truncation, self.guidance)

    @nn.nowrap
    def synthesis(self) -> "Synthesis":
        """Its second part, a network with the same weights: styles to images."""
        shape = (self.size, self.channels, self.depth, self.width, self.heads, self.patch, self.levels)
        return Synthesis(*shape, self.recomputed, self.unrolled, self.attention, self.dtype, self.end)


class Styles(nn.Module):
    """Latents `[B, L]`, and a condition as the generator is given it, to styles `[B, features]`."""

    features: int
    classes: int = 0
    truncation: float = 1.0
    guidance: float = 1.0

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Vectors:
        """Maps each latent."""
        style = Style(self.features, self.classes, self.truncation, self.guidance, name="style")
        return style(latents, as_vectors(parted(condition)[0], self.classes), train=train)


class Synthesis(nn.Module):
    """Styles `[B, 1, S]` to images, in training to their levels; fields are as the generator's."""

    size: Size
    channels: int
    depth: int
    width: int
    heads: int
    patch: int
    levels: int
    recomputed: bool
    unrolled: bool | None
    attention: Implementation
    dtype: Any
    end: End

    @nn.compact
    def __call__(
        self, styles: Array, condition: Condition = None, *, train: bool = False
    ) -> Images | tuple[Images, ...]:
        """Draws one image for each style."""
        del condition  # the styles have it
        if self.levels < 1 or self.depth % self.levels:
            raise ValueError(f"a depth of {self.depth} blocks has no equal parts for each of {self.levels} levels")
        size = sides(self.size)
        grid = grid_of(size, self.patch)
        code = jnp.asarray(sine_cosine(grid, self.width), self.dtype)
        x: Tokens = jnp.broadcast_to(code[None], (styles.shape[0], *code.shape))
        block = {"heads": self.heads, "grid": grid, "attention": self.attention, "dtype": self.dtype}
        unrolled = written_out(self.depth, self.unrolled)
        blocks = stacked(StyledBlock, self.depth // self.levels, recomputed=self.recomputed, unrolled=unrolled)
        parts = in_a_row(Part, self.levels, unrolled=unrolled)
        _, drawings = parts(partial(blocks, **block), self.patch**2 * self.channels, name="levels")(x, styles[:, 0])
        levels = [self.end(from_patches(drawn, size, self.patch)) for drawn in accumulate(drawings)]
        return tuple(levels) if train else levels[-1]


class Part(nn.Module):
    """A level's blocks, and its head: tokens `[B, N, C]`, and what is drawn of them, float32 `[B, N, numbers]`.

    What the head maps, linearly, is x of root mean square 1, times 1 + a scale that is linear in SiLU(style).
    """

    blocks: Callable[..., nn.Module]
    numbers: int

    @nn.compact
    def __call__(self, x: Tokens, style: Vectors) -> tuple[Tokens, Tokens]:
        """Applies the blocks, and draws."""
        x, _ = self.blocks(name="blocks")(x, style)
        scale = styled(x.shape[-1], x.dtype, "scale")(style)
        draw = nn.Dense(self.numbers, kernel_init=xavier, dtype=x.dtype, name="draw")
        return x, draw(normalised(x) * (1 + scale)).astype(jnp.float32)


class Style(nn.Module):
    """What all blocks are told of each image, `[B, features]`, of latents `[B, L]` and labels `[B, classes]`."""

    features: int
    classes: int = 0
    truncation: float = 1.0
    guidance: float = 1.0

    @nn.compact
    def __call__(self, latents: Latents, told: Vectors | None, *, train: bool) -> Vectors:
        """Maps them, and moves the mean in training, or the style in evaluation."""
        mapping = Mapping(self.features, name="mapping")
        embed = nn.Dense(latents.shape[1], use_bias=False, kernel_init=small, name="embed")
        style = mapping(latents, None if told is None else embed(told))
        shown = jnp.ones((latents.shape[0], 1)) if told is None else told
        mean = self.variable("mean_style", "mean", jnp.zeros, (shown.shape[1], self.features))
        if train and not self.is_initializing() and self.is_mutable_collection("mean_style"):
            mean.value = _moved(mean.value, style, shown)
        if not train and self.truncation != 1:
            style = _away(style, shown @ mean.value, self.truncation)
        if not train and self.guidance != 1 and told is not None:
            rows, labels = (latents.shape[0], self.classes, latents.shape[1]), embed(jnp.eye(self.classes))
            of_all = mapping(jnp.broadcast_to(latents[:, None], rows), jnp.broadcast_to(labels[None], rows))
            style = _away(style, jnp.mean(of_all, axis=1), self.guidance)
        return style


class Mapping(nn.Module):
    """Latents `[..., z]`, and vectors of labels `[..., z]`, to styles `[..., features]`: two layers that learn slowly.

    Both are divided by their root mean square, each its own, and stand side by side, labels first.
    """

    features: int

    @nn.compact
    def __call__(self, latents: Array, labels: Array | None) -> Array:
        """Maps each latent with its label."""
        parts = [latents] if labels is None else [labels, latents]
        x = jnp.concatenate([normalised(part.astype(jnp.float32), 1e-8) for part in parts], axis=-1)
        return slow_layers(x, self.features)


class StyledBlock(nn.Module):
    """x + gate · attention(scaled x), then x + gate · SwiGLU(scaled x); all scales and gates are linear in SiLU(style).

    What is scaled is x of root mean square 1, times 1 + scale. There are no shifts.
    """

    heads: int
    grid: Sides
    attention: Implementation = "xla"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Tokens, style: Vectors) -> tuple[Tokens, None]:
        """Applies the block to tokens `[B, N, C]`, for styles `[B, S]`."""
        told = styled(4 * x.shape[-1], self.dtype, "style")(style)
        scale_a, gate_a, scale_m, gate_m = jnp.split(told, 4, axis=-1)
        attention = Attention(self.heads, self.grid, self.attention, self.dtype, name="attention")
        x = x + gate_a * attention(normalised(x) * (1 + scale_a))
        return x + gate_m * SwiGLU(self.dtype, name="gated")(normalised(x) * (1 + scale_m)), None


class Discriminator(nn.Module):
    """Images `[B, H, W, C]`, or a tuple of the levels of each, to logits `[B]`, float32.

    Of a plain image all levels are the same. With labels the logit is the inner product of an image's `features`, read
    off a token of its own, and its label's; without, it is read off directly. Other fields are as the generator's.

    With a teacher, of so many numbers, a perceptron of as many hidden `features` says of each token what the teacher
    does of its patch, and of the image's own what it does of the whole: the condition is `Taught` then, and the output
    an `Answer`. Where the condition is not, distances are 0. Train it with `losses.taught`.
    """

    depth: int = 12
    width: int = 384
    heads: int = 6
    patch: int = 2
    classes: int = 0
    levels: int = 4
    features: int = 2048
    teacher: int = 0
    recomputed: bool = False
    unrolled: bool | None = None
    attention: Implementation = "xla"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, images: Images | tuple[Images, ...], condition: Condition = None, *, train: bool = False
    ) -> Logits | Answer:
        """Scores each image; positive means real. Raises ValueError for another number of levels."""
        del train
        condition, features = parted(condition)
        told = as_vectors(condition, self.classes)
        shown = images if isinstance(images, tuple) else (images,) * self.levels
        if len(shown) != self.levels:
            raise ValueError(f"this network sees {self.levels} levels of an image, not {len(shown)}")
        _, height, width, _ = shown[0].shape
        grid = grid_of((height, width), self.patch)
        patches = to_patches(jnp.concatenate(shown, axis=-1), self.patch)
        layer = lambda features, name: nn.Dense(features, kernel_init=xavier, dtype=self.dtype, name=name)
        x = layer(self.width, "patches")(patches) + jnp.asarray(sine_cosine(grid, self.width), self.dtype)[None]
        token = self.param("token", small, (1, 1, self.width)).astype(x.dtype)
        x = jnp.concatenate([jnp.broadcast_to(token, (x.shape[0], 1, self.width)), x], axis=1)
        unrolled = written_out(self.depth, self.unrolled)
        blocks = stacked(PlainBlock, self.depth, recomputed=self.recomputed, unrolled=unrolled)
        x, _ = blocks(self.heads, grid, self.attention, self.dtype, name="blocks")(x)
        read = nn.RMSNorm(EPSILON, name="norm")(x[:, 0].astype(jnp.float32))
        score = nn.Dense(1 if told is None else self.features, kernel_init=xavier, name="logit")(read)
        if told is not None:
            label = nn.Dense(self.features, use_bias=False, kernel_init=small, name="embed")(told)
            score = score * slow_layers(label, self.features)
        logits = jnp.sum(score, axis=-1)
        if not self.teacher:
            return logits
        return Answer(logits, apart(Pupil(self.teacher, self.features, self.dtype, name="pupil")(x), features))


class PlainBlock(nn.Module):
    """x + a · attention(norm(x)), then x + b · SwiGLU(norm(x)); a and b are learned for each channel, from 0.1."""

    heads: int
    grid: Sides
    attention: Implementation = "xla"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Tokens) -> tuple[Tokens, None]:
        """Applies the block to tokens `[B, N, C]`."""
        norm = lambda name: nn.RMSNorm(EPSILON, dtype=self.dtype, name=name)
        scale = lambda name: self.param(name, nn.initializers.constant(0.1), (x.shape[-1],)).astype(x.dtype)[None, None]
        attention = Attention(self.heads, self.grid, self.attention, self.dtype, name="attention")
        x = x + scale("attention_scale") * attention(norm("norm_0")(x))
        return x + scale("gated_scale") * SwiGLU(self.dtype, name="gated")(norm("norm_1")(x)), None


small = nn.initializers.normal(0.02)


def styled(features: int, dtype: Any, name: str) -> Callable[[Vectors], Array]:
    """Styles `[B, S]` to what scales or gates the tokens of each image, `[B, 1, features]`: small at first."""
    tenth = nn.initializers.variance_scaling(0.1**2, "fan_avg", "uniform")
    layer = nn.Dense(features, kernel_init=tenth, dtype=dtype, name=name)
    return lambda style: layer(nn.silu(style))[:, None, :]


def _moved(means: Vectors, style: Vectors, shown: Vectors) -> Vectors:
    """The mean style of each label, a little nearer to that of its images in the batch, if there are any."""
    weight = jnp.sum(shown, axis=0)[:, None]
    here = shown.T @ style / jnp.maximum(weight, EPSILON)
    return jnp.where(weight > 0, MEAN_DECAY * means + (1 - MEAN_DECAY) * here, means)


def _away(style: Vectors, mean: Vectors, times: float) -> Vectors:
    return mean + times * (style - mean)
