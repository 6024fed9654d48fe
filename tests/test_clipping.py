"""Weights that stay in their box, whatever the optimizer does."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.clipping import clip_weights


def test_weights_inside_move_freely_and_others_stop_at_the_wall():
    params = {"w": jnp.array([0.0, 0.9, -0.9, 5.0])}
    updates = {"w": jnp.array([0.5, 0.3, -0.3, 0.0])}
    optimizer = clip_weights(1.0)
    clipped, _ = optimizer.update(updates, optimizer.init(params), params)
    np.testing.assert_allclose(optax.apply_updates(params, clipped)["w"], [0.5, 1.0, -1.0, 1.0], rtol=1e-6)


def test_behind_an_optimizer_it_holds_at_every_step():
    optimizer = optax.chain(optax.sgd(1.0), clip_weights(0.01))
    params = jax.random.normal(jax.random.key(0), (50,))
    state = optimizer.init(params)
    for seed in range(5):
        updates, state = optimizer.update(jax.random.normal(jax.random.key(seed), (50,)), state, params)
        params = optax.apply_updates(params, updates)
        assert jnp.max(jnp.abs(params)) <= 0.01 * (1 + 1e-5)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_impossible_limits_are_refused(limit):
    with pytest.raises(ValueError, match="above 0"):
        clip_weights(limit)


def test_forgotten_parameters_are_named():
    with pytest.raises(ValueError, match="needs the parameters"):
        clip_weights(1.0).update(jnp.zeros(3), optax.EmptyState())
