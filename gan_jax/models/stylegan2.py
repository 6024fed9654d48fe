"""StyleGAN2: a mapped latent styles every layer of the generator (Karras et al. 2020, arXiv:1912.04958).

The mapping network turns a latent into a style w; a constant becomes an image by convolutions whose kernels w scales
(`layers/modulated.py`), with noise at every pixel; every resolution adds its own image to the one before, enlarged.
The discriminator is residual, and sees how much the images of a group differ. This is configuration F of the paper, as
in the authors' code: leaky rectifiers of slope 0.2 times √2, kernels from N(0, 1) at equalised learning rates.
Conditions enter as in StyleGAN2-ADA (Karras et al. 2020, arXiv:2006.06676).

Layers at p x p pixels have width · size / p channels, 512 at most: FFHQ at 1024 pixels has a width of 32, and latents
of 512. StyleGAN2-ADA's CIFAR-10 networks have a width of 512 (all layers, then), 2 mapping layers, no mixing, groups of
32, and a discriminator that is not residual. They are trained with the non-saturating loss and R1, by Adam with betas
of 0 and 0.99. There is no tanh: only training brings images into [-1, 1].

StyleGAN2-ADA trains in float16 at the four highest resolutions, but not at 4x4: a `low_precision_from` of size / 8, or
of 8 where that is larger. All convolutions of such networks are clamped, those in float32 too (NVlabs/
stylegan2-ada-pytorch, train.py, `conv_clamp`), and so are ours. They compute in bfloat16, whose range needs no scaling
of kernels and styles before the modulation as float16's does there.

To bring that code's weights here: kernels [outputs, inputs, k, k] become [k, k, inputs, outputs], and those that
enlarge ("layer_8_up", there b8.conv0) are turned by half a turn; noise becomes [1, H, W, 1], the constant channels
last, and the dense layer behind the maps ("flatten") counts rows, columns, channels. With a `low_precision_from` beyond
the size they compute in float32 and are clamped, as there with `force_fp32`: both networks then agree to rounding.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from gan_jax.layers.conditioning import as_vectors
from gan_jax.layers.convolution import convolution
from gan_jax.layers.equalised import EqualisedConvolution, EqualisedDense, Operator
from gan_jax.layers.minibatch import minibatch_deviation
from gan_jax.layers.modulated import ModulatedConvolution
from gan_jax.layers.resampling import downsample, downsampling_convolution, upsample, upsampling_convolution
from gan_jax.sizes import Size, coarsest, shown, sides
from gan_jax.types import Condition, Images, Latents, Logits, PRNGKey

Maps = Float[Array, "batch height width channels"]
Vectors = Float[Array, "batch features"]
Styles = Float[Array, "batch layers style"]

START = 4
"""Pixels on the longer side of the coarsest layers."""

WIDEST = 512
"""Channels of a layer at most."""

MEAN_DECAY = 0.995
"""Of the running mean of styles, per training pass."""

CLAMP = 256.0
"""What convolutions may answer at most, in networks that compute in low precision."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]`, float32, not confined to [-1, 1].

    `size` is the side of a square, or (H, W): the constant is then of that shape, 3x4 for 48x64, and layers are called
    by their longer side. `width` counts the channels at the image's size, `style_size` those of w.

    In training passes a share `mixing` of the images takes the style of another latent from a random layer on,
    and noise is drawn anew; both come from the random stream "dropout". In evaluation passes noise is the collection
    "noise", and w is drawn to the mean style by the truncation trick: mean + truncation · (w - mean). The mean is the
    collection "mean_style", which training passes move to 0.995 · mean + 0.005 · the batch's. Layers at
    `low_precision_from` pixels or more compute in bfloat16 (None: none do), and all activations and the images of each
    resolution are then clamped to ±256; parameters are float32.

    Marks the styles (`Module.perturb`) of all n layers as "styles", scaled by 1 / √n: as the authors' code does, path
    lengths are the root of the mean of ‖∂ / ∂w‖² over layers. Raises ValueError where fields do not fit.
    """

    size: Size
    channels: int = 3
    width: int = 64
    classes: int = 0
    mapping_layers: int = 8
    style_size: int = 512
    mixing: float = 0.9
    truncation: float = 1.0
    low_precision_from: int | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        if self.mapping_layers < 1 or not 0 <= self.mixing <= 1:
            raise ValueError(
                f"a generator has 1 or more mapping layers, and mixes 0 to 1 of its images; "
                f"not {self.mapping_layers} and {self.mixing}"
            )
        style, synthesis = self.style(), self.synthesis()
        nn.share_scope(self, style)
        nn.share_scope(self, synthesis)
        w = style(latents, condition, train=train)
        if train and self.mixing:
            latent_key, mix_key = jax.random.split(self.make_rng("dropout"))
            other = style.mapped(jax.random.normal(latent_key, latents.shape, latents.dtype), condition)
            styles = mixed_styles(mix_key, w, other, self.layers, self.mixing)
        else:
            styles = jnp.repeat(w[:, None, :], self.layers, axis=1)
        marks = self.perturb("styles", jnp.zeros_like(styles))
        return synthesis(styles + marks / math.sqrt(self.layers), condition, train=train)

    @property
    def layers(self) -> int:
        """How many are told a style."""
        return 2 * max(sides(self.size)).bit_length() - 4

    @nn.nowrap
    def style(self) -> "TruncatedMapping":
        """Its first part, a network with the same weights: latents to w."""
        return TruncatedMapping(self.classes, self.mapping_layers, self.style_size, self.truncation)

    @nn.nowrap
    def synthesis(self) -> "Synthesis":
        """Its second part, a network with the same weights: what each layer is told to images."""
        return Synthesis(self.size, self.channels, self.width, self.low_precision_from)


class TruncatedMapping(nn.Module):
    """Latents `[B, L]` to w `[B, style_size]`; in evaluation drawn to the mean, which training passes move."""

    classes: int = 0
    mapping_layers: int = 8
    style_size: int = 512
    truncation: float = 1.0

    def setup(self) -> None:
        """Names what has variables."""
        self.mapping = Mapping(self.mapping_layers, self.style_size)
        self.mean = self.variable("mean_style", "mean", jnp.zeros, (self.style_size,))

    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Vectors:
        """Maps each latent."""
        w, mean = self.mapped(latents, condition), self.mean
        if train and not self.is_initializing() and self.is_mutable_collection("mean_style"):
            mean.value = MEAN_DECAY * mean.value + (1 - MEAN_DECAY) * jnp.mean(w, axis=0)
        if not train and self.truncation != 1:
            w = mean.value[None, :] + self.truncation * (w - mean.value[None, :])
        return w

    def mapped(self, latents: Latents, condition: Condition) -> Vectors:
        """w as the mapping network has it, in every pass."""
        return self.mapping(latents, as_vectors(condition, self.classes))


class Synthesis(nn.Module):
    """Styles of all layers `[B, layers, S]` to images `[B, H, W, channels]`; fields are as the generator's."""

    size: Size
    channels: int = 3
    width: int = 64
    low_precision_from: int | None = None

    @nn.compact
    def __call__(self, styles: Styles, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for the styles of each."""
        del condition  # the styles have it
        _check(self.size, self.channels, self.width)
        size = max(sides(self.size))
        shape = (*coarsest(self.size), _features(START, size, self.width))
        constant = self.param("constant", nn.initializers.normal(1.0), shape)
        x: Maps = jnp.broadcast_to(constant[None], (styles.shape[0], *shape))
        image: Images | None = None
        limit = _limit(self.low_precision_from)
        for i in range(size.bit_length() - 2):
            pixels = START << i
            features, dtype = _features(pixels, size, self.width), _dtype(pixels, self.low_precision_from)
            if i:
                up = StyledLayer(features, upsampling_convolution, dtype, limit, name=f"layer_{pixels}_up")
                x = up(x, styles[:, 2 * i - 1], train=train)
            keep = StyledLayer(features, convolution, dtype, limit, name=f"layer_{pixels}")
            x = keep(x, styles[:, 2 * i], train=train)
            # The image's layer shares its style with the next layer up.
            drawn = ModulatedConvolution(self.channels, 1, demodulate=False, dtype=dtype, name=f"image_{pixels}")
            finer = _clamped(drawn(x, styles[:, 2 * i + 1]), limit).astype(jnp.float32)
            image = finer if image is None else upsample(image) + finer
        assert image is not None
        return image


def mixed_styles(key: PRNGKey, own: Vectors, other: Vectors, layers: int, share: float) -> Styles:
    """A style for every layer, `[B, layers, S]`: in a share of the images the other's from a random layer on.

    That layer is uniform in [1, layers), so that a mixed image has some of both. Karras et al. 2019 (arXiv:1812.04948,
    section 3.1), drawn for every image by itself. The key is consumed.
    """
    share_key, layer_key = jax.random.split(key)
    mixed = jax.random.bernoulli(share_key, share, (own.shape[0], 1))
    first = jax.random.randint(layer_key, (own.shape[0], 1), 1, layers)
    replaced = mixed & (jnp.arange(layers)[None, :] >= first)
    return jnp.where(replaced[:, :, None], other[:, None, :], own[:, None, :])


class Mapping(nn.Module):
    """Latents, an embedded condition, or both to styles `[B, features]`: dense layers, a hundred times slower to learn.

    Latents and the embedding are divided by their root mean square, each image's own. Without layers it is those,
    side by side.
    """

    layers: int
    features: int

    @nn.compact
    def __call__(self, latents: Latents | None, told: Vectors | None) -> Vectors:
        """Maps each image's latent and condition."""
        parts = [] if latents is None else [_normalised(latents.astype(jnp.float32))]
        if told is not None:
            parts.append(_normalised(EqualisedDense(self.features, name="embed")(told)))
        x = jnp.concatenate(parts, axis=-1)
        for i in range(self.layers):
            x = _leaky(EqualisedDense(self.features, multiplier=0.01, name=f"layer_{i}")(x))
        return x


class StyledLayer(nn.Module):
    """A styled 3x3 convolution, noise of a learned strength (from 0), and the rectifier."""

    features: int
    operator: Operator
    dtype: Any = jnp.float32
    limit: float | None = None

    @nn.compact
    def __call__(self, x: Maps, styles: Vectors, *, train: bool) -> Maps:
        """Applies the layer."""
        y = ModulatedConvolution(self.features, 3, self.operator, dtype=self.dtype, name="convolution")(x, styles)
        batch, height, width, _ = y.shape
        draw = lambda stream, count: jax.random.normal(self.make_rng(stream), (count, height, width, 1))
        fixed = self.variable("noise", "fixed", lambda: draw("params", 1))
        noise = draw("dropout", batch) if train else fixed.value
        strength = self.param("strength", nn.initializers.zeros_init(), ())
        return checkpoint_name(_leaky(y + (strength * noise).astype(y.dtype), self.limit), "block")


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32.

    `width` counts the channels at the image's size, as in the generator; `group` is that of the deviations at 4x4
    (`layers/minibatch.py`): the batch must be a multiple of it, or smaller. With a condition the logit is the inner
    product of the image's features with the condition's, divided by √N for N of them; the condition's are an embedding
    of root mean square 1 and `mapping_layers` layers behind it: 8 in the authors' PyTorch code, 0 in their paper and
    its TensorFlow code. Without `residual` there are no short cuts past two convolutions. `low_precision_from` as in
    the generator.
    """

    width: int = 64
    classes: int = 0
    mapping_layers: int = 8
    group: int = 4
    residual: bool = True
    low_precision_from: int | None = None
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del train
        batch, height, width, channels = images.shape
        _check((height, width), channels, self.width)
        told = as_vectors(condition, self.classes)
        size = max(height, width)
        features, dtype = _features(size, size, self.width), _dtype(size, self.low_precision_from)
        limit = _limit(self.low_precision_from)
        x: Maps = _leaky(EqualisedConvolution(features, 1, dtype=dtype, name="extract")(images), limit)
        for i in reversed(range(1, size.bit_length() - 2)):
            pixels = START << i
            features, dtype = _features(pixels // 2, size, self.width), _dtype(pixels, self.low_precision_from)
            x = HalvingBlock(features, self.residual, dtype, limit, name=f"block_{pixels}")(x)
        x = minibatch_deviation(x.astype(jnp.float32), self.group, axis_name=self.axis_name)
        x = _leaky(EqualisedConvolution(features, 3, name="mix")(x), limit)
        vectors = _leaky(EqualisedDense(features, name="flatten")(x.reshape(batch, -1)))
        if told is None:
            return EqualisedDense(1, name="logit")(vectors)[:, 0]
        vectors = EqualisedDense(features, name="logit")(vectors)
        wanted = Mapping(self.mapping_layers, features, name="mapping")(None, told)
        return jnp.sum(vectors * wanted, axis=-1) / math.sqrt(features)


class HalvingBlock(nn.Module):
    """Two 3x3 convolutions, the second one halves: `[B, H, W, C] -> [B, H / 2, W / 2, features]`.

    If `residual`, plus a halved linear map of the input, all divided by √2.
    """

    features: int
    residual: bool = True
    dtype: Any = jnp.float32
    limit: float | None = None

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        y = _leaky(EqualisedConvolution(x.shape[-1], 3, dtype=self.dtype, name="keep")(x), self.limit)
        halve = EqualisedConvolution(
            self.features, 3, operator=downsampling_convolution, dtype=self.dtype, name="halve"
        )
        y = _leaky(halve(y), self.limit)
        if self.residual:
            short = EqualisedConvolution(self.features, 1, use_bias=False, dtype=self.dtype, name="short")
            y = (short(downsample(x)) + y) * math.sqrt(1 / 2)
        return checkpoint_name(y, "block")


def _leaky(x: Array, limit: float | None = None) -> Array:
    return _clamped(nn.leaky_relu(x, 0.2) * math.sqrt(2), limit)


def _clamped(x: Array, limit: float | None) -> Array:
    """x in [-limit, limit]; its gradient is zero where it does not lie between."""
    if limit is None:
        return x
    bound = jnp.asarray(limit, x.dtype)
    return jax.lax.clamp(-bound, x, bound)


def _limit(low_precision_from: int | None) -> float | None:
    return None if low_precision_from is None else CLAMP


def _normalised(x: Vectors) -> Vectors:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-8)


def _features(pixels: int, size: int, width: int) -> int:
    return min(width * size // pixels, WIDEST)


def _dtype(pixels: int, low_precision_from: int | None) -> Any:
    return jnp.bfloat16 if low_precision_from is not None and pixels >= low_precision_from else jnp.float32


def _check(size: Size, channels: int, width: int) -> None:
    if max(sides(size)) not in (8, 16, 32, 64, 128, 256, 512, 1024):
        raise ValueError(f"StyleGAN2 makes images of a power of two from 8 to 1024 pixels, not {shown(size)}")
    coarsest(size)
    if not 1 <= channels <= 16:
        raise ValueError(f"images have 1 to 16 channels, not {channels}")
    if width < 1:
        raise ValueError(f"the width is a number of channels from 1, not {width}")
