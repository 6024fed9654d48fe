"""How well the classes of pixels are told: counts of what was taken for what, and the scores that follow from them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

Confusion = Float[Array, "classes classes"]
"""How many pixels of each class (row) were taken for each (column)."""


def confusion(told: Int[Array, "..."], true: Float[Array, "... classes"]) -> Confusion:
    """Counts of the classes told, beside the true ones, one-hot; where those are zeros, nothing is counted.

    float32, exact up to 2^24 pixels of a kind: of more, sum the counts of parts in float64.
    """
    classes = true.shape[-1]
    columns = jax.nn.one_hot(told.reshape(-1), classes)
    return jnp.einsum("nk,nl->kl", true.reshape(-1, classes), columns, precision="highest")


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
