"""How a condition enters a network: beside its latent, or as further channels of its image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.types import Condition, Images, Latents


def join_latent(latents: Latents, condition: Condition, classes: int) -> Latents:
    """Latents `[B, L]` with the condition behind them: nothing, one-hot labels, or the image's pixels.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2. Labels outside [0, classes) give zeros.
    """
    if condition is None:
        return latents
    if condition.ndim == 1:
        told = jax.nn.one_hot(condition, _some(classes), dtype=latents.dtype)
    else:
        told = condition.reshape(len(condition), -1).astype(latents.dtype)
    return jnp.concatenate([latents, told], axis=-1)


def join_image(images: Images, condition: Condition, classes: int) -> Images:
    """Images `[B, H, W, C]` with the condition as further channels: one plane a class, or the other image's.

    The planes of a label are constant, one for its class and zero for the others. An image must have the
    same height and width.
    """
    if condition is None:
        return images
    if condition.ndim == 1:
        planes = jax.nn.one_hot(condition, _some(classes), dtype=images.dtype)[:, None, None, :]
        told: Array = jnp.broadcast_to(planes, (*images.shape[:3], classes))
    else:
        told = condition.astype(images.dtype)
    return jnp.concatenate([images, told], axis=-1)


def _some(classes: int) -> int:
    if classes < 1:
        raise ValueError("labels were given to a network that has no classes; build it with classes=N")
    return classes
