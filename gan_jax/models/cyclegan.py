"""CycleGAN: translation between two domains without pairs (Zhu et al. 2017, arXiv:1703.10593).

The generator of its appendix 7.2, after Johnson et al. 2016 (arXiv:1603.08155): two halvings, residual blocks, two
doublings. Kernels start at N(0, 0.02²); normalisation is of each image by itself and has no parameters. The judges are
pix2pix's of 70x70 patches, whose normalisation has gains where the authors' layers have biases.

The paper trains with least squares, cycles at a weight of 10 beside the sum of both adversarial losses, and shows its
judges images out of the last fifty that were made; here they see the newest alone.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Convolution, Maps, ReflectedConvolution, TransposedConvolution
from gan_jax.types import Condition, End, Images, Latents, Logits

HALVINGS = 2
"""Both sides of what the generator is given are multiples of 4."""


class Generator(nn.Module):
    """Images `[B, H, W, c]`, the condition, to images `[B, H, W, channels]` in [-1, 1], float32.

    The same weights translate images of every size whose sides are multiples of 4. Where nothing is halved or doubled,
    borders are mirrored. Latents do nothing.

    In the paper's words c7s1-64, d128, d256, R256 `blocks` times, u128, u64, c7s1-3. Every layer has a bias: at the
    published width, of 3 channels to 3, these are 9,472 + 73,856 + 295,168, then 1,180,160 a block, then 295,040 +
    73,792 + 9,411 parameters: 11,378,179 of 9 blocks, for 256 pixels, and 7,837,699 of 6, for 128.

    Computes in `dtype`; parameters are float32. Raises ValueError for a condition that is no such image.
    """

    channels: int = 3
    width: int = 64
    blocks: int = 9
    dtype: Any = jnp.float32
    end: End = nn.tanh

    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Translates each image."""
        del latents, train
        translated, _ = self.translate(as_image(condition))
        return translated

    @nn.compact
    def translate(self, image: Images) -> tuple[Images, list[Maps]]:
        """Each image translated; and what was seen of it: as it is, each halving before its norm, and each block."""
        if any(side % (1 << HALVINGS) for side in image.shape[1:3]):
            height, width = image.shape[1:3]
            raise ValueError(f"this network halves both sides twice: multiples of 4, not {height}x{width} pixels")
        x = ReflectedConvolution(self.width, 7, dtype=self.dtype, name="image")(image)
        x, seen = _rectified(x, "norm_image"), [image]
        for i in range(HALVINGS):
            seen.append(Convolution(self.width << (i + 1), 3, 2, dtype=self.dtype, name=f"down_{i}")(x))
            x = _rectified(seen[-1], f"norm_down_{i}")
        for i in range(self.blocks):
            x = ResidualBlock(self.dtype, name=f"block_{i}")(x)
            seen.append(x)
        for i in reversed(range(HALVINGS)):
            x = TransposedConvolution(self.width << i, 3, 2, dtype=self.dtype, name=f"up_{i}")(x)
            x = _rectified(x, f"norm_up_{i}")
        x = ReflectedConvolution(self.channels, 7, dtype=self.dtype, name="pixels")(x)
        return self.end(x.astype(jnp.float32)), seen


class ResidualBlock(nn.Module):
    """x + f(x), `[B, H, W, C]` to the same: two convolutions of 3x3, both normalised, the first rectified."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the block."""
        layer = lambda name: ReflectedConvolution(x.shape[-1], 3, dtype=self.dtype, name=name)
        y = nn.relu(_normalised(layer("layer_0")(x), "norm_0"))
        return checkpoint_name(x + _normalised(layer("layer_1")(y), "norm_1"), "block")


class Translators(nn.Module):
    """Two generators as one of pairs: the condition (a, b) becomes (F(b), G(a)), each in its own domain."""

    to_a: nn.Module
    to_b: nn.Module

    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> tuple[Images, Images]:
        """Translates both images of each pair."""
        a, b = condition
        return self.to_a(latents, b, train=train), self.to_b(latents, a, train=train)


class Judges(nn.Module):
    """Two discriminators as one of pairs (a, b): the logits of both, for `losses.each`. They see no condition."""

    of_a: nn.Module
    of_b: nn.Module

    def __call__(
        self, images: tuple[Images, Images], condition: Condition = None, *, train: bool = False
    ) -> tuple[Logits, Logits]:
        """Scores both images of each pair."""
        del condition
        a, b = images
        return self.of_a(a, train=train), self.of_b(b, train=train)


def _rectified(x: Maps, name: str) -> Maps:
    return checkpoint_name(nn.relu(_normalised(x, name)), "block")


def _normalised(x: Maps, name: str) -> Maps:
    return nn.InstanceNorm(epsilon=1e-5, use_bias=False, use_scale=False, dtype=x.dtype, name=name)(x)
