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

    The products are taken on the device, in float32 of centred features; sharded ones may stay where they are. Those
    of float64, and those of float32 whose squares it cannot hold, are taken on the host, in float64.
    """
    check_features(features)
    if features.dtype == np.float64:
        return _on_host(features)
    mean, scatter, rest = (np.asarray(part, np.float64) for part in _centred(jnp.asarray(features, jnp.float32)))
    if not np.isfinite(np.diagonal(scatter)).all() or not np.isfinite(mean).all():
        return _on_host(features)
    # What rounding left of the mean, moved from the scatter into it.
    count = len(features)
    return Moments(count, mean + rest, scatter - count * np.outer(rest, rest))


def _on_host(features: FeatureArray) -> Moments:
    rows = np.asarray(features, np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean[None]
    return Moments(len(rows), mean, centred.T @ centred)


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
    """Raises ValueError unless they are a matrix `[N, D]` of one sample or more, all numbers finite."""
    if features.ndim != 2 or not features.size:
        raise ValueError(f"expected {name} [N, D] of one sample or more, got an array {features.shape}")
    finite = _finite_rows(features)
    if not finite.all():
        raise ValueError(f"{name} of sample {np.argmin(finite)} are not finite: the image, or the extractor, holds NaN")


def _finite_rows(features: FeatureArray) -> np.ndarray:
    # A sum is finite only if all of its terms are, and needs no mask as large as the features.
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.array(np.isfinite(np.asarray(features.sum(axis=1))))
    for row in np.flatnonzero(~finite):  # or the sum alone was too large
        finite[row] = np.isfinite(np.asarray(features[row])).all()
    return finite


def less(features: FeatureArray, centre: np.ndarray, out: np.ndarray) -> None:
    """Writes features `[N, D]` less a centre `[D]` to `out`, float32 `[N, D]`.

    The difference is taken before it is rounded: float32 would lose small ones of large float64 features. Raises
    ValueError where it cannot hold them at all.
    """
    with np.errstate(over="ignore"):
        np.subtract(np.asarray(features), centre[None], out=out, casting="same_kind")
    if not _finite_rows(out).all():
        raise ValueError(f"{beyond_float32(features)}: divide them by their scale")


def centre_of(*sets: FeatureArray) -> np.ndarray:
    """The mean of the means of sets of features, float64 `[D]`."""
    return np.mean([np.asarray(rows).mean(axis=0, dtype=np.float64) for rows in sets], axis=0)


def beyond_float32(*sets: FeatureArray) -> str:
    """What to say of features that are too large."""
    largest = max(float(np.max(np.abs(np.asarray(rows)))) for rows in sets)
    return f"features as large as {largest:.1e} are beyond what float32 can compute with"


@jax.jit
def _centred(features: Array) -> tuple[Array, Array, Array]:
    mean = jnp.mean(features, axis=0)
    centred = features - mean[None]
    scatter = jnp.matmul(centred.T, centred, precision=jax.lax.Precision.HIGHEST)
    return mean, scatter, jnp.mean(centred, axis=0)
