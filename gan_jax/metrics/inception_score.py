"""The Inception Score: how sure a classifier is of each image, and how unsure of all."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.metrics.moments import FeatureArray, beyond_float32, check_features


def inception_score(logits: FeatureArray, *, splits: int = 10) -> tuple[float, float]:
    """exp(E_x KL(p(y|x) || p(y))) of logits `[N, K]`: mean and standard deviation over contiguous parts.

    Salimans et al. 2016 (arXiv:1606.03498, section 4). Between 1 and K; p(y) is the mean within a part. Shuffle the
    images first if their order means something (torch-fidelity does so always, with a seed of its own). Raises
    ValueError if there are fewer images than parts, or for logits that float32 cannot hold.
    """
    check_features(logits, "logits")
    if not 1 <= splits <= len(logits):
        raise ValueError(f"{len(logits)} images cannot be split into {splits} parts; lower `splits`, or add images")
    bounds = [len(logits) * i // splits for i in range(splits + 1)]
    with np.errstate(over="ignore"):
        found = [_score(jnp.asarray(logits[a:b], jnp.float32)) for a, b in pairwise(bounds)]
    values = np.asarray(jax.device_get(found), np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f"logits: {beyond_float32(logits)}")
    return float(values.mean()), float(values.std())


@jax.jit
def _score(logits: jax.Array) -> jax.Array:
    logp = jax.nn.log_softmax(logits)
    marginal = jax.nn.logsumexp(logp, axis=0) - jnp.log(len(logp))
    return jnp.exp(jnp.mean(jnp.sum(jnp.exp(logp) * (logp - marginal[None]), axis=1)))
