"""How well the classes of pixels are told: counts of what was taken for what, and the scores that follow from them."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

Confusion = Int[Array, "classes classes"]
"""How many pixels of each class (row) were taken for each (column)."""


def confusion(told: Int[Array, "..."], true: Int[Array, "..."], classes: int) -> Confusion:
    """Counts of the classes told, from 0, beside the true ones; where those are none of `classes`, nothing is counted.

    int32: exact for up to 2^31 pixels.
    """
    known = (true >= 0) & (true < classes)
    pairs = jnp.where(known, true * classes + told, classes**2)  # beyond the last, which is dropped
    return jnp.bincount(pairs.ravel(), length=classes**2 + 1)[:-1].reshape(classes, classes)


def scores(counts: np.ndarray) -> dict[str, float]:
    """miou and pixel_accuracy of a confusion, in [0, 1].

    The intersection over the union of a class, true positives / (true and false positives and false negatives), is
    averaged over the classes that occur, told or true (Everingham et al. 2010, doi:10.1007/s11263-009-0275-4, sec. 4.3;
    Long et al. 2015, arXiv:1411.4038, section 5). Raises ValueError where nothing was counted.
    """
    if not counts.sum():
        raise ValueError("no pixel has a class that is known")
    hits = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    return {"miou": float(np.mean(hits[union > 0] / union[union > 0])), "pixel_accuracy": hits.sum() / counts.sum()}
