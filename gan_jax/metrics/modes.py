"""Modes counted: which of the known classes, or of the known Gaussians, a generator draws."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.types import Labels


def mode_coverage(labels: Labels | np.ndarray, modes: int) -> tuple[int, float]:
    """How many of `modes` occur among labels `[N]`, int in [0, modes), and KL(their shares || uniform) in nats.

    The protocol of Stacked MNIST: 25,600 samples, labelled by a classifier (Metz et al. 2017, arXiv:1611.02163; Lin et
    al. 2018, arXiv:1712.04086, section 4.2). Raises ValueError for no labels, or for labels out of range.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels) or labels.min() < 0 or labels.max() >= modes:
        raise ValueError(f"expected labels [N] in [0, {modes}), got {labels.shape} with {np.unique(labels)[:3]}...")
    shares = np.bincount(labels, minlength=modes) / len(labels)
    shown = shares[shares > 0]
    return len(shown), float(np.sum(shown * np.log(shown * modes)))


def mixture_quality(
    points: Float[Array, "n 2"], centres: Float[Array, "modes 2"], std: float, *, within: float = 3.0
) -> tuple[float, int]:
    """The share of points at most `within` deviations from a centre, and how many centres have such a point.

    Srivastava et al. 2017 (arXiv:1705.07761, section 4.1): these are the samples of high quality, and the modes
    captured.
    """
    distances = jnp.linalg.norm(points[:, None] - centres[None], axis=-1)
    good = np.asarray(jnp.min(distances, axis=1) <= within * std)
    return float(good.mean()), len(np.unique(np.asarray(jnp.argmin(distances, axis=1))[good]))
