"""DCGAN: all-convolutional networks with batch normalisation (Radford et al. 2015, arXiv:1511.06434, section 3).

Weights start at N(0, 0.02²), leaky slopes are 0.2 (section 4). Kernels are 4x4, as in the authors' Torch code
and in most after it; figure 1 of the paper draws 5x5. Sizes are 8, 16, 32, 64 and 128 (from a 4x4 start) and
28 (from 7x7); images that are no squares have a start of their own shape, 3x4 for 48x64. `width` counts the channels
beside the image: 128 in the paper's 64x64 generator.
"""

from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.layers.conditioning import as_vectors, join_image, join_latent
from gan_jax.layers.convolution import Convolution, TransposedConvolution
from gan_jax.sizes import Size, coarsest, doublings, shown, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

SIZES = (8, 16, 28, 32, 64, 128)
"""Pixels on the longer side."""


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, H, W, channels]` in [-1, 1], where `size` is the side of a square, or (H, W)."""

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
        stages = _stages(self.size)
        rows, columns = coarsest(self.size)
        widest = self.width << (stages - 1)
        x = join_latent(latents, condition, self.classes)
        x = nn.Dense(rows * columns * widest, use_bias=False, kernel_init=_small, dtype=self.dtype, name="project")(x)
        x = x.reshape(-1, rows, columns, widest)
        x = nn.relu(_normalise(x, train, self.axis_name, name="norm_0"))
        for i in range(1, stages):
            features = widest >> i
            x = TransposedConvolution(features, 4, 2, use_bias=False, dtype=self.dtype, name=f"up_{i}")(x)
            x = nn.relu(_normalise(x, train, self.axis_name, name=f"norm_{i}"))
        x = TransposedConvolution(self.channels, 4, 2, dtype=self.dtype, name="pixels")(x)
        return self.end(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`; its first layer is not normalised.

    A `norm` of "none" leaves batch normalisation out of the others, too, as gradient penalties ask for (Gulrajani et
    al. 2017, arXiv:1704.00028, section 4). Kernels then start at He's scale, at which signals keep theirs. What it is
    `told` are planes beside the image, or, at no cost for many classes, a projection: the inner product of its features
    with an embedding of the label is added to the logit (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3).
    """

    width: int = 64
    classes: int = 0
    dtype: Any = jnp.float32
    norm: Literal["batch", "none"] = "batch"
    told: Literal["planes", "projection"] = "planes"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        projects = self.told == "projection"
        x = images if projects else join_image(images, condition, self.classes)
        start = _small if self.norm == "batch" else _he
        for i in range(_stages(images.shape[1:3])):
            normed = i > 0 and self.norm == "batch"
            x = Convolution(self.width << i, 4, 2, not normed, start, dtype=self.dtype, name=f"down_{i}")(x)
            x = nn.leaky_relu(_normalise(x, train, self.axis_name, name=f"norm_{i}") if normed else x, 0.2)
        x = x.reshape(x.shape[0], -1).astype(jnp.float32)
        logits = nn.Dense(1, kernel_init=_small, name="logit")(x)[:, 0]
        label = as_vectors(condition, self.classes) if projects else None
        if label is None:
            return logits
        embedding = nn.Dense(x.shape[-1], use_bias=False, kernel_init=_small, name="embed")(label)
        return logits + jnp.sum(x * embedding, axis=-1)


_small = nn.initializers.normal(0.02)
_he = nn.initializers.variance_scaling(2 / (1 + 0.2**2), "fan_in", "normal")


def _normalise(x: Array, train: bool, axis_name: str | None, name: str) -> Array:
    scale = lambda key, shape, dtype=jnp.float32: 1 + _small(key, shape, dtype)
    norm = partial(nn.BatchNorm, momentum=0.9, scale_init=scale, dtype=x.dtype, axis_name=axis_name)
    return norm(use_running_average=not train, name=name)(x)


def _stages(size: Size) -> int:
    """How often images are halved on the way down. Raises ValueError for other sizes."""
    if max(sides(size)) not in SIZES:
        raise ValueError(f"DCGAN makes images of {', '.join(map(str, SIZES))} pixels, not {shown(size)}")
    coarsest(size)
    return doublings(size)
