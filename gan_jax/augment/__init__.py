"""Augmentations that gradients flow through: `(key, images) -> images`, each image with a draw of its own."""

from collections.abc import Callable

import jax

from gan_jax.types import Images, PRNGKey

Augment = Callable[[PRNGKey, Images], Images]
"""`(key, images) -> images` of the same shape and dtype, `[B, H, W, C]` in about [-1, 1]; the key is consumed.

The same key makes the same draws, whatever the images: to show real and generated ones the same augmentation is to
clone the key, to show them independent ones is to split it.
"""

Draws = Callable[[PRNGKey], tuple[PRNGKey, PRNGKey]]
"""One key to two, for real and for generated images."""


def as_it_is(key: PRNGKey, images: Images) -> Images:
    """No augmentation: the same images."""
    del key
    return images


def independent(key: PRNGKey) -> tuple[PRNGKey, PRNGKey]:
    """Real and generated images are augmented each in their own way."""
    real_key, fake_key = jax.random.split(key)
    return real_key, fake_key


def together(key: PRNGKey) -> tuple[PRNGKey, PRNGKey]:
    """The i-th real and the i-th generated image are augmented in the same way."""
    return key, jax.random.clone(key)
