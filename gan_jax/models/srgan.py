"""SRGAN: super-resolution by residual blocks and shuffled pixels (Ledig et al. 2017, arXiv:1609.04802, figure 4).

Images become features at once, and are enlarged at the end, by convolutions that make four pixels of each. The
discriminator halves the image four times, and sees the whole of it at last. It is trained by a content loss (squares,
or what VGG19 sees), and a thousandth of the adversarial one.

The paper names neither momentum nor first weights: the momentum is DCGAN's here, convolutions start at He's scale, and
the slopes of the parametric rectifiers at 1/4, one for each layer (He et al. 2015, arXiv:1502.01852).
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.conditioning import as_image
from gan_jax.layers.convolution import Convolution, Maps
from gan_jax.layers.resampling import doublings, shuffled
from gan_jax.types import Condition, End, Images, Latents, Logits


class Generator(nn.Module):
    """Images `[B, h, w, c]`, the condition, to images `[B, factor · h, factor · w, channels]` in [-1, 1], float32.

    The paper's SRResNet, with an `end` that confines it. The same weights enlarge images of every size. Latents do
    nothing. As published, for images 4 times as large, it has 1,549,462 parameters.

    Computes in `dtype`; parameters are float32. Raises ValueError for a condition that is no image, and for a factor
    that is no power of two.
    """

    channels: int = 3
    factor: int = 4
    width: int = 64
    blocks: int = 16
    dtype: Any = jnp.float32
    end: End = nn.tanh
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Enlarges each image."""
        del latents
        layer = partial(Convolution, kernel_init=_he, dtype=self.dtype)
        normalised = partial(_normalised, train, self.axis_name, self.dtype)
        first = x = self._rectified(layer(self.width, 9, name="image")(as_image(condition)), "image_slope")
        for i in range(self.blocks):
            y = normalised(layer(self.width, 3, name=f"block_{i}_0")(x), f"norm_{i}_0")
            y = layer(self.width, 3, name=f"block_{i}_1")(self._rectified(y, f"slope_{i}"))
            x = checkpoint_name(x + normalised(y, f"norm_{i}_1"), "block")
        x = first + normalised(layer(self.width, 3, name="body")(x), "body_norm")
        for i in range(doublings(self.factor)):
            x = shuffled(layer(4 * self.width, 3, name=f"up_{i}")(x), 2)
            x = checkpoint_name(self._rectified(x, f"up_slope_{i}"), "block")
        return self.end(layer(self.channels, 9, name="pixels")(x).astype(jnp.float32))

    def _rectified(self, x: Maps, name: str) -> Maps:
        return nn.PReLU(negative_slope_init=0.25, name=name)(x)


class Discriminator(nn.Module):
    """Images `[B, H, W, C]` to logits `[B]`, float32, of the whole image.

    Eight convolutions of 3x3, every second of which halves the image, rounding up; then two dense layers. As published
    it does not look at the condition. Of 96x96 pixels and 3 channels it has 23,565,505 parameters, most of them in the
    first dense layer, which has 16 times the width. Weights are of one size of images.

    Computes in `dtype`; parameters are float32.
    """

    width: int = 64
    dtype: Any = jnp.float32
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        del condition
        x: Maps = images
        for i in range(8):
            features, stride = self.width << (i // 2), 1 + i % 2
            x = Convolution(features, 3, stride, kernel_init=_he, dtype=self.dtype, name=f"layer_{i}")(x)
            x = _normalised(train, self.axis_name, self.dtype, x, f"norm_{i}") if i else x
            x = checkpoint_name(nn.leaky_relu(x, 0.2), "block")
        x = nn.Dense(16 * self.width, dtype=self.dtype, name="hidden")(x.reshape(x.shape[0], -1))
        return nn.Dense(1, name="logit")(nn.leaky_relu(x, 0.2).astype(jnp.float32))[:, 0]


_he = nn.initializers.he_normal()


def _normalised(train: bool, axis_name: str | None, dtype: Any, x: Maps, name: str) -> Maps:
    norm = nn.BatchNorm(use_running_average=not train, momentum=0.9, dtype=dtype, axis_name=axis_name, name=name)
    return norm(x)
