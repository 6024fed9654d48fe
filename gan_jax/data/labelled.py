"""Which images show their labels, where only few do."""

import numpy as np

from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError

HIDDEN = -1
"""The label of an image that does not show its own."""


def few(dataset: Dataset, count: int, seed: int) -> np.ndarray:
    """Labels int32 `[N]` of which `count` are shown, as many of each class; all others are `HIDDEN`.

    Which ones is a function of their number, the labels and the seed. Raises DataError where classes do not
    divide the count, and where one has too few images.
    """
    name, labels, classes = dataset.name, dataset.labels, dataset.classes
    assert labels is not None
    each, rest = divmod(count, len(classes))
    if rest or not each:
        near = max(each + (2 * rest >= len(classes)), 1) * len(classes)
        raise DataError(
            f"{name}: {count} labels are not as many of each of {len(classes)} classes; try --task.labels {near}"
        )
    order = np.random.Generator(np.random.Philox(key=[seed + _APART, 0])).permutation(len(labels))
    shown = np.full(len(labels), HIDDEN, np.int32)
    for label, called in enumerate(classes):
        rows = order[labels[order] == label][:each]
        if len(rows) < each:
            raise DataError(
                f"{name}: class {called} has {len(rows)} images, of which {each} would be labelled; lower --task.labels"
                f" to {max(len(rows), 1) * len(classes)}, or add images"
            )
        shown[rows] = label
    return shown


_APART = 2**34
"""Seeds are below 2**32: no key of an epoch's order (data/batches.py), of mirrored images, or of held-out ones."""
