"""Mean and covariance of features in one pass, in bounded memory, and the same for any batch size."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

FeatureArray = Float[Array, "batch features"] | np.ndarray


@dataclass(frozen=True)
class Moments:
    """What a Gaussian fit to features needs. Float64 on the host: the FID is a small difference of large numbers."""

    count: int
    mean: np.ndarray  # [D]
    scatter: np.ndarray  # [D, D], the sum of outer products of deviations from the mean

    @property
    def covariance(self) -> np.ndarray:
        """`[D, D]`, divided by N - 1. Raises ValueError for fewer than two samples."""
        if self.count < 2:
            raise ValueError(f"a covariance needs two samples or more, got {self.count}")
        return self.scatter / (self.count - 1)


def moments(features: FeatureArray) -> Moments:
    """Moments of features `[N, D]`, float. Raises ValueError where they are not finite, or not a matrix.

    The products are taken on the device, in float32 of centred features; sharded ones may stay where they are.
    """
    check_features(features)
    mean, scatter, rest = (np.asarray(part, np.float64) for part in _centred(jnp.asarray(features, jnp.float32)))
    # What rounding left of the mean, moved from the scatter into it.
    count = len(features)
    return Moments(count, mean + rest, scatter - count * np.outer(rest, rest))


def update(so_far: Moments, features: FeatureArray) -> Moments:
    """The moments of all that was seen so far, and a batch `[B, D]` more."""
    return merge(so_far, moments(features))


def merge(a: Moments, b: Moments) -> Moments:
    """The moments of two sets together (Chan, Golub & LeVeque 1983, eq. 2.1). Raises ValueError for other widths."""
    if len(a.mean) != len(b.mean):
        raise ValueError(f"features are {len(a.mean)} and {len(b.mean)} wide: they come from different extractors")
    count = a.count + b.count
    apart = b.mean - a.mean
    mean = a.mean + apart * (b.count / count)
    scatter = a.scatter + b.scatter + np.outer(apart, apart) * (a.count * b.count / count)
    return Moments(count, mean, scatter)


def check_pair(real: FeatureArray, fake: FeatureArray) -> None:
    """Raises ValueError unless both pass `check_features` and are equally wide."""
    check_features(real, "real features")
    check_features(fake, "fake features")
    if real.shape[1] != fake.shape[1]:
        widths = f"fake features are {fake.shape[1]} wide, real ones {real.shape[1]}"
        raise ValueError(f"{widths}: they come from different extractors")


def check_features(features: FeatureArray, name: str = "features") -> None:
    """Raises ValueError unless they are a matrix `[N, D]` of one sample or more, finite in float32."""
    if features.ndim != 2 or not features.size:
        raise ValueError(f"expected {name} [N, D] of one sample or more, got an array {features.shape}")
    # A sum is finite only if all of its terms are, and needs no mask as large as the features.
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(np.asarray(features.sum(axis=1, dtype=np.float32)))
    if not finite.all():
        raise ValueError(f"{name} of sample {np.argmin(finite)} are not finite: the image, or the extractor, holds NaN")


@jax.jit
def _centred(features: Array) -> tuple[Array, Array, Array]:
    mean = jnp.mean(features, axis=0)
    centred = features - mean[None]
    scatter = jnp.matmul(centred.T, centred, precision=jax.lax.Precision.HIGHEST)
    return mean, scatter, jnp.mean(centred, axis=0)
