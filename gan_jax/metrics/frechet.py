"""The Fréchet distance between Gaussian fits to features: FID, if they are Inception's."""

import warnings

import numpy as np

from gan_jax.metrics.moments import Moments

_MOST = 1e150


def frechet_distance(a: Moments, b: Moments) -> float:
    """|mu_a - mu_b|² + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), with covariances divided by N - 1.

    Heusel et al. 2017 (arXiv:1706.08500, eq. 6); Dowson & Landau 1982. The trace of the root is the sum of the
    singular values of R_a' R_b for any C = R R', which is real and finite where a root of the product of two
    rank-deficient matrices is not. Warns if a set is no larger than the features are wide, for then its covariance
    is of lower rank than the features'. In float64. Raises ValueError for other widths, for fewer than two samples, or
    for features whose squares are beyond float64.
    """
    if len(a.mean) != len(b.mean):
        raise ValueError(f"features are {len(a.mean)} and {len(b.mean)} wide: they come from different extractors")
    if (few := min(a.count, b.count)) <= len(a.mean):
        warnings.warn(
            f"a Fréchet distance of {few} samples with {len(a.mean)} features each: the covariance has not its full "
            "rank, and the distance depends on the number of samples more than on their quality",
            stacklevel=2,
        )
    largest = max(np.abs(part).max() for m in (a, b) for part in (m.mean, np.sqrt(np.abs(np.diagonal(m.covariance)))))
    if not largest < _MOST:
        raise ValueError(
            f"features as large as {largest:.1e} are beyond what float64 can square: divide by their scale"
        )
    apart = a.mean - b.mean
    roots = np.linalg.svd(_root(a.covariance).T @ _root(b.covariance), compute_uv=False)
    return float(max(apart @ apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * roots.sum(), 0.0))


def _root(covariance: np.ndarray) -> np.ndarray:
    """A matrix R with R R' = covariance; eigenvalues that rounding made negative are zero."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(values, 0, None))[None, :]
