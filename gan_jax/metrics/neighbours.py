"""Nearest neighbours, and scores by them: precision, recall, density and coverage, in blocks of bounded memory."""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from gan_jax.metrics.moments import FeatureArray, centre_of, check_features, check_pair, less

BLOCK = 1024
"""At most so many rows and columns of the distances are held at once; 4,096 took four times as long on two cores."""

NARROW = 32
"""Up to this width, distances are sums of squared differences; beyond it, |x|² + |y|² - 2 x·y, a matrix product."""

RESOLUTION = 32 * float(np.finfo(np.float32).eps)
"""What rounding may leave of that for a sample and its copy, in units of |x|² + |y|²; a few eps were seen."""


class Blocks(NamedTuple):
    """A set of samples about a common centre, on a common scale, in equal blocks so that one program serves all."""

    values: Float[np.ndarray, "blocks size d"]
    squares: Float[np.ndarray, "blocks size"]  # squared lengths; infinite for what fills the last block


Block = tuple[Float[Array | np.ndarray, "size d"], Float[Array | np.ndarray, " size"]]
Reach = Float[np.ndarray, "blocks size"]
"""Squared radii of the balls around samples, borders included; a negative one holds nothing."""


def precision_recall(real: FeatureArray, fake: FeatureArray, *, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall of features `[N, D]` and `[M, D]` (Kynkäänniemi et al. 2019, arXiv:1904.06991).

    Precision is the share of fake samples that lie in the ball of some real one, whose radius is the distance to its
    k-th nearest other real sample; recall is the same with the roles changed. The border counts as inside (eq. 1), as
    for torch-fidelity; for prdc it does not. Raises ValueError unless both sets have more than k samples.
    """
    real_blocks, fake_blocks = _pair(real, fake, k)
    around_fake, _, around_real = _count(real_blocks, fake_blocks, _reach(real_blocks, k), _reach(fake_blocks, k))
    return float(np.mean(around_fake[: len(fake)] > 0)), float(np.mean(around_real[: len(real)] > 0))


def density_coverage(real: FeatureArray, fake: FeatureArray, *, k: int = 5) -> tuple[float, float]:
    """Density and coverage of features `[N, D]` and `[M, D]` (Naeem et al. 2020, arXiv:2002.09797, eq. 3 and 4).

    Density is in how many real samples' k-balls a fake one lies, on average, divided by k: it may exceed 1. Coverage
    is the share of those balls that hold a fake sample. Borders count as inside; for prdc they do not. Raises
    ValueError unless both sets have more than k samples.
    """
    real_blocks, fake_blocks = _pair(real, fake, k)
    no_balls = np.full(fake_blocks.squares.shape, -1, np.float32)
    around_fake, held, _ = _count(real_blocks, fake_blocks, _reach(real_blocks, k), no_balls)
    return float(np.mean(around_fake[: len(fake)]) / k), float(np.mean(held[: len(real)] > 0))


def radii(features: FeatureArray, k: int) -> Float[np.ndarray, " n"]:
    """Distance of each sample of `[N, D]` to its k-th nearest other one. Raises ValueError unless N > k.

    Of more than 32 features, samples closer than a 360th of their distance from the mean are taken for copies. As all
    here, in float32 about the mean; float64 features are moved there first.
    """
    check_features(features)
    _check_k(k, len(features))
    centre = centre_of(features)
    scale = _scale(centre, features)
    return scale * np.sqrt(_reach(_blocks(features, centre, scale), k).ravel()[: len(features)])


def nearest(
    parts: Iterable[FeatureArray], fake: FeatureArray, k: int
) -> tuple[Int[np.ndarray, "m k"], Float[np.ndarray, "m k"]]:
    """Places of the k nearest real samples to each of a few fake ones `[M, D]`, nearest first, and their distances.

    The real ones come in parts `[n, D]`, one of which is held at a time. In float64: only a copy is at distance 0.
    Raises ValueError if there are fewer than k.
    """
    best, places, seen = np.full((len(fake), k), np.inf), np.zeros((len(fake), k), int), 0
    for part in parts:
        squared = np.stack([np.sum(np.square(np.subtract(part, one, dtype=np.float64)), axis=1) for one in fake])
        distances = np.concatenate([best, squared], axis=1)
        numbers = np.concatenate([places, np.broadcast_to(np.arange(seen, seen + len(part)), squared.shape)], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        best, places = np.take_along_axis(distances, order, axis=1), np.take_along_axis(numbers, order, axis=1)
        seen += len(part)
    _check_k(k, seen + 1)
    return places, np.sqrt(best)


def _pair(real: FeatureArray, fake: FeatureArray, k: int) -> tuple[Blocks, Blocks]:
    check_pair(real, fake)
    _check_k(k, min(len(real), len(fake)))
    centre = centre_of(real, fake)
    scale = _scale(centre, real, fake)
    return _blocks(real, centre, scale), _blocks(fake, centre, scale)


def _scale(centre: np.ndarray, *sets: FeatureArray) -> np.float32:
    """The power of two above all distances from the centre along an axis: squares of what it divides are in range."""
    ends = [end for rows in sets for end in (np.asarray(rows.max(axis=0)), np.asarray(rows.min(axis=0)))]
    return np.ldexp(np.float32(1), min(np.frexp(np.max(np.abs(ends - centre[None])))[1], 127))


def _check_k(k: int, few: int) -> None:
    if not 1 <= k < few:
        raise ValueError(f"the k-th neighbour, k = {k}, needs k from 1 and more than k samples; one set has {few}")


def _blocks(rows: FeatureArray, centre: Float[np.ndarray, " d"], scale: np.float32) -> Blocks:
    """About the centre, |x|² + |y|² - 2 x·y cancels least."""
    parts = -(-len(rows) // BLOCK)
    size = -(-len(rows) // parts)
    values = np.zeros((parts * size, rows.shape[1]), np.float32)
    filled = values[: len(rows)]
    less(rows, centre, filled)
    np.divide(filled, scale, out=filled)
    squares = np.full(len(values), np.inf, np.float32)
    squares[: len(rows)] = np.einsum("nd,nd->n", filled, filled, dtype=np.float64)
    return Blocks(values.reshape(parts, size, -1), squares.reshape(parts, size))


def _reach(blocks: Blocks, k: int) -> Reach:
    """Squared distance of each sample to its k-th nearest other one; each pair of blocks is looked at once."""
    parts, size = blocks.squares.shape
    best = [jnp.full((size, k), jnp.inf) for _ in range(parts)]
    for i, rows in enumerate(zip(*blocks, strict=True)):
        rows = jax.device_put(rows)
        best[i] = _nearest_others(best[i], rows)
        for j, columns in enumerate(zip(*blocks, strict=True)):
            if j < i:
                # Waits, or the queue would hold a copy of every block at once.
                best[i], best[j] = jax.block_until_ready(_nearest(best[i], best[j], rows, columns))
    reach = np.stack([np.asarray(nearest[:, -1]) for nearest in best])
    return np.where(np.isfinite(blocks.squares), reach, -1)


def _count(
    rows: Blocks, columns: Blocks, reach_of_rows: Reach, reach_of_columns: Reach
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Rows' balls around each column; columns in each row's ball; columns' balls around each row. Filling included."""
    around_columns = np.zeros(columns.squares.shape, int)
    held, around_rows = np.zeros((2, *rows.squares.shape), int)
    for i, row_block in enumerate(zip(*rows, strict=True)):
        row_block = jax.device_put(row_block)
        for j, column_block in enumerate(zip(*columns, strict=True)):
            counts = jax.device_get(_hits(row_block, column_block, reach_of_rows[i], reach_of_columns[j]))
            around_columns[j] += counts[0]
            held[i] += counts[1]
            around_rows[i] += counts[2]
    return around_columns.ravel(), held.ravel(), around_rows.ravel()


@jax.jit
def _nearest_others(best: Array, rows: Block) -> Array:
    itself = jnp.eye(len(best), dtype=bool)
    return _smallest(best, jnp.where(itself, jnp.inf, _squared_distances(rows, rows)))


@jax.jit
def _nearest(best_of_rows: Array, best_of_columns: Array, rows: Block, columns: Block) -> tuple[Array, Array]:
    squared = _squared_distances(rows, columns)
    return _smallest(best_of_rows, squared), _smallest(best_of_columns, squared.T)


def _smallest(best: Array, squared: Array) -> Array:
    """The k smallest of each row, ascending, of those found so far `[size, k]` and of others."""
    return -jax.lax.top_k(-jnp.concatenate([best, squared], axis=1), best.shape[1])[0]


@jax.jit
def _hits(rows: Block, columns: Block, reach_of_rows: Array, reach_of_columns: Array) -> tuple[Array, Array, Array]:
    squared = _squared_distances(rows, columns)
    in_rows, in_columns = squared <= reach_of_rows[:, None], squared <= reach_of_columns[None, :]
    return jnp.sum(in_rows, axis=0), jnp.sum(in_rows, axis=1), jnp.sum(in_columns, axis=1)


def _squared_distances(rows: Block, columns: Block) -> Float[Array, "size size"]:
    (x, of_x), (y, of_y) = rows, columns
    squares = jnp.add(of_x[:, None], of_y[None, :])
    if x.shape[1] <= NARROW:
        squared = jnp.sum(jnp.square(x[:, None] - y[None]), axis=-1)
        return jnp.where(jnp.isinf(squares), jnp.inf, squared)
    squared = squares - 2 * jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.where(squared < RESOLUTION * squares, 0, squared)
