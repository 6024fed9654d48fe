"""The picture of a generator that is nearest to one that a visitor brings, found in steps that can be watched."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.images import to_float
from gan_jax.latents.projection import Projection, init, make_step, nearest, pyramid, spread
from gan_jax.run.projecting import PRIOR
from gan_jax.show.explore.studio import Point, Studio

STEPS = 300
"""Of gradient descent."""

AT_ONCE = 10
"""Steps between two looks."""

SEEDS = 4
"""Of the samples from the nearest of which it starts."""


class Search(NamedTuple):
    """How far it has come."""

    state: Projection
    told: np.ndarray  # as in `Point`; it stays
    distance: float  # mean squared error of images in [-1, 1], summed over scales

    @property
    def point(self) -> Point:
        """The nearest one by now."""
        at = np.asarray(self.state.points[0])
        return Point(at if at.ndim == 2 else at[None], self.told)


class Finder(NamedTuple):
    """Looks for a picture, uint8 `[H, W, C]` as large as the generator's, of a label."""

    begin: Callable[[np.ndarray, int | None], Search]
    go_on: Callable[[Search, np.ndarray], Search]  # AT_ONCE steps


def finds(studio: Studio) -> bool:
    """Whether pictures can be looked for: of floats, of what is decoded, and of clips nobody has any."""
    data = studio.source.config.data
    return data.kind == "pictures" and not data.floats and studio.source.decode is None


def make_finder(studio: Studio) -> Finder:
    """Builds it; compiled once."""
    space, weights = studio.space, studio.weights
    deviation = 1.0 if space.normal else spread(jnp.stack([point.at[0] for point in studio.samples(0, None)]))
    step = jax.jit(make_step(space.draw, steps=STEPS, deviation=deviation, prior=PRIOR * space.normal))

    def begin(target: np.ndarray, label: int | None) -> Search:
        points = [point for seed in range(SEEDS) for point in studio.samples(seed, label)]
        drawn = to_float(jnp.asarray(studio.draw(points, 1.0)))
        first = points[int(nearest(pyramid, drawn, to_float(jnp.asarray(target[None])))[0])]
        at = first.at if space.layers > 1 else first.at[0]
        return Search(init(jnp.asarray(at[None]), jax.random.key(0)), first.told, float("inf"))

    def go_on(search: Search, target: np.ndarray) -> Search:
        state, wanted = search.state, to_float(jnp.asarray(target[None]))
        condition = jnp.asarray(search.told[None]) if studio.source.labels else None
        for _ in range(AT_ONCE):
            state, far = step(state, weights, wanted, condition)
        return search._replace(state=state, distance=float(far[0]))

    return Finder(begin, go_on)
