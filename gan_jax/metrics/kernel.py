"""The kernel distance between two sets of features: KID, if they are Inception's."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.metrics.moments import FeatureArray, beyond_float32, centre_of, check_pair, less
from gan_jax.types import PRNGKey


def squared_mmd(real: FeatureArray, fake: FeatureArray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of features `[N, D]` and `[M, D]`. May be negative.

    The kernel is (x·y / D + 1)³, and no sample is compared with itself: Bińkowski et al. 2018 (arXiv:1801.01401, eq. 4
    and section 4). In float32, about a common centre; float64 features are moved there first. Raises ValueError for
    features that are not finite, not equally wide or too large (beyond some 1e9), and for a set of one.
    """
    check_pair(real, fake)
    _check_size(min(len(real), len(fake)))
    return float(_required_finite(_from_rows(*_compiled_rows(*_about_centre(real, fake))), real, fake))


def kernel_distance(
    real: FeatureArray, fake: FeatureArray, key: PRNGKey, *, subsets: int = 100, size: int = 1000
) -> tuple[float, float]:
    """Mean and standard deviation of `squared_mmd` over random subsets of `size` samples of each, `[N, D]` float.

    Subsets are drawn without replacement within each, as by torch-fidelity, whose kernel and defaults these are too
    (degree 3, gamma 1/D, coefficient 1). The key is consumed. Raises ValueError as that does, and if a set has fewer
    samples than `size`.
    """
    check_pair(real, fake)
    _check_size(size)
    if (few := min(len(real), len(fake))) < size:
        raise ValueError(f"subsets of {size} were asked for, one set has {few} samples only; lower `size`, or add some")
    if subsets < 1:
        raise ValueError(f"one subset or more is needed, got {subsets}")
    keys = jax.random.split(key, subsets)
    rows = _rows_of_subsets(*_about_centre(real, fake), keys, size)
    values = _required_finite(_from_rows(*rows), real, fake)
    return float(values.mean()), float(values.std())


def _check_size(size: int) -> None:
    if size < 2:
        raise ValueError(f"the unbiased estimate needs two samples or more, got {size}")


def _about_centre(real: FeatureArray, fake: FeatureArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both sets less their common centre, and that, all in float32."""
    centre = centre_of(real, fake)
    u, v = (np.empty(features.shape, np.float32) for features in (real, fake))
    less(real, centre, u)
    less(fake, centre, v)
    return u, v, centre.astype(np.float32)


def _required_finite(values: np.ndarray, real: FeatureArray, fake: FeatureArray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError(f"{beyond_float32(real, fake)}, by a kernel of third degree: divide them by their scale")
    return values


@partial(jax.jit, static_argnames="size")
def _rows_of_subsets(real: Array, fake: Array, centre: Array, keys: Array, size: int) -> tuple[Array, Array, Array]:
    def of_subset(key: PRNGKey) -> tuple[Array, Array, Array]:
        real_key, fake_key = jax.random.split(key)
        return _rows(real[_draw(real_key, len(real), size)], fake[_draw(fake_key, len(fake), size)], centre)

    return jax.lax.map(of_subset, keys)


def _draw(key: PRNGKey, count: int, size: int) -> Array:
    """`size` different numbers below `count`, all sets of them equally likely: those that drew the largest bits."""
    return jax.lax.top_k(jax.random.bits(key, (count,)), size)[1]


def _rows(u: Float[Array, "n d"], v: Float[Array, "m d"], centre: Float[Array, " d"]) -> tuple[Array, Array, Array]:
    """Mean of the kernel over each sample's partners, all less what the estimate loses again.

    With x = c + u, y = c + v, a = |c|² / d + 1, p = c·u / d, q = c·v / d and w = u·v / d it is (a + p + q + w)³. Terms
    of p alone, of q alone and of neither cancel among the three means, and float32 would lose a small distance beside
    them. What is left is w (3b² + 3bw + w²) + 3pq (a + b), where b = a + p + q.
    """
    width = len(centre)
    product = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    a = product(centre, centre) / width + 1

    def kernel(x: Array, y: Array) -> Array:
        p, q, w = product(x, centre)[:, None] / width, product(y, centre)[None, :] / width, product(x, y.T) / width
        b = a + jnp.add(p, q)
        return w * (3 * b**2 + 3 * b * w + w**2) + 3 * jnp.multiply(p, q) * (a + b)

    def others(x: Array) -> Array:
        return jnp.sum(jnp.where(jnp.eye(len(x), dtype=bool), 0, kernel(x, x)), axis=1) / (len(x) - 1)

    return others(u), others(v), jnp.mean(kernel(u, v), axis=1)


def _from_rows(real: Array, fake: Array, across: Array) -> np.ndarray:
    within = [np.mean(np.asarray(rows, np.float64), axis=-1) for rows in (real, fake)]
    return within[0] + within[1] - 2 * np.mean(np.asarray(across, np.float64), axis=-1)


_compiled_rows = jax.jit(_rows)
