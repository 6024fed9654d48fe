"""The convolutional pair of the introductory article, mended: 28x28 images, no normalisation.

As printed there, the generator's last layer is a convolution of stride 2, so that images end at 7x7: here it is the
transposed one, which ends at 28x28. And as printed, the discriminator is never compiled, is not frozen inside the
combined model, and is shown that model's probabilities in place of images: here each network is updated by its own loss
alone, and the fakes are images.

Training, as there: batches of 64, binary cross-entropy with L_G = -log D(G(z)), Adam at 1e-4 with betas of 0.9 and
0.999 and Keras's epsilon, 1e-7. Two things differ in any run here: images come from a new permutation in each epoch,
not from a uniform choice with replacement, and the generator is trained on new latents, not on those whose images the
discriminator has just seen. (Keras adds its epsilon before Adam's bias correction, optax after it.)
"""

import flax.linen as nn

from gan_jax.layers.conditioning import join_image, join_latent
from gan_jax.layers.convolution import Convolution, TransposedConvolution
from gan_jax.types import Condition, End, Images, Latents, Logits

_glorot = nn.initializers.glorot_uniform()  # Keras's default; its fans of a transposed kernel have the same sum


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 28, 28, channels]` in [-1, 1]: 7x7, 7x7, 14x14, 28x28."""

    channels: int = 1
    width: int = 128
    classes: int = 0
    end: End = nn.tanh

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        del train
        x = join_latent(latents, condition, self.classes)
        x = nn.relu(nn.Dense(7 * 7 * self.width, kernel_init=_glorot, name="project")(x))
        x = x.reshape(-1, 7, 7, self.width)
        for i, stride in enumerate((1, 2), start=1):
            x = TransposedConvolution(self.width, 5, stride, kernel_init=_glorot, name=f"up_{i}")(x)
            x = nn.leaky_relu(x, 0.01)
        return self.end(TransposedConvolution(self.channels, 5, 2, kernel_init=_glorot, name="pixels")(x))


class Discriminator(nn.Module):
    """Images `[B, 28, 28, C]` to logits `[B]`: two strided 5x5 layers with dropout."""

    width: int = 128
    dropout: float = 0.3
    classes: int = 0

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Logits:
        """Scores each image; positive means real."""
        x = join_image(images, condition, self.classes)
        for i in range(2):
            x = nn.leaky_relu(Convolution(self.width, 5, 2, kernel_init=_glorot, name=f"down_{i}")(x), 0.01)
            x = nn.Dropout(self.dropout, deterministic=not train, name=f"drop_{i}")(x)
        return nn.Dense(1, kernel_init=_glorot, name="logit")(x.reshape(x.shape[0], -1))[:, 0]
