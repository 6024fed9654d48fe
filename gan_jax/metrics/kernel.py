"""The kernel distance between two sets of features: KID, if they are Inception's."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.metrics.moments import FeatureArray, check_pair
from gan_jax.types import PRNGKey


def squared_mmd(real: FeatureArray, fake: FeatureArray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of features `[N, D]` and `[M, D]`. May be negative.

    The kernel is (x·y / D + 1)³, and no sample is compared with itself: Bińkowski et al. 2018 (arXiv:1801.01401, eq. 4
    and section 4). Raises ValueError for features that are not finite or not equally wide, and for a set of one.
    """
    check_pair(real, fake)
    _check_size(min(len(real), len(fake)))
    return float(_from_rows(*_compiled_rows(jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32))))


def kernel_distance(
    real: FeatureArray, fake: FeatureArray, key: PRNGKey, *, subsets: int = 100, size: int = 1000
) -> tuple[float, float]:
    """Mean and standard deviation of `squared_mmd` over random subsets of `size` samples of each, `[N, D]` float.

    Subsets are drawn without replacement within each, as by torch-fidelity, whose kernel and defaults these are too
    (degree 3, gamma 1/D, coefficient 1). The key is consumed. Raises ValueError if a set has fewer samples than `size`.
    """
    check_pair(real, fake)
    _check_size(size)
    if (few := min(len(real), len(fake))) < size:
        raise ValueError(f"subsets of {size} were asked for, one set has {few} samples only; lower `size`, or add some")
    if subsets < 1:
        raise ValueError(f"one subset or more is needed, got {subsets}")
    keys = jax.random.split(key, subsets)
    rows = _rows_of_subsets(jnp.asarray(real, jnp.float32), jnp.asarray(fake, jnp.float32), keys, size)
    values = _from_rows(*rows)
    return float(values.mean()), float(values.std())


def _check_size(size: int) -> None:
    if size < 2:
        raise ValueError(f"the unbiased estimate needs two samples or more, got {size}")


@partial(jax.jit, static_argnames="size")
def _rows_of_subsets(real: Array, fake: Array, keys: Array, size: int) -> tuple[Array, Array, Array]:
    def of_subset(key: PRNGKey) -> tuple[Array, Array, Array]:
        real_key, fake_key = jax.random.split(key)
        return _rows(real[_draw(real_key, len(real), size)], fake[_draw(fake_key, len(fake), size)])

    return jax.lax.map(of_subset, keys)


def _draw(key: PRNGKey, count: int, size: int) -> Array:
    """`size` different numbers below `count`, all sets of them equally likely: those that drew the largest bits."""
    return jax.lax.top_k(jax.random.bits(key, (count,)), size)[1]


def _rows(real: Float[Array, "n d"], fake: Float[Array, "m d"]) -> tuple[Array, Array, Array]:
    """Mean of the kernel over each sample's partners, all less one constant, which the estimate loses again.

    With x = c + u, y = c + v and a = |c|² / d + 1 the kernel is (a + δ)³ where δ = (c·u + c·v + u·v) / d. Only
    δ (3a² + 3aδ + δ²) is summed: float32 would lose a small distance beside a³.
    """
    centre = (jnp.mean(real, axis=0) + jnp.mean(fake, axis=0)) / 2
    width = len(centre)
    product = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    u, v = real - centre[None], fake - centre[None]
    a = product(centre, centre) / width + 1

    def kernel(x: Array, y: Array) -> Array:
        shift = (product(x, centre)[:, None] + product(y, centre)[None, :] + product(x, y.T)) / width
        return shift * (3 * a**2 + 3 * a * shift + shift**2)

    def others(x: Array) -> Array:
        return jnp.sum(jnp.where(jnp.eye(len(x), dtype=bool), 0, kernel(x, x)), axis=1) / (len(x) - 1)

    return others(u), others(v), jnp.mean(kernel(u, v), axis=1)


def _from_rows(real: Array, fake: Array, across: Array) -> np.ndarray:
    within = [np.mean(np.asarray(rows, np.float64), axis=-1) for rows in (real, fake)]
    return within[0] + within[1] - 2 * np.mean(np.asarray(across, np.float64), axis=-1)


_compiled_rows = jax.jit(_rows)
