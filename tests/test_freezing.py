"""Layers that stay as they are: what is updated, what is not, and which are the lower ones."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax.freezing import frozen, layers_of
from gan_jax.models import dcgan

PARAMS = {"low": {"w": jnp.ones(2)}, "high": {"w": jnp.ones(3)}}
GRADIENT = {"low": {"w": jnp.full(2, 100.0)}, "high": {"w": jnp.array([3.0, 0.0, 4.0])}}


def test_frozen_layers_stay_whatever_their_gradient_and_weight_decay():
    optimizer = frozen(optax.adamw(0.1, weight_decay=0.5), ["low"])
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(3):
        updates, state = optimizer.update(GRADIENT, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_array_equal(params["low"]["w"], PARAMS["low"]["w"])
    assert jnp.all(params["high"]["w"] < 1)


def test_a_norm_is_of_what_learns():
    optimizer = frozen(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(1.0)), ["low"])
    updates, _ = optimizer.update(GRADIENT, optimizer.init(PARAMS), PARAMS)
    np.testing.assert_allclose(updates["high"]["w"], [-0.6, 0.0, -0.8], rtol=1e-6)


def test_others_learn_as_they_would_alone():
    optimizer, alone = frozen(optax.adam(0.1), ["low"]), optax.adam(0.1)
    updates, _ = optimizer.update(GRADIENT, optimizer.init(PARAMS), PARAMS)
    wanted, _ = alone.update(GRADIENT["high"], alone.init(PARAMS["high"]), PARAMS["high"])
    np.testing.assert_array_equal(updates["high"]["w"], wanted["w"])


def test_a_layer_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no layer is named middle; there are low, high"):
        frozen(optax.sgd(0.1), ["low", "middle"]).init(PARAMS)


def test_layers_come_in_the_order_of_the_pass_and_not_of_the_alphabet():
    assert layers_of(toys.Discriminator(), jnp.zeros((2, 4, 4, 1))) == ("hidden", "norm", "logit")
    network = dcgan.Discriminator(width=4, classes=3, told="projection")
    found = layers_of(network, jnp.zeros((2, 16, 16, 1)), jnp.zeros(2, jnp.int32))
    assert found == ("down_0", "down_1", "norm_1", "logit", "embed")
    assert found != tuple(sorted(found))
