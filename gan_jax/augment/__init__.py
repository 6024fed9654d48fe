"""Augmentations that gradients flow through: `(key, images) -> images`, each image with a draw of its own."""

from collections.abc import Callable

from gan_jax.types import Images, PRNGKey

Augment = Callable[[PRNGKey, Images], Images]
"""`(key, images) -> images` of the same shape and dtype, `[B, H, W, C]` in about [-1, 1]; the key is consumed.

The same key makes the same draws, whatever the images: to show real and generated ones the same augmentation is to
clone the key, to show them independent ones is to split it.
"""
