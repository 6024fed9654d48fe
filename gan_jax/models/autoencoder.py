"""An autoencoder whose codes are small images, for GANs that work among codes (Rombach et al. 2022, arXiv:2112.10752).

The convolutional networks of its appendix E, without their attention: residual blocks of two 3x3 convolutions with
group normalisation and swish, one a size, whose widths double up to 4 times the first. As there, a code is drawn from a
normal distribution around what the encoder says, which is held near N(0, 1) with a small weight ("KL-reg"), and
reconstructions are judged patch by patch (Esser et al. 2021, arXiv:2012.09841), by pix2pix's discriminator.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.residual import doubled
from gan_jax.types import Condition, End, Images, Latents, Logits

Codes = Float[Array, "batch h w c"]
"""What stands for images, smaller and with more channels; unbounded."""

Nats = Float[Array, " batch"]
"""What a code tells of its image: KL(N(mean, variance) | N(0, 1)), a mean over the code's numbers."""

WIDEST = 4
"""Times the width: the most channels of either network."""


def must_be_halved(images: Images, times: int) -> None:
    """Raises ValueError for images whose sides cannot be halved so often."""
    height, width = images.shape[1:3]
    if height % (1 << times) or width % (1 << times):
        raise ValueError(f"images of {height}x{width} pixels cannot be halved {times} times")


def width_of(width: int, stage: int) -> int:
    """Channels of the maps that are halved so often: twice as many each time, up to `WIDEST` times the width."""
    return width * min(1 << stage, WIDEST)


class Encoder(nn.Module):
    """Images `[B, H, W, C]` to means and log variances of their codes, each `[B, H / 2^n, W / 2^n, channels]`.

    n is `halvings`. Log variances are in [-30, 20], where their exponentials are numbers; both are float32. Computes in
    `dtype`; parameters are float32. Raises ValueError for images that cannot be halved so often.
    """

    channels: int = 4
    width: int = 128
    halvings: int = 2
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> tuple[Codes, Codes]:
        """Encodes each image."""
        del condition, train
        must_be_halved(images, self.halvings)
        x: Maps = _layer(self.width, self.dtype, "image")(images)
        for i in range(self.halvings):
            x = ResidualBlock(self.dtype, name=f"block_{i}")(x)
            x = _layer(width_of(self.width, i + 1), self.dtype, f"down_{i}", stride=2)(x)
        x = _rectified(ResidualBlock(self.dtype, name=f"block_{self.halvings}")(x), "norm")
        mean, log_variance = jnp.split(_layer(2 * self.channels, jnp.float32, "code")(x), 2, axis=-1)
        return mean, jnp.clip(log_variance, -30.0, 20.0)


class Decoder(nn.Module):
    """Codes `[B, h, w, c]` to images `[B, 2^n · h, 2^n · w, channels]` in [-1, 1], float32; n is `halvings`.

    Sizes are doubled by repeating pixels, then a convolution. Computes in `dtype`; parameters are float32.
    """

    channels: int = 3
    width: int = 128
    halvings: int = 2
    dtype: Any = jnp.float32
    end: End = nn.tanh

    @nn.compact
    def __call__(self, codes: Codes, condition: Condition = None, *, train: bool = False) -> Images:
        """Decodes each code."""
        del condition, train
        x: Maps = _layer(width_of(self.width, self.halvings), self.dtype, "code")(codes)
        x = ResidualBlock(self.dtype, name=f"block_{self.halvings}")(x)
        for i in reversed(range(self.halvings)):
            x = _layer(width_of(self.width, i), self.dtype, f"up_{i}")(doubled(x))
            x = ResidualBlock(self.dtype, name=f"block_{i}")(x)
        x = _layer(self.channels, self.dtype, "pixels")(_rectified(x, "norm"))
        return self.end(x.astype(jnp.float32))


class Generator(nn.Module):
    """Images, the condition, to themselves again, by way of their codes: `(images, nats)`.

    A code is drawn around its mean in training, and in evaluation if there is a key; else it is its mean. Latents do
    nothing. The same weights take images of every size that can be halved so often.
    """

    encoder: nn.Module
    decoder: nn.Module

    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> tuple[Images, Nats]:
        """Encodes and decodes each image."""
        del latents
        mean, log_variance = self.encoder(as_image(condition))
        codes = mean
        if train or self.has_rng("dropout"):
            codes = mean + jnp.exp(log_variance / 2) * jax.random.normal(self.make_rng("dropout"), mean.shape)
        nats = (jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance) / 2
        return self.decoder(codes), jnp.mean(nats, axis=(1, 2, 3))


class Judge(nn.Module):
    """A discriminator of images as one of `(images, nats)`, or what else is made beside them: it sees images alone."""

    of_images: nn.Module

    def __call__(self, made: tuple[Images, Any], condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image."""
        del condition
        images, _ = made
        return self.of_images(images, train=train)


class ResidualBlock(nn.Module):
    """x + f(x), `[B, H, W, C]` to the same: twice normalised, swish, 3x3 convolution."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        y = _layer(x.shape[-1], self.dtype, "layer_0")(_rectified(x, "norm_0"))
        return checkpoint_name(x + _layer(x.shape[-1], self.dtype, "layer_1")(_rectified(y, "norm_1")), "block")


def _layer(features: int, dtype: Any, name: str, stride: int = 1) -> nn.Module:
    return Convolution(features, 3, stride, kernel_init=nn.initializers.lecun_normal(), dtype=dtype, name=name)


def _rectified(x: Maps, name: str) -> Maps:
    """swish(norm(x)), in 32 groups of channels, or as many as divide them."""
    groups = math.gcd(32, x.shape[-1])
    return nn.silu(nn.GroupNorm(groups, epsilon=1e-6, dtype=x.dtype, name=name)(x))
