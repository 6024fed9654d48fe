"""Pictures found in a latent space: the points whose pictures are nearest to them.

Karras et al. 2020 (arXiv:1912.04958), appendix D, with features to be named in the place of LPIPS, whose weights are
not at hand, and with noise maps that stay as they are. Points are moved by Adam; noise on them, which falls to nothing,
lets the first steps look around. Where points are normal latents, a prior keeps them at the length that such have.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gan_jax.latents.walks import Points
from gan_jax.types import Condition, Images, PRNGKey, Weights

Vectors = Float[Array, "batch features"]
Features = Callable[[Images], Vectors]
Distances = Float[Array, " batch"]


class Projection(NamedTuple):
    """What the next step needs."""

    points: Points  # [B, D], or [B, layers, D]: moved by each step
    opt_state: optax.OptState
    step: Int[Array, ""]
    key: PRNGKey  # never changes: each step folds its own number in


Step = Callable[[Projection, Weights, Images, Condition], tuple[Projection, Distances]]


def pyramid(images: Images) -> Vectors:
    """Pixels at all scales: of each, down to one pixel on the shorter side, means over squares of 1, 2, 4... pixels.

    Scaled so that the squared distance of two such vectors is the mean squared error, summed over scales: coarse ones
    lead to the place where fine ones can be told apart.
    """
    found = [images]
    while min(found[-1].shape[1:3]) > 1:
        found.append(_halved(found[-1]))
    return jnp.concatenate([_flat(scale) / jnp.sqrt(scale[0].size) for scale in found], axis=1)


def distances(features: Features, images: Images, targets: Images) -> Distances:
    """‖f(x) - f(y)‖² of each image and its target, `[B]`."""
    return jnp.sum(jnp.square(features(images) - features(targets)), axis=1)


def nearest(features: Features, images: Images, targets: Images) -> Int[Array, " batch"]:
    """Which of images `[N, H, W, C]` is nearest to each target `[B, H, W, C]`: a place to start from."""
    ours, wanted = features(images), features(targets)
    # Less |wanted|², which is the same for all.
    return jnp.argmin(jnp.sum(jnp.square(ours), axis=1)[None] - 2 * wanted @ ours.T, axis=1)


def spread(points: Points) -> float:
    """The standard deviation of points `[N, D]`, in the mean of squares over coordinates: the unit of a search."""
    return float(jnp.sqrt(jnp.mean(jnp.var(points, axis=0))))


def init(start: Points, key: PRNGKey) -> Projection:
    """Begins at points `[B, D]`, or at `[B, layers, D]`, whose layers move by themselves. The key is consumed."""
    return Projection(start, _moments.init(start), jnp.zeros((), jnp.int32), key)


def make_step(
    draw: Callable[[Weights, Points, Condition], Images],
    features: Features = pyramid,
    *,
    steps: int,
    deviation: float = 1.0,
    rate: float = 0.1,
    noise: float = 0.05,
    prior: float = 0.0,
) -> Step:
    """Builds `step(projection, weights, targets, condition) -> (projection, distances [B])`, pure; jit it, and loop.

    `draw` is a `Space`'s. Each point goes down ‖f(draw(w + ε)) - f(target)‖² + prior · (‖w‖ / √D - 1)², by steps of
    `rate` · `deviation`, ε normal of `noise` · `deviation` · t². Over so many `steps` t falls from 1 to 0 within the
    first three quarters; the rate rises within the first 20th, and falls by a cosine within the last quarter. The
    distances are of what was drawn, hence of the points that came in, with their noise. `deviation` is that of points.
    """

    def step(
        projection: Projection, weights: Weights, targets: Images, condition: Condition
    ) -> tuple[Projection, Distances]:
        points, opt_state, now, key = projection
        done = now / steps
        strength = noise * deviation * jnp.square(jnp.maximum(0, 1 - done / 0.75))
        around = strength * jax.random.normal(jax.random.fold_in(key, now), points.shape, points.dtype)

        def objective(points: Points) -> tuple[Array, Distances]:
            far = distances(features, draw(weights, points + around, condition), targets)
            return jnp.sum(far) + prior * jnp.sum(jnp.square(_length(points) - 1)), far

        slope, far = jax.grad(objective, has_aux=True)(points)
        moved, opt_state = _moments.update(slope, opt_state)
        pace = rate * deviation * _ramp(done)
        return Projection(points - pace * moved, opt_state, now + 1, key), far

    return step


_moments: Any = optax.scale_by_adam()


def _ramp(done: Array) -> Array:
    """Up within the first 20th, down by a cosine within the last quarter."""
    down = 0.5 - 0.5 * jnp.cos(jnp.pi * jnp.minimum(1, (1 - done) / 0.25))
    return down * jnp.minimum(1, done / 0.05)


def _length(points: Points) -> Array:
    """‖w‖ / √D: about 1 of normal points."""
    return jnp.sqrt(jnp.mean(jnp.square(points), axis=-1) + 1e-12)


def _halved(images: Images) -> Images:
    """Means over squares of 2x2 pixels; what is beyond the last whole square is left out."""
    batch, height, width, channels = images.shape
    whole = images[:, : height // 2 * 2, : width // 2 * 2]
    return jnp.mean(whole.reshape(batch, height // 2, 2, width // 2, 2, channels), axis=(2, 4))


def _flat(images: Images) -> Vectors:
    return images.reshape(len(images), -1)
