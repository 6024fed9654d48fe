"""A generator that is drawn from point by point: what a visitor may ask of it, from points to pictures.

A picture is of a point in the space of the generator (`latents/spaces.py`), and of a label, or of some of one and some
of another. A film strip is a picture, too.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gan_jax.errors import RunError
from gan_jax.latents.directions import Directions, along, by_covariance, by_jacobian
from gan_jax.latents.spaces import Space, space_of
from gan_jax.latents.walks import lerp
from gan_jax.run.latents import one_hot
from gan_jax.run.media import Medium, medium_of
from gan_jax.run.sampling import Source, labels_in_turn_or_by_frequency, latents_by_index, styled
from gan_jax.types import Bytes, Images, Scalar, Weights

MOST = 64
"""Samples that are shown at once."""

PART = 16
"""Pictures that one program draws, where there are several of them: each other number would have one compiled."""

DIRECTIONS = 8
"""In which pictures change most: as many as there are sliders, or as the space has."""

LEVELS = ("coarse", "middle", "fine")
"""A third each of the layers that are told a style of their own."""


class Point(NamedTuple):
    """What a picture is drawn of."""

    at: np.ndarray  # float32 [layers, D]: a point for each layer that is told one; of most generators one
    told: np.ndarray  # float32 [classes]: one-hot of a label, shares of several; [0] where the generator is told none


class Studio(NamedTuple):
    """A generator, opened. Programs are compiled when they are first needed, once for all visitors."""

    source: Source
    space: Space
    weights: Weights
    samples: Callable[[int, int | None], list[Point]]
    """`MOST` of them, of a seed, the i-th as `gan-jax sample` has it; of one label, or of None all in turn."""
    draw: Callable[[Sequence[Point], float], np.ndarray]
    """Pictures uint8 `[N, H, W, 1 or 3]` of points that truncation draws to the centre, 1 not at all. Raises RunError
    if an image is not finite."""
    directions: Callable[[], Directions]  # found when they are first asked for


def open_studio(source: Source) -> Studio:
    """Opens a generator of pictures or clips."""
    bare = styled(source.config, len(source.notes["classes"]), {})
    space, weights = space_of(bare), source.weights()
    samples = _sampler(source, space, weights)
    directions = cache(lambda: _directions(space, weights, samples, told=bool(source.labels)))
    return Studio(source, space, weights, samples, _drawer(source, space, weights), directions)


def _sampler(source: Source, space: Space, weights: Weights) -> Callable[[int, int | None], list[Point]]:
    map = jax.jit(space.map)

    def samples(seed: int, label: int | None) -> list[Point]:
        key = jax.random.key(seed)
        labels = labels_in_turn_or_by_frequency(source.config, key, source.counts, MOST)
        if label is not None and labels is not None:
            labels = jnp.full_like(labels, label)
        points = np.asarray(map(weights, latents_by_index(source.gan, key, MOST), labels))
        told = np.zeros((MOST, 0)) if labels is None else np.asarray(one_hot(labels.tolist(), len(source.labels)))
        return [Point(np.tile(at, (space.layers, 1)), own) for at, own in zip(points, told, strict=True)]

    return samples


def _drawer(source: Source, space: Space, weights: Weights) -> Callable[[Sequence[Point], float], np.ndarray]:
    medium = medium_of(source.config, source.notes.get("alphabet", ""), source.decode)

    @jax.jit
    def part(weights: Weights, at: Array, told: Array, truncation: Scalar) -> tuple[Images | Bytes, Array]:
        condition = told if source.labels else None
        centre = space.centre(weights, jnp.zeros((len(at), source.gan.latent_size)), condition)
        points = lerp(jnp.broadcast_to(centre[:, None], at.shape), at, truncation)
        images = space.draw(weights, points if space.layers > 1 else points[:, 0], condition)
        return medium.kept(images), jnp.all(jnp.isfinite(images))

    def draw(points: Sequence[Point], truncation: float) -> np.ndarray:
        size = 1 if len(points) == 1 else PART
        filled = [*points, *[points[0]] * (-len(points) % size)]
        at, told = (np.stack(them) for them in zip(*filled, strict=True))
        parts = [part(weights, at[k : k + size], told[k : k + size], truncation) for k in range(0, len(filled), size)]
        if not all(finite for _, finite in parts):
            raise RunError("the generator draws images that are not finite; an earlier checkpoint may do better")
        return _pictures(medium, np.concatenate([np.asarray(images) for images, _ in parts])[: len(points)])

    return draw


def _pictures(medium: Medium, images: np.ndarray) -> np.ndarray:
    """What a person is shown; clips `[N, T, H, W, C]` as film strips, their frames from left to right."""
    shown = np.asarray(medium.look(images))
    return shown if shown.ndim == 4 else np.concatenate(list(np.moveaxis(shown, 1, 0)), axis=2)


def _directions(
    space: Space, weights: Weights, samples: Callable[[int, int | None], list[Point]], *, told: bool
) -> Directions:
    """Of styles their principal components; of normal latents, which have none, those that change pixels most."""
    points = samples(0, None)
    at = jnp.asarray(np.stack([point.at[0] for point in points]))
    count = min(DIRECTIONS, at.shape[1])
    if not space.normal:
        more = [point.at[0] for seed in range(1, 16) for point in samples(seed, None)]
        return by_covariance(jnp.concatenate([at, jnp.stack(more)]), count)
    condition = jnp.stack([point.told for point in points[:SEEN]]) if told else None
    draw = lambda some, weights, condition: space.draw(weights, some, condition)
    found = by_jacobian(draw, at[:SEEN], count, weights, condition, iterations=ITERATIONS, more=2)
    return found._replace(deviations=jnp.ones(count))


SEEN, ITERATIONS = 4, 4
"""Samples at which the generator is differentiated, and how often: few, for a visitor waits."""


def moved(directions: Directions, point: Point, amounts: Sequence[float]) -> Point:
    """A point so many deviations along each direction, at all layers."""
    steps = jnp.tile(jnp.array(amounts), (len(point.at), 1))
    return point._replace(at=np.asarray(along(directions, jnp.asarray(point.at), steps)))


def on_the_way(studio: Studio, points: Sequence[Point], place: float) -> Point:
    """The point at a place of the way through some points, from 0 for the first; labels mix."""
    start = min(int(place), len(points) - 2)
    a, b, share = points[start], points[start + 1], place - start
    at = studio.space.between(jnp.asarray(a.at), jnp.asarray(b.at), share)
    return Point(np.asarray(at), (1 - share) * a.told + share * b.told)


def with_styles_of(own: Point, other: Point, level: str) -> Point:
    """A picture with the styles of another at one of the `LEVELS`: Karras et al. 2019 (arXiv:1812.04948, 3.1)."""
    layers, third = len(own.at), LEVELS.index(level)
    start, end = (round(layers * k / len(LEVELS)) for k in (third, third + 1))
    theirs = (np.arange(layers) >= start) & (np.arange(layers) < end)
    return own._replace(at=np.where(theirs[:, None], other.at, own.at))
