"""Style mixing: the coarse features of one picture, and the fine ones of another."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.latents.walks import Points

Layers = Float[Array, "batch layers features"]


def mixed(coarse: Points, fine: Points, layers: int, first: int) -> Layers:
    """Points `[B, D]` twice, of which the first `first` layers are told the one, the others the other.

    `[B, layers, D]`, for a space of so many layers: `fine` alone at 0, `coarse` alone at `layers`. Karras et al. 2019
    (arXiv:1812.04948, section 3.1). Of StyleGAN2's layers the first is that of 4x4 pixels, two are of every further
    size, and the last is the image's: the first three, up to 8x8, are pose and shape, in the paper; two more, details.
    """
    own = jnp.arange(layers)[None, :, None] < first
    return jnp.where(own, coarse[:, None], fine[:, None])


def crossed(rows: Points, columns: Points, layers: int, first: int) -> Layers:
    """Every row's point mixed with every column's, row by row: `[R · C, layers, D]`.

    The first `first` layers are told the row's, the others the column's.
    """
    down, across = len(rows), len(columns)
    coarse = jnp.repeat(rows, across, axis=0)
    return mixed(coarse, jnp.tile(columns, (down, 1)), layers, first)
