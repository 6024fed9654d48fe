"""Weights kept in a box, the first way to a Lipschitz critic."""

import jax
import jax.numpy as jnp
import optax

from gan_jax.types import Params


def clip_weights(limit: float) -> optax.GradientTransformation:
    """Changes updates so that parameters + updates lie in [-limit, limit], to rounding; has no state.

    Arjovsky et al. 2017 (arXiv:1701.07875), algorithm 1, with limit = 0.01. Every parameter is clipped, scales of
    normalisation layers too. Goes last: `optax.chain(optax.rmsprop(5e-5), clip_weights(0.01))`. Raises ValueError
    unless limit > 0, and where `update` is called without parameters.
    """
    if not limit > 0:
        raise ValueError(f"the limit of weights is above 0, not {limit}")

    def clip(updates: Params, params: Params | None) -> Params:
        if params is None:
            raise ValueError("clip_weights needs the parameters: call update(updates, state, params)")
        return jax.tree.map(lambda u, p: jnp.clip(p + u, -limit, limit) - p, updates, params)

    return optax.stateless(clip)
