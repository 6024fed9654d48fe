"""Networks that compute again what they do not keep: the same network, in less memory."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.ad_checkpoint import checkpoint_name

from gan_jax.layers.minibatch import minibatch_deviation
from gan_jax.network import evaluate, forward, init_weights, zero_marks
from gan_jax.recomputation import InParts, Recomputed
from gan_jax.types import Weights

KEY = jax.random.key(0)


class Rich(nn.Module):
    """All that a pass may have: a condition, noise, dropout, a mark, and statistics; images do not interact."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        x = nn.Dense(8, name="hidden")(jnp.concatenate([inputs.reshape(len(inputs), -1), condition], axis=-1))
        x = self.perturb("inner", jnp.tanh(x))
        mean = self.variable("running", "mean", jnp.zeros, (8,))
        if train and not self.is_initializing():
            mean.value = 0.9 * mean.value + 0.1 * x.mean(axis=0)
            x = x + jax.random.normal(self.make_rng("noise"), x.shape)
        x = nn.Dropout(0.5, deterministic=not train, name="drop")(x)
        return jnp.sum(jnp.square(x), axis=-1) * self.param("scale", nn.initializers.ones, ())


INPUTS = jax.random.normal(jax.random.key(1), (12, 3, 3, 1))
CONDITION = jax.random.normal(jax.random.key(2), (12, 2))


def everything(network):
    """Outputs, statistics and gradients, those of a gradient penalty too, of a training pass."""
    weights = init_weights(network, KEY, INPUTS, CONDITION)
    run = lambda params, inputs, marks: forward(network, weights._replace(params=params), KEY, inputs, CONDITION, marks)

    def objective(params, inputs, marks):
        outputs, moved = run(params, inputs, marks)
        slope = jax.grad(lambda inputs: jnp.sum(run(params, inputs, marks)[0]))(inputs)
        return jnp.mean(jnp.square(slope)) + jnp.mean(jnp.sin(outputs)), (outputs, moved)

    marks = jax.tree.map(lambda zeros: zeros + 0.1, zero_marks(network, INPUTS, CONDITION))
    return jax.jit(jax.value_and_grad(objective, argnums=(0, 1, 2), has_aux=True))(weights.params, INPUTS, marks)


@pytest.fixture(scope="module")
def plain():
    return everything(Rich())


@pytest.mark.parametrize(
    "network",
    [Recomputed(Rich()), InParts(Rich(), 4), InParts(Recomputed(Rich()), 5), Recomputed(InParts(Rich(), 1))],
    ids=["recomputed", "3 parts of 4", "3 parts of at most 5", "one by one"],
)
def test_outputs_statistics_and_gradients_are_the_networks_own(network, plain):
    # Sums of hundreds of products, in another order: small ones are as exact as the largest of their array.
    same = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(0.1, np.abs(b).max(initial=0)))
    jax.tree.map(same, everything(network), plain)


class Compared(nn.Module):
    """Of each image how much those of its group of two differ, and the mean of all that are here."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        seen = minibatch_deviation(inputs, 2)[:, 0, 0, -1], jnp.broadcast_to(jnp.mean(inputs), inputs.shape[:1])
        return self.param("scale", nn.initializers.ones, ()) * jnp.stack(seen, axis=1)


def test_groups_are_whole_in_parts_that_they_divide_and_a_mean_is_over_a_part():
    weights = init_weights(Compared(), KEY, INPUTS, None)
    whole, parts = (forward(n, weights, KEY, INPUTS, None)[0] for n in (Compared(), InParts(Compared(), 4)))
    np.testing.assert_allclose(parts[:, 0], whole[:, 0], rtol=1e-6)
    for part in range(3):
        np.testing.assert_allclose(parts[part::3, 1], jnp.mean(INPUTS[part::3]), rtol=1e-5)


def test_in_evaluation_a_batch_is_whole():
    weights = init_weights(Compared(), KEY, INPUTS, None)
    seen = evaluate(InParts(Compared(), 4), weights, INPUTS, None)
    np.testing.assert_array_equal(seen, evaluate(Compared(), weights, INPUTS, None))


class Deep(nn.Module):
    """Six layers, in blocks of two."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        x = inputs.reshape(len(inputs), -1)
        for i in range(6):
            x = jnp.tanh(nn.Dense(9, name=f"layer_{i}")(x))
            x = checkpoint_name(x, "block") if i % 2 else x
        return x[:, 0]


def score(network, inputs):
    """A function of the parameters, and these."""
    weights = init_weights(network, KEY, inputs, None)
    return lambda params: jnp.sum(forward(network, Weights(params, {}), KEY, inputs, None)[0]), weights.params


def test_the_ends_of_blocks_alone_are_kept():
    """Of 12 images, 9 numbers each: how many arrays of that size the backward pass is handed."""
    kept = lambda network: [
        leaf for leaf in jax.tree.leaves(jax.vjp(*score(network, INPUTS))[1]) if leaf.size == 12 * 9
    ]
    assert len(kept(Recomputed(Deep()))) <= 1 + 3  # the images, and each block's
    assert len(kept(Deep())) >= 6


def test_parts_hold_less():
    def held(network):
        function, params = score(network, jnp.ones((1024, 3, 3, 1)))
        return jax.jit(jax.grad(function)).lower(params).compile().memory_analysis().temp_size_in_bytes

    assert held(InParts(Deep(), 128)) < 0.5 * held(Deep())
