"""What is known of the places of an image, and moves with them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.layers.tokens import grid_of, to_patches
from gan_jax.sizes import Sides, laid
from gan_jax.types import Features, PRNGKey


def carried(move: Callable[[PRNGKey, Array], Array], key: PRNGKey, size: Sides, features: Features) -> Array:
    """Features `[B, n, F]` of images of a size as `move` carries their pixels, float32 `[B, n, F]`.

    Of a patch they are the mean of those of the patches that its pixels come from, weighed by how many, as though the
    features of those that come from nowhere were zero: zeros where all do. Features of whole images (`sizes.laid`)
    stay. Raises ValueError for so many features as do not lie in such images. The key is consumed.
    """
    batch, count, _ = features.shape
    whole, side = laid(count, size)
    features = jnp.asarray(features, jnp.float32)
    if count == whole:
        return features
    rows, columns = grid_of(size, side)
    numbers = jnp.arange(1, rows * columns + 1, dtype=jnp.float32).reshape(rows, columns)  # 0 is nowhere
    of_pixels = numbers.repeat(side, 0).repeat(side, 1)[None, :, :, None]
    origins = to_patches(move(key, jnp.broadcast_to(of_pixels, (batch, *size, 1))), side)
    shares = jnp.mean(jax.nn.one_hot(origins.astype(jnp.int32) - 1, rows * columns), axis=2)
    moved = jnp.einsum("bts,bsf->btf", shares, features[:, whole:])
    return jnp.concatenate([features[:, :whole], moved], axis=1)
