"""Two domains, whose images need not belong together: two folders of one's own, or two halves of one set."""

import math

import numpy as np

from gan_jax.data.dataset import Dataset
from gan_jax.data.held_out import Chosen, those
from gan_jax.data.views import Joined
from gan_jax.errors import DataError
from gan_jax.memory import require_memory

Domains = tuple[Dataset, Dataset]


def by_folder(dataset: Dataset) -> Domains:
    """The pictures of one's own in each of two folders, A and B, or of other names, in their order.

    Raises DataError for pictures that do not lie in two folders.
    """
    two = dataset.labels is not None and len(dataset.classes) == 2  # also within a folder around both
    if dataset.folder and not two:
        missing = {"A": "; B is missing", "B": "; A is missing"}.get(dataset.folder, "")
        raise DataError(
            f"{dataset.name}: pictures are in {dataset.folder} alone; two domains are pictures in two folders, A and B"
            f"{missing}"
        )
    if dataset.labels is None or not two:
        found = f"{len(dataset.classes)} folders" if dataset.classes else "no such folders, or pictures beside them"
        raise DataError(f"{dataset.name}: two domains are pictures in two folders, A and B; there are {found}")
    a, b = (_unlabelled(those(dataset, np.flatnonzero(dataset.labels == i))) for i in range(2))
    return a, b


def halves(dataset: Dataset) -> Domains:
    """The images of even and those of odd numbers. Raises DataError for less than two images."""
    if len(dataset) < 2:
        raise DataError(f"{dataset.name}: one image is no two halves; add images")
    return those(dataset, np.arange(0, len(dataset), 2)), those(dataset, np.arange(1, len(dataset), 2))


def join(a: Dataset, b: Dataset) -> Dataset:
    """Images of a above images of b, `[N, 2H, W, C]`, and their labels, `[N, 2]`, if both have some.

    As many as the larger domain has: those of the smaller one come again, from its first on. What is held out of both
    are as many as the smaller has, each once.
    """
    test = None if a.test is None or b.test is None else _above(a.test, b.test, min(len(a.test), len(b.test)))
    return _above(a, b, max(len(a), len(b)), test)


def _above(a: Dataset, b: Dataset, count: int, test: Dataset | None = None) -> Dataset:
    rows = [np.arange(count) % len(side) for side in (a, b)]
    joined = Joined(Chosen(a.images, rows[0]), Chosen(b.images, rows[1]), axis=1)
    labels = None
    if a.labels is not None and b.labels is not None:
        labels = np.stack([a.labels[rows[0]], b.labels[rows[1]]], axis=1)
    in_memory = a.in_memory and b.in_memory
    if in_memory:
        what = f"{a.name}: {count:,} images of each of two domains"
        require_memory(math.prod(joined.shape), what, "lower --data.size, or add --data.memory 0", error=DataError)
    return Dataset(a.name, joined[:] if in_memory else joined, labels, a.classes, a.origin, test=test)


def _unlabelled(dataset: Dataset) -> Dataset:
    return Dataset(dataset.name, dataset.images, origin=dataset.origin)
