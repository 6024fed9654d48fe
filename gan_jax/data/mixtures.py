"""Mixtures of Gaussians in the plane: data whose modes can be seen, and counted, in seconds.

Scaled so that all of it lies well inside [-1, 1]: a point serves as an image of one pixel with two channels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.types import Images, PRNGKey

Points = Float[Array, "batch 2"]


class Mixture(NamedTuple):
    """Equally likely round Gaussians."""

    centres: Float[Array, "modes 2"]
    std: float


def ring(modes: int = 8) -> Mixture:
    """Modes on a circle: radius 2 and deviation 0.02, here times 0.4 (Metz et al. 2017, arXiv:1611.02163, 3.1)."""
    angles = 2 * jnp.pi * jnp.arange(modes) / modes
    return Mixture(0.8 * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1), 0.008)


def grid(side: int = 5) -> Mixture:
    """`side`² modes, 2 apart with deviation 0.05 (Srivastava et al. 2017, arXiv:1705.07761, 4.1), here times 0.2."""
    places = 0.4 * (jnp.arange(side) - (side - 1) / 2)
    return Mixture(jnp.stack(jnp.meshgrid(places, places), axis=-1).reshape(-1, 2), 0.01)


def sample(mixture: Mixture, key: PRNGKey, count: int) -> Points:
    """`[count, 2]` points; the key is consumed."""
    mode_key, place_key = jax.random.split(key)
    modes = jax.random.randint(mode_key, (count,), 0, len(mixture.centres))
    return mixture.centres[modes] + mixture.std * jax.random.normal(place_key, (count, 2))


def as_images(points: Points) -> Images:
    """Points `[B, 2]` as images `[B, 1, 1, 2]`."""
    return points[:, None, None, :]
