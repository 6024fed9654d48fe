"""The order of the data: which images make the batch of a step, and which way round, as a function of (seed, step)."""

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gan_jax.data.held_out import Chosen
from gan_jax.errors import DataError
from gan_jax.sizes import Sides, laid
from gan_jax.types import Source, Taught

Order = Callable[..., np.ndarray]
"""`(step, *, count, batch_size, seed) -> indices [batch_size]`, in `[0, count)`."""


def batch_indices(step: int, *, count: int, batch_size: int, seed: int) -> np.ndarray:
    """Indices `[batch_size]` of the images of batch `step`, counted from 0.

    Each epoch is a new permutation of all images, from (seed, epoch) alone; images that do not fill the last
    batch of an epoch are left out of it. Raises DataError if there are fewer images than a batch needs.

    The order of an epoch is held in 4 bytes an image (2 of up to 65,535), those of two epochs at once. Of 100 million
    images that is 800 MB, a fraction of what their names take: a cipher, which needs none, would save nobody.
    """
    if count < batch_size:
        raise DataError(f"{count} images do not fill one batch of {batch_size}; lower --batch-size or add images")
    epoch, place = divmod(step, count // batch_size)
    with _one_at_a_time:  # threads that come to a new epoch together
        order = _permutation(seed, epoch, count)
    return order[place * batch_size : (place + 1) * batch_size].astype(np.int64)


def endless_indices(step: int, *, count: int, batch_size: int, seed: int) -> np.ndarray:
    """The same of images that may be fewer than a batch: each goes on in the permutations where the last one ended.

    None is left out. An epoch's permutation is another than that of `batch_indices`, and held by nobody.
    """
    first = step * batch_size // count
    last = ((step + 1) * batch_size - 1) // count
    orders = [_shuffled(seed + _ENDLESS, epoch, count) for epoch in range(first, last + 1)]
    start = step * batch_size - first * count
    return np.concatenate(orders)[start : start + batch_size].astype(np.int64)


def read_batch(
    images: Source,
    labels: np.ndarray | None,
    step: int,
    *,
    batch_size: int,
    seed: int,
    features: Source | None = None,
    stacked: int = 1,
    flip: bool = False,
    share: slice = slice(None),
    order: Order = batch_indices,
) -> tuple[np.ndarray, Any]:
    """Those of images `[N, H, W, C]` and labels `[N]` that training step `step` sees, `[batch_size, ...]`.

    With `stacked` > 1, that many batches on a leading axis. Where there are a teacher's `features` `[N, n, F]`, what
    is told is `Taught` both.

    With `flip`, each image is mirrored with probability 1/2, anew every time that it is seen, and with it the features
    of its patches; those of whole images stay.

    Of several hosts that read one batch, each reads the rows in its `share` alone: whatever is drawn is drawn for the
    whole batch, so that their rows side by side are the batch that one host would read.

    Which images make a batch is `order`'s to say.
    """
    numbers = range(step * stacked, (step + 1) * stacked)
    rows = [order(number, count=len(images), batch_size=batch_size, seed=seed)[share] for number in numbers]
    seen = [images[row] for row in rows]
    said = [] if features is None else [features[row] for row in rows]
    if flip:
        turns = [turned(number, batch_size=batch_size, seed=seed)[share] for number in numbers]
        size = (images.shape[1], images.shape[2])
        seen = [mirrored(batch, turn) for batch, turn in zip(seen, turns, strict=True)]
        said = [mirrored_features(batch, turn, size) for batch, turn in zip(said, turns, strict=bool(said))]
    join = np.stack if stacked > 1 else lambda batches: batches[0]
    told = None if labels is None else join([labels[row] for row in rows])
    return join(seen), Taught(told, join(said)) if said else told


def read_beside_labelled(
    images: Source, labels: np.ndarray, step: int, **of_both: Any
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """A batch of images whose labels nobody sees, and beside it as many labelled ones, with their labels.

    Of labels `[N]` those below 0 are hidden, so that the few images that have others come again and again. `of_both`
    are settings of `read_batch`.
    """
    known = np.flatnonzero(labels >= 0)
    unlabelled, _ = read_batch(images, None, step, **of_both)
    labelled, told = read_batch(Chosen(images, known), labels[known], step, **of_both, order=endless_indices)
    assert told is not None
    return unlabelled, (labelled, told)


def turned(step: int, *, batch_size: int, seed: int) -> np.ndarray:
    """Which images of batch `step` are mirrored, bool `[batch_size]`: each with probability 1/2, from (seed, step)."""
    chance = np.random.Generator(np.random.Philox(key=[seed + 2**32, step]))  # the permutations' keys are below 2**32
    return chance.random(batch_size) < 0.5


def mirrored(images: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Images `[B, H, W, C]`, those whose `turn` `[B]` is true left to right."""
    return np.where(turn[:, None, None, None], images[:, :, ::-1], images)


def mirrored_features(features: np.ndarray, turn: np.ndarray, size: Sides) -> np.ndarray:
    """Features `[B, n, F]` of images of a size, as `mirrored` leaves those: what is said of whole images stays."""
    whole, side = laid(features.shape[1], size)
    if features.shape[1] == whole:
        return features
    grid = features[:, whole:].reshape(len(features), size[0] // side, size[1] // side, -1)
    return np.concatenate([features[:, :whole], mirrored(grid, turn).reshape(len(features), -1, grid.shape[-1])], 1)


_one_at_a_time = threading.Lock()

_ENDLESS = 2**35
"""Seeds are below 2**32: no key of a permutation is another's."""


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    return _shuffled(seed, epoch, count)


def _shuffled(seed: int, epoch: int, count: int) -> np.ndarray:
    order = np.arange(count, dtype=np.min_scalar_type(count))
    np.random.Generator(np.random.Philox(key=[seed, epoch])).shuffle(order)
    return order
