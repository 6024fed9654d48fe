"""Batch statistics measured anew, for weights that never ran themselves: averages of many steps' weights."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gan_jax.gan import GAN, sample_latents
from gan_jax.images import condition_to_float
from gan_jax.inputs import check_weights
from gan_jax.network import forward, is_float, wide
from gan_jax.types import Condition, PRNGKey, Stats, Weights

BATCH_STATS = "batch_stats"
"""Flax's collection of what batch normalisation reads in evaluation."""


def standing_statistics(
    gan: GAN,
    weights: Weights,
    key: PRNGKey,
    condition: Condition = None,
    *,
    batch_size: int = 64,
    passes: int = 32,
    collection: str = BATCH_STATS,
) -> Weights:
    """The same parameters with batch statistics measured anew: the mean of those of `passes` training passes.

    A moving average of parameters is a network that never ran: the statistics of the raw one do not fit it. Brock et
    al. 2019 (arXiv:1809.11096, section 3) call such measured ones standing statistics. The mean is exact, whatever
    the network's momentum. `condition`, if the generator takes one, holds `batch_size` typical ones. The key is
    consumed.

    Measured are the floats of `collection`, which training passes move as m · old + (1 - m) · batch's; all else comes
    back unchanged: counters and keys, and other collections, such as singular vectors. Networks without
    "batch_stats" have nothing to measure; raises ValueError where they have no collection of another name, and
    TypeError for a state.
    """
    check_weights(weights)
    if collection not in weights.stats:
        if collection == BATCH_STATS:
            return weights
        raise ValueError(f"there are no statistics {collection!r}, only {', '.join(weights.stats) or 'none at all'}")
    told = condition_to_float(condition)
    template = weights.stats[collection]

    def leave(found: tuple[Float[Array, ""], Int[Array, ""]]) -> list[Array]:
        """What the pass of an index makes of statistics that are all `old`."""
        old, i = found
        latent_key, network_key = jax.random.split(jax.random.fold_in(key, i))
        latents = sample_latents(gan, latent_key, batch_size)
        same = jax.tree.map(lambda leaf: jnp.full_like(leaf, old) if is_float(leaf) else leaf, template)
        begun = Weights(weights.params, weights.stats | {collection: same})
        return _floats(forward(gan.generator, begun, network_key, latents, told)[1][collection])

    # What a pass leaves is linear in what it found, so that the first batch, seen twice, tells the momentum.
    olds = jnp.zeros(passes + 1).at[0].set(LARGE)
    left = jax.lax.map(leave, (olds, jnp.maximum(jnp.arange(-1, passes), 0)))
    kept = [(each[0] - each[1]) / LARGE for each in left]
    means = iter([each[1:].mean(axis=0) / (1 - m) for each, m in zip(left, kept, strict=True)])
    measured = jax.tree.map(lambda leaf: next(means).astype(leaf.dtype) if is_float(leaf) else leaf, template)
    return weights._replace(stats=weights.stats | {collection: measured})


def _floats(stats: Stats) -> list[Array]:
    return [wide(leaf) for leaf in jax.tree.leaves(stats) if is_float(leaf)]


LARGE = 1024.0
"""Large, so that the difference of the two is not lost in the rounding of statistics of some hundreds."""
