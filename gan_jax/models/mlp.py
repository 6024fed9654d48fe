"""The original GAN: fully connected networks (Goodfellow et al. 2014, arXiv:1406.2661, section 5).

Widths, pieces and dropout follow the MNIST configuration that the authors published for pylearn2. Their
generator ends in a sigmoid; ours in tanh, since images here are in [-1, 1].
"""

import flax.linen as nn
import jax.numpy as jnp

from gan_jax.layers.conditioning import join_image, join_latent
from gan_jax.sizes import Size, sides
from gan_jax.types import Condition, End, Images, Latents, Logits


class Generator(nn.Module):
    """Two layers of rectified linear units: latents `[B, L]` to images `[B, H, W, channels]` in [-1, 1].

    `size` is the side of a square, or (H, W).
    """

    size: Size
    channels: int = 1
    width: int = 1200
    classes: int = 0
    end: End = nn.tanh

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        del train
        height, width = sides(self.size)
        x = join_latent(latents, condition, self.classes)
        x = nn.relu(nn.Dense(self.width, name="hidden_0")(x))
        x = nn.relu(nn.Dense(self.width, name="hidden_1")(x))
        x = self.end(nn.Dense(height * width * self.channels, name="pixels")(x))
        return x.reshape(-1, height, width, self.channels)


class Discriminator(nn.Module):
    """Two layers of maxout units with dropout: images `[B, H, W, C]` to logits `[B]`."""

    width: int = 240
    pieces: int = 5
    dropout: float = 0.5
    classes: int = 0

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        x = join_image(images, condition, self.classes).reshape(images.shape[0], -1)
        x = nn.Dropout(0.4 * self.dropout, deterministic=not train, name="drop_pixels")(x)
        for i in range(2):
            x = nn.Dense(self.width * self.pieces, name=f"maxout_{i}")(x)
            x = jnp.max(x.reshape(-1, self.width, self.pieces), axis=-1)
            x = nn.Dropout(self.dropout, deterministic=not train, name=f"drop_{i}")(x)
        return nn.Dense(1, name="logit")(x)[:, 0]
