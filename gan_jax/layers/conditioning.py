"""How a condition enters a network: beside its latent, or as further channels of its image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.types import Attributes, Condition, Images, Labels, Latents


def join_latent(latents: Latents, condition: Condition, classes: int) -> Latents:
    """Latents `[B, L]` with the condition behind them: nothing, one-hot labels, attributes, or the image's pixels.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2. Labels outside [0, classes) give zeros.
    """
    if condition is None:
        return latents
    if condition.ndim < 4:
        told = one_hot(condition, classes).astype(latents.dtype)
    else:
        told = condition.reshape(len(condition), -1).astype(latents.dtype)
    return jnp.concatenate([latents, told], axis=-1)


def join_image(images: Images, condition: Condition, classes: int) -> Images:
    """Images `[B, H, W, C]` with the condition as further channels: one plane a class or attribute, or another image's.

    The planes of a label are constant, one for its class and zero for the others, and so are those of attributes. An
    image must have the same height and width.
    """
    if condition is None:
        return images
    if condition.ndim < 4:
        planes = one_hot(condition, classes).astype(images.dtype)[:, None, None, :]
        told: Array = jnp.broadcast_to(planes, (*images.shape[:3], planes.shape[-1]))
    else:
        told = condition.astype(images.dtype)
    return jnp.concatenate([images, told], axis=-1)


def one_hot(condition: Labels | Attributes, classes: int) -> Float[Array, "batch classes"]:
    """Labels `[B]` as rows of `classes` numbers, float32; attributes `[B, classes]` as they are.

    Raises ValueError where there are no classes, or other attributes than classes.
    """
    if classes < 1:
        raise ValueError("labels were given to a network that has no classes; build it with classes=N")
    if condition.ndim == 1:
        return jax.nn.one_hot(condition, classes, dtype=jnp.float32)
    if condition.shape[-1] != classes:
        raise ValueError(f"the network was built for {classes} attributes, not {condition.shape[-1]}")
    return condition.astype(jnp.float32)
