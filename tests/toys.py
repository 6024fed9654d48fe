"""Small GANs that compile in a second or two, for tests of what surrounds them."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gan_jax import GAN, Batch
from gan_jax.layers.conditioning import join_image, join_latent


class Generator(nn.Module):
    """One hidden layer with batch normalisation."""

    classes: int = 0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        x = nn.Dense(16, name="hidden")(join_latent(latents, condition, self.classes))
        norm = nn.BatchNorm(use_running_average=not train, momentum=0.9, axis_name=self.axis_name, name="norm")
        x = nn.relu(norm(x))
        return nn.tanh(nn.Dense(16, name="pixels")(x)).reshape(len(x), 4, 4, 1)


class Discriminator(nn.Module):
    """One hidden layer with batch normalisation and dropout."""

    classes: int = 0
    axis_name: str | None = None

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        x = join_image(images, condition, self.classes).reshape(len(images), -1)
        norm = nn.BatchNorm(use_running_average=not train, momentum=0.9, axis_name=self.axis_name, name="norm")
        x = norm(nn.Dense(16, name="hidden")(x))
        x = nn.Dropout(0.2, deterministic=not train, name="drop")(nn.leaky_relu(x))
        return nn.Dense(1, name="logit")(x)[:, 0]


def make(classes=0, optimizer=None, **rules):
    """A toy GAN for 4x4x1 images; plain SGD unless told otherwise, for exact comparisons."""
    optimizer = optimizer or optax.sgd(0.1)
    return GAN(
        generator=Generator(classes),
        discriminator=Discriminator(classes),
        generator_optimizer=optimizer,
        discriminator_optimizer=optimizer,
        latent_size=8,
        **rules,
    )


def batch(seed=0, size=8, classes=0):
    """Random uint8 images, with labels if there are classes."""
    image_key, label_key = jax.random.split(jax.random.key(seed))
    images = jax.random.randint(image_key, (size, 4, 4, 1), 0, 256).astype(jnp.uint8)
    return Batch(images, jax.random.randint(label_key, (size,), 0, classes) if classes else None)
