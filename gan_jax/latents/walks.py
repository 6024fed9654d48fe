"""Ways between points of a latent space, straight or round."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

Points = Float[Array, "*batch features"]
Between = Callable[[Points, Points, Float[Array, "*batch"] | float], Points]
"""`(a, b, t)`: the point at a share t of the way from a to b; a at 0, b at 1."""


def lerp(a: Points, b: Points, t: Float[Array, "*batch"] | float) -> Points:
    """On the straight line, a + t (b - a): `[..., D]`. `t` is one number, or one for each point, `[...]`."""
    return a + _for_each(t, a) * (b - a)


def slerp(a: Points, b: Points, t: Float[Array, "*batch"] | float) -> Points:
    """On the great circle, (sin((1 - t) θ) a + sin(t θ) b) / sin θ, θ the angle between them: `[..., D]`.

    Shoemake 1985 (SIGGRAPH, p. 245), for unit vectors. Normal latents lie near a sphere, which straight lines leave
    (White 2016, arXiv:1609.04468, section 2.1). Points in one direction are taken for such as are a 700th of a radian
    apart; between opposite ones there is no one circle. `t` is one number, or one for each point, `[...]`.
    """
    norm = lambda x: jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-20)
    cosine = jnp.sum(a / norm(a) * (b / norm(b)), axis=-1, keepdims=True)
    angle, t = jnp.arccos(jnp.clip(cosine, -1 + 1e-6, 1 - 1e-6)), _for_each(t, a)
    return (jnp.sin((1 - t) * angle) * a + jnp.sin(t * angle) * b) / jnp.sin(angle)


def loop(points: Points, frames: int, between: Between = slerp) -> Points:
    """A closed walk through points `[N, D]` from the first, in equal shares of each stretch: `[frames, D]`.

    After the last frame the first follows. Raises ValueError for fewer frames than points.
    """
    count = len(points)
    if frames < count:
        raise ValueError(f"a walk through {count} points has as many frames or more, not {frames}")
    place = jnp.arange(frames) * count / frames
    start = place.astype(int)
    return between(points[start], points[(start + 1) % count], place - start)


def _for_each(t: Float[Array, "*batch"] | float, points: Points) -> Array:
    """Shares as they multiply points: of as many axes."""
    shares = jnp.asarray(t, points.dtype)
    return shares.reshape((1,) * (points.ndim - 1 - shares.ndim) + (*shares.shape, 1))
