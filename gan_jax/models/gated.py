"""Free-form inpainting by gated convolutions (Yu et al. 2019, arXiv:1806.03589), which learn where to look.

An ordinary convolution treats the pixels of a hole as if they were black ones; a gated one learns, for each place and
feature, how much of what it sees counts: O = ELU(F) · sigmoid(G), of two convolutions F and G (equation 3, and its
authors' code). The generator here is the first of the two stages that are published, and has the widths, the dilated
layers and the padding of that; the second, which paints over what the first has drawn and attends to known patches, is
left out. The discriminator is SN-PatchGAN, whole (section 3.2).

Published are L1 of all that is drawn and a hinge game, each at a weight of 1, steps of 1e-4 with β₁ 0.5 and β₂ 0.999,
and batches of 16.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.residual import doubled
from gan_jax.layers.spectral import SpectralConvolution
from gan_jax.types import Condition, End, Images, Latents, Logits

DILATIONS = (2, 4, 8, 16)
"""Of the published layers between halving and doubling, at a quarter of the image's sides: 64 of 256 pixels."""


class GatedConvolution(nn.Module):
    """`[B, H, W, C] -> [B, ceil(H / stride), ceil(W / stride), features]`: ELU of one convolution, gated by another.

    Taps lie `dilation` pixels apart, for a stride of 1. Both convolutions are one, of twice the features, in `dtype`.
    """

    features: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Maps) -> Maps:
        """Applies the layer."""
        if self.dilation == 1:
            layer: Any = Convolution(
                2 * self.features, self.kernel, self.stride, True, _xavier, self.dtype, name="both"
            )
        else:
            taps, apart = (self.kernel, self.kernel), (self.dilation, self.dilation)
            layer = nn.Conv(
                2 * self.features, taps, kernel_dilation=apart, kernel_init=_xavier, dtype=self.dtype, name="both"
            )
        features, gates = jnp.split(layer(x), 2, axis=-1)
        return checkpoint_name(nn.elu(features) * nn.sigmoid(gates), "block")


class Generator(nn.Module):
    """Images with holes `[B, H, W, C + 1]`, the condition, to images `[B, H, W, channels]` in [-1, 1], float32.

    The condition's last channel says what is known (`tasks.inpainting`); `Composed` keeps that as it is. Images are
    halved twice, looked at with these `dilations`, and doubled twice. `width` counts what the first layer computes,
    half of it gates; the published 48 has 1,631,151 parameters for 3 channels. Latents do nothing.

    The same weights fill images of every size whose sides 4 divides. Computes in `dtype`; parameters are float32.
    Raises ValueError for a condition that is no image, or whose sides 4 does not divide.
    """

    channels: int = 3
    width: int = 48
    dilations: tuple[int, ...] = DILATIONS
    dtype: Any = jnp.float32
    end: End = nn.tanh

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Fills each image."""
        del latents, train
        image = as_image(condition)
        if any(side % 4 for side in image.shape[1:3]):
            raise ValueError(f"images are halved twice, and 4 does not divide both of {list(image.shape[1:3])}")
        layer = lambda name, times, **how: GatedConvolution(
            max(self.width * times // 4, 1), dtype=self.dtype, name=name, **how
        )
        # A channel of ones beside the image, as theirs: layers see where the picture ends.
        x = jnp.concatenate([image, jnp.ones_like(image[..., :1])], axis=-1)
        x = layer("whole", 2, kernel=5)(x)
        for i, times in enumerate((4, 8)):
            x = layer(f"down_{i}", times, stride=2)(x)
            x = layer(f"at_{i}", times)(x)
        x = layer("before", 8)(x)
        for dilation in self.dilations:
            x = layer(f"apart_{dilation}", 8, dilation=dilation)(x)
        for i in range(2):
            x = layer(f"after_{i}", 8)(x)
        x = layer("up_0", 4)(doubled(x))
        x = layer("beside_0", 4)(x)
        x = layer("up_1", 2)(doubled(x))
        x = layer("beside_1", 1)(x)
        pixels = Convolution(self.channels, 3, kernel_init=_xavier, dtype=self.dtype, name="pixels")
        return self.end(pixels(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Images `[B, H, W, C]`, and what of them is known, to logits `[B, h, w, 4 · width]`, float32: SN-PatchGAN.

    `layers` convolutions of 5x5 and stride 2, with kernels of norm 1 and leaky slopes of 0.2; each feature of the last
    at each place is a logit: 4x4 places of 256 pixels. Of the condition it sees the last channel alone, the mask. As
    published, for 3 channels and a mask, it has 5,946,816 parameters.
    """

    width: int = 64
    dtype: Any = jnp.float32
    layers: int = 6

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each place; positive means real."""
        del train
        x: Maps = images
        if condition is not None:
            x = jnp.concatenate([images, as_image(condition)[..., -1:].astype(images.dtype)], axis=-1)
        for i in range(self.layers):
            layer = SpectralConvolution(self.width * min(1 << i, 4), 5, 2, dtype=self.dtype, name=f"down_{i}")
            x = checkpoint_name(nn.leaky_relu(layer(x), 0.2), "block")
        return x.astype(jnp.float32)


_xavier = jax.nn.initializers.xavier_uniform()
