"""ESRGAN: super-resolution by residual-in-residual dense blocks (Wang et al. 2018, arXiv:1809.00219, section 3.1).

Images are enlarged where they have become features, by repeated pixels and convolutions, as in the authors' code; the
enlarged input is not added. All kernels of the generator are 3x3, and leaky slopes are 0.2. Those of the dense blocks
start at a tenth of He's scale (supplementary material), the others at U(±1 / √fan-in), PyTorch's default.

The discriminator is that of Real-ESRGAN (Wang et al. 2021, arXiv:2107.10833, section 3.4): a U-Net with kernels of norm
1, which scores every pixel. ESRGAN is trained by L1 alone first, then by L1, a perceptual and a relativistic loss.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.resampling import doublings, interpolate
from gan_jax.layers.residual import doubled
from gan_jax.layers.spectral import SpectralConvolution
from gan_jax.types import Condition, End, Images, Latents, Logits


class Generator(nn.Module):
    """Images `[B, h, w, c]`, the condition, to images `[B, factor · h, factor · w, channels]`, float32.

    Not confined to [-1, 1], unless by an `end`. The same weights enlarge images of every size. Latents do nothing. As
    published, for images 4 times as large, it has 16,697,987 parameters; 2 `blocks` of width 32 and `growth` 16, for
    small images and CPUs, have 398,755.

    Computes in `dtype`; parameters are float32. Raises ValueError for a condition that is no image, and for a factor
    that is no power of two.
    """

    channels: int = 3
    factor: int = 4
    width: int = 64
    blocks: int = 23
    growth: int = 32
    dtype: Any = jnp.float32
    end: End = jax.nn.identity

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Enlarges each image."""
        del latents, train
        image = as_image(condition)
        layer = lambda features, name: Convolution(features, 3, kernel_init=_uniform, dtype=self.dtype, name=name)
        first = x = layer(self.width, "image")(image)
        for i in range(self.blocks):
            x = ResidualDenseBlocks(self.growth, self.dtype, name=f"block_{i}")(x)
        x = first + layer(self.width, "body")(x)
        for i in range(doublings(self.factor)):
            x = checkpoint_name(nn.leaky_relu(layer(self.width, f"up_{i}")(doubled(x)), 0.2), "block")
        x = nn.leaky_relu(layer(self.width, "fine")(x), 0.2)
        return self.end(layer(self.channels, "pixels")(x).astype(jnp.float32))


class ResidualDenseBlocks(nn.Module):
    """x + 0.2 · f₃(f₂(f₁(x))), `[B, H, W, C]` to the same, where each f is a `DenseBlock`: RRDB, figure 4."""

    growth: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        y = x
        for i in range(3):
            y = DenseBlock(self.growth, self.dtype, name=f"dense_{i}")(y)
        return checkpoint_name(x + 0.2 * y, "block")


class DenseBlock(nn.Module):
    """x + 0.2 · g(x), `[B, H, W, C]` to the same: five convolutions, each of which sees x and all before it.

    Four have `growth` channels and a leaky rectifier, the last has C and none.
    """

    growth: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        layer = lambda features, i: Convolution(features, 3, kernel_init=_tenth, dtype=self.dtype, name=f"layer_{i}")
        seen = x
        for i in range(4):
            seen = jnp.concatenate([seen, nn.leaky_relu(layer(self.growth, i)(seen), 0.2)], axis=-1)
        return x + 0.2 * layer(x.shape[-1], 4)(seen)


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B, H, W]`, float32; kernels of norm 1 but at the image and at the logits.

    It halves images `depth` times, and adds what it had at each size when it comes back to it, by bilinear
    interpolation. As published it does not look at the condition. 4,376,897 parameters for 3 channels, and 3 halvings.
    Computes in `dtype`; parameters are float32. Raises ValueError for sides that 2^depth does not divide.
    """

    width: int = 64
    dtype: Any = jnp.float32
    depth: int = 3

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each pixel; positive means real."""
        del condition, train
        height, width = images.shape[1:3]
        if height % (1 << self.depth) or width % (1 << self.depth):
            raise ValueError(
                f"a U-Net of depth {self.depth} halves images with sides that {1 << self.depth} divides, not "
                f"{height}x{width}; lower the depth"
            )

        def layer(x: Maps, features: int, kernel: int, stride: int, name: str) -> Maps:
            made = SpectralConvolution(features, kernel, stride, use_bias=False, dtype=self.dtype, name=name)
            return checkpoint_name(nn.leaky_relu(made(x), 0.2), "block")

        x: Maps = Convolution(self.width, 3, kernel_init=_uniform, dtype=self.dtype, name="image")(images)
        x = nn.leaky_relu(x, 0.2)
        passed = []
        for i in range(self.depth):
            passed.append(x)
            x = layer(x, self.width << (i + 1), 4, 2, f"down_{i}")
        for i in reversed(range(self.depth)):
            x = passed[i] + layer(interpolate(x), self.width << i, 3, 1, f"up_{i}")
        for i in range(2):
            x = layer(x, self.width, 3, 1, f"fine_{i}")
        return Convolution(1, 3, kernel_init=_uniform, name="logits")(x.astype(jnp.float32))[..., 0]


_tenth = nn.initializers.variance_scaling(2 * 0.1**2, "fan_in", "normal")
_uniform = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
