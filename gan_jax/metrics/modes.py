"""Modes counted: which of the known classes, or of the known Gaussians, a generator draws."""

import numpy as np
from jaxtyping import Array, Float

from gan_jax.metrics.moments import check_features
from gan_jax.types import Labels


def mode_coverage(labels: Labels | np.ndarray, modes: int) -> tuple[int, float]:
    """How many of `modes` occur among labels `[N]`, int in [0, modes), and KL(their shares || uniform) in nats.

    The protocol of Stacked MNIST: 25,600 samples, labelled by a classifier (Metz et al. 2016, arXiv:1611.02163; Lin et
    al. 2017, arXiv:1712.04086, section 4.2). Raises ValueError for no labels, or for labels out of range.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu":
        raise ValueError(f"expected labels [N], whole numbers, one or more, got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= modes:
        raise ValueError(f"expected labels in [0, {modes}), got some from {labels.min()} to {labels.max()}")
    shares = np.bincount(labels, minlength=modes) / len(labels)
    shown = shares[shares > 0]
    return len(shown), float(np.sum(shown * np.log(shown * modes)))


def mixture_quality(
    points: Float[Array, "n 2"] | np.ndarray,
    centres: Float[Array, "modes 2"] | np.ndarray,
    std: float,
    *,
    within: float = 3.0,
) -> tuple[float, int]:
    """The share of points at most `within` deviations from a centre, and how many centres have such a point.

    Srivastava et al. 2017 (arXiv:1705.07761, section 4.1): these are the samples of high quality, and the modes
    captured. A point belongs to its nearest centre alone. Raises ValueError for points that are not finite, or not in
    the space of the centres.
    """
    check_features(points, "points")
    check_features(centres, "centres")
    if points.shape[1] != centres.shape[1]:
        raise ValueError(f"points have {points.shape[1]} coordinates, centres {centres.shape[1]}")
    points, centres = np.asarray(points, np.float64), np.asarray(centres, np.float64)
    distances = np.linalg.norm(points[:, None] - centres[None], axis=-1)
    good = distances.min(axis=1) <= within * std
    return float(good.mean()), len(np.unique(distances.argmin(axis=1)[good]))
