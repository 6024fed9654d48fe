"""The convolutional pair of the introductory article, mended.

As printed there, the generator never leaves 7x7, and the discriminator goes on training inside the combined
model. Here the last two 5x5 layers have stride 2, so that 7x7 becomes 28x28; and the step updates each
network by its own loss alone. Images are 28x28.
"""

import flax.linen as nn

from gan_jax.layers.conditioning import join_image, join_latent
from gan_jax.layers.convolution import Convolution, TransposedConvolution
from gan_jax.types import Condition, Images, Latents, Logits

_glorot = nn.initializers.glorot_uniform()  # Keras's default, which the article leaves as it is


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 28, 28, channels]` in [-1, 1]: 7x7x4w, 7x7x2w, 14x14xw, 28x28."""

    channels: int = 1
    width: int = 64
    classes: int = 0

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        norm = lambda name: nn.BatchNorm(use_running_average=not train, momentum=0.9, name=name)
        x = join_latent(latents, condition, self.classes)
        x = nn.Dense(7 * 7 * 4 * self.width, use_bias=False, kernel_init=_glorot, name="project")(x)
        x = nn.leaky_relu(norm("norm_0")(x), 0.3).reshape(len(x), 7, 7, 4 * self.width)
        for i, (features, stride) in enumerate([(2 * self.width, 1), (self.width, 2)], start=1):
            x = TransposedConvolution(features, 5, stride, use_bias=False, kernel_init=_glorot, name=f"up_{i}")(x)
            x = nn.leaky_relu(norm(f"norm_{i}")(x), 0.3)
        x = TransposedConvolution(self.channels, 5, 2, use_bias=False, kernel_init=_glorot, name="pixels")(x)
        return nn.tanh(x)


class Discriminator(nn.Module):
    """Images `[B, 28, 28, C]` to logits `[B]`: two strided 5x5 layers with dropout."""

    width: int = 64
    dropout: float = 0.3
    classes: int = 0

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        x = join_image(images, condition, self.classes)
        for i in range(2):
            x = Convolution(self.width << i, 5, 2, kernel_init=_glorot, name=f"down_{i}")(x)
            x = nn.leaky_relu(x, 0.3)
            x = nn.Dropout(self.dropout, deterministic=not train, name=f"drop_{i}")(x)
        return nn.Dense(1, kernel_init=_glorot, name="logit")(x.reshape(len(x), -1))[:, 0]
