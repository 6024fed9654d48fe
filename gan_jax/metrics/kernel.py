"""The kernel distance between two sets of features: KID, if they are Inception's."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.metrics.moments import FeatureArray, check_features
from gan_jax.types import PRNGKey, Scalar


def squared_mmd(real: Float[Array, "n d"], fake: Float[Array, "m d"]) -> Scalar:
    """Unbiased estimate of the squared maximum mean discrepancy, with the kernel (x·y / d + 1)³. It may be negative.

    Bińkowski et al. 2018 (arXiv:1801.01401, eq. 4, section 3.1): no sample is compared with itself.
    """
    n, m = len(real), len(fake)
    # Sums of many nearly equal terms: taken over rows first, which keeps float32 accurate to six digits or so.
    within = lambda x, count: (
        jnp.sum(jnp.sum(_kernel(x, x), axis=1) - jnp.diagonal(_kernel(x, x))) / (count * (count - 1))
    )
    return within(real, n) + within(fake, m) - 2 * jnp.mean(jnp.mean(_kernel(real, fake), axis=1))


def kernel_distance(
    real: FeatureArray, fake: FeatureArray, key: PRNGKey, *, subsets: int = 100, size: int = 1000
) -> tuple[float, float]:
    """Mean and standard deviation of `squared_mmd` over random subsets of `size` samples of each, `[N, D]` float.

    Subsets are drawn without replacement within each, as by torch-fidelity, whose kernel and defaults these are too
    (degree 3, gamma 1/D, coefficient 1). The key is consumed. Raises ValueError if a set has fewer samples than `size`.
    """
    check_features(real, fake)
    if (few := min(len(real), len(fake))) < size:
        raise ValueError(f"subsets of {size} were asked for, one set has {few} samples only; lower `size`, or add some")
    if size < 2:
        raise ValueError(f"subsets need two samples or more, got {size}")
    real, fake = np.asarray(real, np.float32), np.asarray(fake, np.float32)
    generator = np.random.Generator(np.random.Philox(key=np.asarray(jax.random.bits(key, (2,), jnp.uint32), np.uint64)))
    found = []
    for _ in range(subsets):
        ours = real[generator.choice(len(real), size, replace=False)]
        theirs = fake[generator.choice(len(fake), size, replace=False)]
        found.append(_compiled(ours, theirs))
    values = np.asarray(jax.device_get(found), np.float64)
    return float(values.mean()), float(values.std())


def _kernel(x: Array, y: Array) -> Array:
    products = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    return (products / x.shape[1] + 1) ** 3


_compiled = jax.jit(squared_mmd)
