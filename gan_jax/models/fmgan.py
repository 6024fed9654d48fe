"""The perceptrons that Salimans et al. 2016 (arXiv:1606.03498) classify MNIST with by few labels.

Section 5 makes the discriminator the classifier: real is whatever is of a class. The paper tells of five hidden layers,
weight normalisation (arXiv:1602.07868) and noise on every layer's output; widths, and how strong the noise is, follow
the configuration that its authors published. Train the two with `losses.few_labels`. Not as theirs: latents are normal,
theirs uniform, and scales of normalised weights are learnt from a constant on, theirs from what a first batch needs.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.sizes import Size, sides
from gan_jax.types import Condition, End, Images, Latents


class Answer(NamedTuple):
    """What the discriminator says of a batch, and of the labelled images that it was told with it."""

    logits: Float[Array, "batch classes"]  # the log of their summed exponentials says real or fake, positive means real
    features: Float[Array, "batch features"]  # of the last hidden layer
    likelihood: Float[Array, " batch"]  # log P(label | labelled image), at most 0


class Generator(nn.Module):
    """Two layers of softplus units with batch normalisation: latents `[B, L]` to images `[B, H, W, channels]`.

    Images are in [-1, 1]; the paper's are in [0, 1], of a sigmoid. Told anything, it does not listen.
    """

    size: Size
    channels: int = 1
    width: int = 500
    end: End = nn.tanh
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents: Latents, condition: Condition = None, *, train: bool = False) -> Images:
        """Draws one image for each latent."""
        del condition
        height, width = sides(self.size)
        x = latents
        for i in range(2):
            x = nn.Dense(self.width, use_bias=False, name=f"hidden_{i}")(x)
            x = nn.BatchNorm(not train, momentum=0.9, axis_name=self.axis_name, name=f"norm_{i}")(x)
            x = nn.softplus(x)
        x = self.end(nn.WeightNorm(nn.Dense(height * width * self.channels, name="pixels"), name="normalised")(x))
        return x.reshape(-1, height, width, self.channels)


class Discriminator(nn.Module):
    """A classifier of images `[B, H, W, C]` that is told labelled ones beside them: their `Answer`.

    The condition is labelled images `[B, H, W, C]` and their labels `[B]`; without one the likelihoods are 0.
    """

    classes: int
    width: int = 1000

    @nn.compact
    def __call__(self, images: Images, condition: Condition = None, *, train: bool = False) -> Answer:
        """Classifies each image, and each labelled one, with noise of its own."""
        classifier = Classifier(self.classes, self.width, name="classifier")
        logits, features = classifier(images, train=train)
        if condition is None:
            return Answer(logits, features, jnp.zeros(len(images)))
        labelled, labels = condition
        likelihoods = jax.nn.log_softmax(classifier(labelled, train=train)[0])
        told = jax.nn.one_hot(labels, self.classes, dtype=likelihoods.dtype)
        return Answer(logits, features, jnp.sum(likelihoods * told, axis=-1))


class Classifier(nn.Module):
    """Five layers of rectified linear units: images `[B, H, W, C]` to logits `[B, classes]` and features `[B, F]`.

    `width` counts the units of the first layer; then there are half as many, and thrice a quarter. In training, noise
    is added to the pixels, of deviation 0.6 in [-1, 1], and to each hidden layer, of 0.5.
    """

    classes: int
    width: int = 1000

    @nn.compact
    def __call__(
        self, images: Images, *, train: bool = False
    ) -> tuple[Float[Array, "batch classes"], Float[Array, "batch features"]]:
        """Classifies each image."""
        x = self._noisy(1 + images.reshape(len(images), -1), 0.6, train)  # black is 0, as theirs
        hidden = x
        for i, part in enumerate((1, 2, 4, 4, 4)):
            layer = nn.Dense(self.width // part, name=f"hidden_{i}")
            # Unit rows halve what they sum in rectified units; a scale that could be learnt grows without end.
            hidden = nn.relu(nn.WeightNorm(layer, use_scale=False, name=f"normalised_{i}")(2**0.5 * x))
            x = self._noisy(hidden, 0.5, train)
        return nn.WeightNorm(nn.Dense(self.classes, name="logits"), name="normalised_logits")(x), hidden

    def _noisy(self, x: Array, deviation: float, train: bool) -> Array:
        return x + deviation * jax.random.normal(self.make_rng("noise"), x.shape, x.dtype) if train else x
