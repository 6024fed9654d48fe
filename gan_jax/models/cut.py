"""CUT: translation from one domain to another without pairs, one way alone (Park et al. 2020, arXiv:2007.15651).

The generator is CycleGAN's, and there is no second one to go back by. What is made of an image is to stay that image by
its patches: seen by the generator's own first half, each is to be told from all others by the one in its place of what
was given (`supervision.contrast`). The judge is pix2pix's, of 70x70 patches (`autoencoder.Judge`).

As in the authors' code patches are seen in five layers: the pixels, both halvings, the first residual block and the
fifth of nine, here the one in the middle; the heads have two layers of 256. Different from there: halvings and
doublings are convolutions of stride 2, without a blur beside them, and kernels start at N(0, 0.02²).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Maps
from gan_jax.models import cyclegan
from gan_jax.types import Condition, Images, Latents, PRNGKey

Patches = tuple[Float[Array, "batch patches features"], ...]
"""Of each layer, at some of its places: vectors of norm 1. In evaluation, and of real images, there are none, ()."""


class Generator(nn.Module):
    """Images, the condition, to `(images, patches)`: translated, and, in training, how patches of the condition look.

    `patches` of each layer, or as many as it has, are at places that are drawn for the whole batch, none twice; a key
    draws the same ones of every image of a size. Images are float32 in [-1, 1], patches float32. Latents do nothing.
    Raises ValueError as the translator does.
    """

    translator: cyclegan.Generator
    patches: int = 256
    features: int = 256

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> tuple[Images, Patches]:
        """Translates each image."""
        del latents
        images, seen = self.translator.translate(as_image(condition))
        if not train:
            return images, ()
        layers = sorted({0, 1, 2, 3, 3 + self.translator.blocks // 2})
        head = lambda i: Head(self.features, self.translator.dtype, name=f"head_{i}")
        return images, tuple(head(i)(_at_random(self.make_rng("dropout"), seen[i], self.patches)) for i in layers)


class Head(nn.Module):
    """Patches `[B, P, C]` to vectors `[B, P, features]` of norm 1, float32, by a perceptron of two layers."""

    features: int = 256
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "batch patches channels"]) -> Float[Array, "batch patches features"]:
        """Looks at each patch."""
        start = nn.initializers.normal(0.02)
        layer = lambda name: nn.Dense(self.features, kernel_init=start, dtype=self.dtype, name=name)
        y = layer("layer_1")(nn.relu(layer("layer_0")(x))).astype(jnp.float32)
        return y * jax.lax.rsqrt(jnp.sum(jnp.square(y), axis=-1, keepdims=True) + LEAST_SQUARE)


LEAST_SQUARE = 1e-14
"""Beside a vector's: one of zeros stays zero, and has a slope."""


def _at_random(key: PRNGKey, maps: Maps, count: int) -> Float[Array, "batch patches channels"]:
    """Maps `[B, H, W, C]` at `count` of their places, or at all, in any order, the same of each image."""
    every = maps.reshape(maps.shape[0], -1, maps.shape[-1])
    return jnp.take(every, jax.random.permutation(key, every.shape[1])[:count], axis=1)
