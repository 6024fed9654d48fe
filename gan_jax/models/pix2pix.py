"""pix2pix: image-to-image translation by a U-Net, judged patch by patch (Isola et al. 2017, arXiv:1611.07004).

The networks of its appendix 6.1. All kernels are 4x4; weights start at N(0, 0.02²), gains at N(1, 0.02²), and leaky
slopes are 0.2. Widths double up to 8 times the first. As in the authors' code, the coarsest maps are not normalised: of
one image and one pixel nothing would be left.

The paper trains with L1 at a weight of 100 beside the adversarial loss, and normalises test images, too, by their own
batch's statistics (section 3.3): for batches of one image that is a `norm` of "instance". "batch" evaluates with
averaged ones, as everywhere here.
"""

import itertools
from functools import partial
from typing import Any, Literal

import flax.linen as nn
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.conditioning import as_image, join_image
from gan_jax.layers.convolution import Convolution, Maps, TransposedConvolution
from gan_jax.sizes import Size, shown, sides
from gan_jax.types import Condition, End, Images, Latents, Logits

WIDEST = 8
"""Times the width: the most channels of either network."""

DEEPEST = 8
"""Halvings, unless a depth is named: 256 pixels become one."""


class Generator(nn.Module):
    """Images `[B, H, W, c]`, the condition, to images `[B, H, W, channels]` in [-1, 1], float32.

    A U-Net that halves them `depth` times, and joins what it had at each size when it comes back to it. None is as
    often as height and width can be halved, 8 times at most: 256 pixels to 1, and 32 to 1, but 28 to 7. A pixel sees a
    square of 2^(depth + 2) - 2 around itself. With a depth that is named, the same weights translate images of every
    size that can be halved so often.

    Latents do nothing. Noise is dropout of half of the maps' entries, in evaluation too if there is a key, in those of
    the decoder's first three stages that have 8 times the width: networks of depth 4 or less have none. As published,
    for 256 pixels and 3 channels, it has 54,413,955 parameters; the last convolution alone has a bias.

    Computes in `dtype`; parameters are float32. Raises ValueError for a condition that is no image, or that cannot be
    halved so often.
    """

    channels: int = 3
    width: int = 64
    depth: int | None = None
    dtype: Any = jnp.float32
    end: End = nn.tanh
    norm: Literal["batch", "instance"] = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Translates each image."""
        del latents
        x: Maps = as_image(condition)
        depth = halvings(x.shape[1:3], self.depth)
        normalise = partial(_normalise, self.norm, train, self.axis_name)
        layer = {"use_bias": False, "kernel_init": _small, "dtype": self.dtype}
        passed = []
        for i in range(depth):
            x = nn.leaky_relu(x, 0.2) if i else x
            x = Convolution(self.width * _widening(i), 4, 2, **layer, name=f"down_{i}")(x)
            x = checkpoint_name(normalise(x, f"norm_{i}") if 0 < i < depth - 1 else x, "block")
            passed.append(x)
        silent = not train and not self.has_rng("dropout")
        for i in reversed(range(1, depth)):
            x = TransposedConvolution(self.width * _widening(i - 1), 4, 2, **layer, name=f"up_{i}")(nn.relu(x))
            x = normalise(x, f"up_norm_{i}")
            if i >= depth - 3 and _widening(i - 1) == WIDEST:
                x = nn.Dropout(0.5, deterministic=silent, name=f"drop_{i}")(x)
            x = checkpoint_name(jnp.concatenate([x, passed[i - 1]], axis=-1), "block")
        x = TransposedConvolution(self.channels, 4, 2, dtype=self.dtype, name="pixels")(nn.relu(x))
        return self.end(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B, h, w]`, float32, one for each patch of `receptive_field(layers)` pixels.

    PatchGAN: `layers` convolutions that halve, and two that do not; 3 are the paper's, for patches of 70x70. It sees
    the condition beside the images: none, an image of their size, or of the same whole fraction of both sides, whose
    pixels are repeated. h and w are height and width, halved and rounded up so many times: 32x32 for 256 pixels, where
    the authors' padding leaves 30x30. For 3 channels beside 3 it has 2,768,705 parameters, as theirs.

    The first layer is not normalised; a `norm` of "none" leaves it out of the others, too, as gradient penalties ask
    for, and kernels then start at He's scale.
    """

    width: int = 64
    layers: int = 3
    dtype: Any = jnp.float32
    norm: Literal["batch", "instance", "none"] = "batch"
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each patch; positive means real."""
        x: Maps = join_image(images, condition, 0)
        start = _he if self.norm == "none" else _small
        normalise = partial(_normalise, self.norm, train, self.axis_name)
        for i in range(self.layers + 1):
            normed = i > 0 and self.norm != "none"
            features, stride = self.width * _widening(i), 2 if i < self.layers else 1
            x = Convolution(features, 4, stride, not normed, start, self.dtype, name=f"down_{i}")(x)
            x = checkpoint_name(nn.leaky_relu(normalise(x, f"norm_{i}") if normed else x, 0.2), "block")
        return Convolution(1, 4, kernel_init=_small, name="logits")(x.astype(jnp.float32))[..., 0]


def receptive_field(layers: int) -> int:
    """Pixels on a side of what a logit sees: 9 · 2^layers - 2, so 16, 34, 70, 142, 286 for 1 to 5 layers."""
    return 9 * 2**layers - 2


_small = nn.initializers.normal(0.02)
_he = nn.initializers.variance_scaling(2 / (1 + 0.2**2), "fan_in", "normal")


def _widening(stage: int) -> int:
    return min(1 << stage, WIDEST)


def _normalise(norm: str, train: bool, axis_name: str | None, x: Maps, name: str) -> Maps:
    gain = lambda key, shape, dtype=jnp.float32: 1 + _small(key, shape, dtype)
    if norm == "instance":
        return nn.InstanceNorm(epsilon=1e-5, scale_init=gain, dtype=x.dtype, name=name)(x)
    batch = partial(nn.BatchNorm, momentum=0.9, scale_init=gain, dtype=x.dtype, axis_name=axis_name)
    return batch(use_running_average=not train, name=name)(x)


def halvings(size: Size, depth: int | None) -> int:
    """How often images are halved: `depth` times, or as often as they can be. Raises ValueError where they cannot."""
    # Asked of remainders, which are known of sides such as 8 · h, too.
    most = next(k for k in itertools.count() if any(side % (2 << k) != 0 for side in sides(size)))
    wanted = min(max(most, 1), DEEPEST) if depth is None else depth
    if not 1 <= wanted <= most:
        raise ValueError(
            f"a U-Net halves both sides evenly, at least once: images of {shown(size)} pixels at most {most} times, "
            f"not {wanted}; change the depth, or the size"
        )
    return wanted
