"""The order of the data: which images make the batch of a step, as a pure function of (seed, step)."""

from functools import lru_cache

import numpy as np

from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError


def batch_indices(step: int, *, count: int, batch_size: int, seed: int) -> np.ndarray:
    """Indices `[batch_size]` of the images of batch `step`, counted from 0.

    Each epoch is a new permutation of all images, from (seed, epoch) alone; images that do not fill the last
    batch of an epoch are left out of it. Raises DataError if there are fewer images than a batch needs.
    """
    if count < batch_size:
        raise DataError(f"{count} images do not fill one batch of {batch_size}; lower --batch-size or add images")
    epoch, place = divmod(step, count // batch_size)
    return _permutation(seed, epoch, count)[place * batch_size : (place + 1) * batch_size]


def read_batch(
    dataset: Dataset, step: int, *, batch_size: int, seed: int, stacked: int = 1
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels of training step `step`; with `stacked` > 1, that many batches on a leading axis."""
    rows = [
        batch_indices(step * stacked + i, count=len(dataset), batch_size=batch_size, seed=seed) for i in range(stacked)
    ]
    index = rows[0] if stacked == 1 else np.stack(rows)
    return dataset.images[index], None if dataset.labels is None else dataset.labels[index]


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)
