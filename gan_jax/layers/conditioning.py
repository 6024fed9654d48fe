"""How a condition enters a network: beside its latent, as further channels of its image, or as what it translates."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.types import Condition, Features, Images, Latents, Taught


def join_latent(latents: Latents, condition: Condition, classes: int) -> Latents:
    """Latents `[B, L]` with the condition behind them: nothing, one-hot labels, attributes, or the image's pixels.

    Mirza & Osindero 2014 (arXiv:1411.1784), section 3.2. Wrong labels are NaN, or a ValueError, as `as_vectors` has it.
    """
    if condition is not None and condition.ndim == 4:
        vectors: Array | None = condition.reshape(condition.shape[0], -1)
    else:
        vectors = as_vectors(condition, classes)
    return latents if vectors is None else jnp.concatenate([latents, vectors.astype(latents.dtype)], axis=-1)


def join_image(images: Images, condition: Condition, classes: int) -> Images:
    """Images `[B, H, W, C]` with the condition as further channels: one plane a class or attribute, or another image's.

    The planes of a label are constant, one for its class and zero for the others, and so are those of attributes. Of a
    smaller image, height and width of which are the same whole fraction of the images', every pixel is repeated.
    Raises ValueError for an image of another size, and as `as_vectors` does.
    """
    if condition is not None and condition.ndim == 4:
        return jnp.concatenate([images, _enlarged(condition, images.shape[1:3]).astype(images.dtype)], axis=-1)
    vectors = as_vectors(condition, classes)
    if vectors is None:
        return images
    planes = jnp.broadcast_to(vectors.astype(images.dtype)[:, None, None, :], (*images.shape[:3], classes))
    return jnp.concatenate([images, planes], axis=-1)


def parted(condition: Condition) -> tuple[Condition, Features | None]:
    """What a network is told, and what a teacher says of the same images, or None where the condition has nothing."""
    return condition if isinstance(condition, Taught) else (condition, None)


def as_image(condition: Condition) -> Images:
    """The image `[B, H, W, C]` that a network translates. Raises ValueError where the condition is none."""
    if condition is None or condition.ndim != 4:
        given = "nothing" if condition is None else f"an array of {list(condition.shape)}"
        raise ValueError(f"this network translates an image [B, H, W, C], its condition; it was given {given}")
    return condition


def as_vectors(condition: Condition, classes: int) -> Float[Array, "batch classes"] | None:
    """What a network of so many classes is told: labels `[B]` as one-hot rows, attributes `[B, classes]` as they are.

    float32; None for a network of no classes that is told nothing. Raises ValueError where a network of classes is told
    nothing or anything else, and where one of none is told labels. Labels that are none of the classes are a
    ValueError, too, but in a compiled program, where nobody can look at them: there their rows are NaN, and so is what
    is made of them.
    """
    if condition is None:
        if classes:
            raise ValueError(f"this network was built for {classes} classes and needs a label for every image")
        return None
    if condition.ndim > 2:
        shape = list(condition.shape)
        raise ValueError(f"this network is told labels [B] or attributes [B, K], not an array of {shape}")
    if classes < 1:
        raise ValueError("labels were given to a network that has no classes; build it with classes=N")
    if condition.ndim == 1:
        if not jnp.issubdtype(condition.dtype, jnp.integer):
            raise ValueError(f"labels are whole numbers [B], not {condition.dtype}; attributes are [B, K]")
        _require_known(condition, classes)
        labels = condition.astype(jnp.int32)  # of a narrow type, the number of classes may be too large
        known = (labels >= 0) & (labels < classes)
        return jnp.where(known[:, None], jax.nn.one_hot(labels, classes, dtype=jnp.float32), jnp.nan)
    if condition.shape[-1] == 1 != classes:
        raise ValueError(f"labels are [B], and attributes [B, {classes}], not [B, 1]; squeeze them")
    if condition.shape[-1] != classes:
        raise ValueError(f"the network was built for {classes} attributes, not {condition.shape[-1]}")
    return condition.astype(jnp.float32)


def _require_known(labels: Array, classes: int) -> None:
    if isinstance(labels, jax.core.Tracer):
        return
    known = np.asarray(labels)
    if (wrong := known[(known < 0) | (known >= classes)]).size:
        raise ValueError(f"labels of {classes} classes are 0 to {classes - 1}, not {wrong[0]}")


def _enlarged(image: Images, size: tuple[int, ...]) -> Images:
    """The image at that size, every pixel as often as it takes."""
    (height, width), (rows, columns) = size, image.shape[1:3]
    times = height // rows
    if (rows * times, columns * times) != (height, width):
        raise ValueError(
            f"a condition of {rows}x{columns} pixels does not fit images of {height}x{width}: it has their height and "
            "width, or the same whole fraction of both"
        )
    return image if times == 1 else image.repeat(times, axis=1).repeat(times, axis=2)
