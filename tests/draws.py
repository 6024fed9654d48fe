"""Arrays of normal numbers by NumPy: JAX compiles a draw for each shape, which takes longer than many a test."""

import jax.numpy as jnp
import numpy as np


def normals(seed, *shapes):
    """An array of float32 for each shape, all by one seed."""
    draw = np.random.default_rng(seed).standard_normal
    return [jnp.asarray(draw(shape, np.float32)) for shape in shapes]


def normal(seed, *shape):
    """One array of float32."""
    return normals(seed, shape)[0]
