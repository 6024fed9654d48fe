"""Images that no step of training sees, to judge by."""

from dataclasses import dataclass, replace

import numpy as np

from gan_jax.data.dataset import Dataset, places
from gan_jax.errors import DataError
from gan_jax.types import Rows, Source


def split(dataset: Dataset, share: float) -> Dataset:
    """What is trained on, with a share of the images, some of every part of the set, held out as its `test`.

    Which ones is a function of their number alone. Raises DataError where one side would have none.
    """
    count = round(share * len(dataset))
    if not 0 < count < len(dataset):
        raise DataError(
            f"{dataset.name}: {share:g} of {len(dataset)} images to be held out leaves a side without any; change "
            "--task.test, or add images"
        )
    order = np.random.Generator(np.random.Philox(key=_KEY)).permutation(len(dataset))
    train, test = np.sort(order[count:]), np.sort(order[:count])
    return replace(those(dataset, train), test=those(dataset, test))


_KEY = 2**33
"""No key of the order of an epoch, which are below 2**32, nor of mirrored images."""


def those(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """Some images of a dataset, by their numbers."""
    assert dataset.features is None, "a teacher's features are of all images"
    images = dataset.images[rows] if dataset.in_memory else Chosen(dataset.images, rows)
    return replace(dataset, images=images, labels=None if dataset.labels is None else dataset.labels[rows])


@dataclass(frozen=True)
class Chosen:
    """Some images of a source, as a source."""

    source: Source
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, H, W, C)`."""
        return (len(self), *self.source.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """The source's."""
        return self.source.dtype

    @property
    def nbytes(self) -> int:
        """The source's, and the places."""
        held = 0 if isinstance(self.source, np.memmap) else self.source.nbytes
        return held + self.rows.nbytes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Rows) -> np.ndarray:
        return self.source[self.rows[list(places(rows, len(self)))]]
