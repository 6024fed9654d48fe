"""Scores by nearest neighbours: precision and recall, density and coverage, in blocks of bounded memory."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from gan_jax.metrics.moments import FeatureArray, check_features

BLOCK = 4096
"""Rows and columns of the distances that are held at once."""

Matrix = Float[np.ndarray, "n d"]


def precision_recall(real: FeatureArray, fake: FeatureArray, *, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall of features `[N, D]` and `[M, D]` (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    Precision is the share of fake samples that lie in the ball of some real one, whose radius is the distance to its
    k-th nearest other real sample; recall is the same with the roles changed. The border counts as inside (eq. 1), as
    for torch-fidelity; for prdc it does not. Raises ValueError unless both sets have more than k samples.
    """
    real, fake = _prepared(k, real, fake)
    caught, _ = _inside(fake, real, _squared_radii(real, k))
    recalled, _ = _inside(real, fake, _squared_radii(fake, k))
    return float(np.mean(caught > 0)), float(np.mean(recalled > 0))


def density_coverage(real: FeatureArray, fake: FeatureArray, *, k: int = 5) -> tuple[float, float]:
    """Density and coverage of features `[N, D]` and `[M, D]` (Naeem et al. 2020, arXiv:2002.09797, eq. 3 and 4).

    Density is in how many real samples' k-balls a fake one lies, on average, divided by k: it may exceed 1. Coverage
    is the share of those balls that hold a fake sample. Borders count as inside. Raises ValueError unless both sets
    have more than k samples.
    """
    real, fake = _prepared(k, real, fake)
    balls, points = _inside(fake, real, _squared_radii(real, k))
    return float(np.mean(balls) / k), float(np.mean(points > 0))


def radii(features: FeatureArray, k: int) -> Float[np.ndarray, " n"]:
    """Distance of each sample of `[N, D]` to its k-th nearest other one. Raises ValueError unless N > k."""
    (centred,) = _prepared(k, features)
    return np.sqrt(_squared_radii(centred, k))


def _prepared(k: int, *sets: FeatureArray) -> list[Matrix]:
    """Float32 features about their common mean, where |x|² + |y|² - 2 x·y cancels least."""
    check_features(*sets)
    few = min(map(len, sets))
    if not 1 <= k < few:
        raise ValueError(f"the k-th neighbour, k = {k}, needs k from 1 and more than k samples; one set has {few}")
    centre = np.mean([np.mean(features, axis=0, dtype=np.float64) for features in sets], axis=0)
    return [np.asarray(features - centre[None], np.float32) for features in sets]


def _squared_radii(x: Matrix, k: int) -> Float[np.ndarray, " n"]:
    found = []
    for start, rows in _blocks(x):
        best = jnp.full((len(rows), k), jnp.inf)
        for other, columns in _blocks(x):
            best = _nearest(best, rows, columns, start - other, len(x) - other)
        found.append(np.asarray(best[:, -1]))
    return np.concatenate(found)[: len(x)]


def _inside(
    points: Matrix, centres: Matrix, squared_radii: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    """In how many balls each point lies, and how many points lie in each ball."""
    of_points, of_balls = [], np.zeros(len(centres), int)
    bounds = np.pad(squared_radii, (0, -len(centres) % min(BLOCK, len(centres))), constant_values=-1)
    for start, rows in _blocks(points):
        count = np.zeros(len(rows), int)
        for other, columns in _blocks(centres):
            bound = bounds[other : other + len(columns)]
            balls, hits = _hits(rows, columns, bound, len(points) - start)
            count += np.asarray(balls)
            of_balls[other : other + len(columns)] += np.asarray(hits)[: len(centres) - other]
        of_points.append(count)
    return np.concatenate(of_points)[: len(points)], of_balls


def _blocks(x: Matrix) -> Iterator[tuple[int, Matrix]]:
    """Equal blocks of rows and where they start; the last is filled with zeros, so that one program serves all."""
    size = min(BLOCK, len(x))
    for start in range(0, len(x), size):
        block = x[start : start + size]
        yield start, np.pad(block, ((0, size - len(block)), (0, 0)))


@jax.jit
def _nearest(best: Array, rows: Array, columns: Array, offset: Array, valid: Array) -> Array:
    """The k smallest squared distances of each row so far, ascending, with another block of columns."""
    squared = _squared_distances(rows, columns)
    column = jnp.arange(len(columns))
    itself = jnp.arange(len(rows))[:, None] + offset == column[None, :]
    squared = jnp.where(itself | (column >= valid)[None, :], jnp.inf, squared)
    return -jax.lax.top_k(-jnp.concatenate([best, squared], axis=1), best.shape[1])[0]


@jax.jit
def _hits(points: Array, centres: Array, bounds: Array, valid: Array) -> tuple[Array, Array]:
    inside = _squared_distances(points, centres) <= bounds[None, :]
    inside &= (jnp.arange(len(points)) < valid)[:, None]
    return jnp.sum(inside, axis=1), jnp.sum(inside, axis=0)


def _squared_distances(x: Array, y: Array) -> Array:
    products = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    squares = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(y * y, axis=1)[None, :]
    return jnp.maximum(squares - 2 * products, 0.0)
