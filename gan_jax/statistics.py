"""Batch statistics measured anew, for weights that never ran themselves: averages of many steps' weights."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gan_jax.gan import GAN, sample_latents
from gan_jax.images import condition_to_float
from gan_jax.network import forward
from gan_jax.types import Condition, PRNGKey, Stats, Weights

BATCH_STATS = "batch_stats"
"""Flax's collection of what batch normalisation reads in evaluation: moved as m · old + (1 - m) · batch's."""


def standing_statistics(
    gan: GAN,
    weights: Weights,
    key: PRNGKey,
    condition: Condition = None,
    *,
    batch_size: int = 64,
    passes: int = 32,
) -> Weights:
    """The same parameters with batch statistics measured anew: the mean of those of `passes` training passes.

    A moving average of parameters is a network that never ran: the statistics of the raw one do not fit it. Brock et
    al. 2019 (arXiv:1809.11096, section 3) call such measured ones standing statistics. The mean is exact, whatever
    the network's momentum. `condition`, if the generator takes one, holds `batch_size` typical ones. Networks without
    batch statistics come back unchanged, and so do all other statistics; the key is consumed.
    """
    if BATCH_STATS not in weights.stats:
        return weights
    told = condition_to_float(condition)
    template = weights.stats[BATCH_STATS]

    def leave(old: float, key: PRNGKey) -> Stats:
        """What a pass makes of statistics that are all `old`."""
        latent_key, network_key = jax.random.split(key)
        latents = sample_latents(gan, latent_key, batch_size)
        begun = weights.stats | {BATCH_STATS: jax.tree.map(lambda leaf: jnp.full_like(leaf, old), template)}
        return forward(gan.generator, Weights(weights.params, begun), network_key, latents, told)[1][BATCH_STATS]

    def one_pass(i: Int[Array, ""], total: Stats) -> Stats:
        return jax.tree.map(jnp.add, total, leave(0.0, jax.random.fold_in(key, i)))

    # What a pass leaves is linear in what it found, so that two passes over the same batch tell the momentum.
    found = LARGE, 0.0
    first, second = (leave(old, jax.random.fold_in(jax.random.clone(key), 0)) for old in found)
    kept = jax.tree.map(lambda a, b: (a - b) / LARGE, first, second)
    total = jax.lax.fori_loop(0, passes, one_pass, jax.tree.map(jnp.zeros_like, template))
    measured = jax.tree.map(lambda leaf, m: leaf / passes / (1 - m), total, kept)
    return weights._replace(stats=weights.stats | {BATCH_STATS: measured})


LARGE = 1024.0
"""Large, so that the difference of the two is not lost in the rounding of statistics of some hundreds."""
