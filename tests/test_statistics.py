"""Batch statistics measured anew: the exact mean, whatever the momentum; nothing else is touched."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax import GAN, init, sample_latents, standing_statistics
from gan_jax.types import Weights


class Normalised(nn.Module):
    """Latents, normalised at a momentum of one's own, and a statistic that is none of a batch's."""

    momentum: float

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        passes = self.variable("counter", "passes", lambda: jnp.zeros((), jnp.int32))
        if train and self.is_mutable_collection("counter") and not self.is_initializing():
            passes.value += 1
        x = 30 + 5 * nn.Dense(16, name="spread")(latents)
        x = nn.BatchNorm(use_running_average=not train, momentum=self.momentum, name="norm")(x)
        return x.reshape(len(x), 4, 4, 1)


@partial(jax.jit, static_argnums=0, static_argnames=("batch_size", "passes"))
def measured(gan, weights, key, **how):
    return standing_statistics(gan, weights, key, **how).stats


def begin(momentum):
    gan = GAN(Normalised(momentum), toys.Discriminator(), optax.sgd(0.1), optax.sgd(0.1), latent_size=8)
    return gan, init(gan, jax.random.key(0), toys.batch()).average


def test_the_network_is_in_the_program_once():
    gan, weights = begin(0.9)
    program = jax.make_jaxpr(lambda weights, key: standing_statistics(gan, weights, key).stats)(
        weights, jax.random.key(0)
    )
    assert str(program).count("dot_general") == 1


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.999])
def test_they_are_the_mean_over_the_passes_whatever_the_momentum(momentum):
    gan, weights = begin(momentum)
    key = jax.random.key(1)
    found = measured(gan, weights, key, batch_size=32, passes=5)["batch_stats"]["norm"]
    means, variances = [], []
    for i in range(5):
        latent_key, _ = jax.random.split(jax.random.fold_in(key, i))
        kernel, bias = weights.params["spread"]["kernel"], weights.params["spread"]["bias"]
        x = 30 + 5 * (sample_latents(gan, latent_key, 32) @ kernel + bias[None])
        means.append(x.mean(0))
        variances.append(x.var(0))
    np.testing.assert_allclose(found["mean"], np.mean(means, 0), rtol=2e-4)
    np.testing.assert_allclose(found["var"], np.mean(variances, 0), rtol=2e-3)


def test_parameters_and_other_statistics_come_back_as_they_were():
    gan, weights = begin(0.9)
    found = standing_statistics(gan, weights, jax.random.key(1))
    assert found.params is weights.params
    assert found.stats["counter"] is weights.stats["counter"]


class Renamed(nn.Module):
    """Its only statistics, the mean of what it saw and how often, are in a collection of its own."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        seen = self.variable("seen", "mean", lambda: jnp.zeros(8))
        passes = self.variable("seen", "passes", lambda: jnp.zeros((), jnp.int32))
        self.variable("seen", "key", lambda: jax.random.key(3))
        if train and not self.is_initializing():
            seen.value = 0.9 * seen.value + 0.1 * latents.mean(0)
            passes.value += 1
        return (nn.Dense(16, name="pixels")(latents - seen.value[None])).reshape(len(latents), 4, 4, 1)


def test_those_of_another_name_are_measured_if_named_but_for_counters_and_keys():
    gan = GAN(Renamed(), toys.Discriminator(), optax.sgd(0.1), optax.sgd(0.1), latent_size=8)
    weights = init(gan, jax.random.key(0), toys.batch()).average
    key = jax.random.key(1)
    assert standing_statistics(gan, weights, key) is weights
    found = standing_statistics(gan, weights, key, batch_size=16, passes=3, collection="seen").stats["seen"]
    latents = [sample_latents(gan, jax.random.split(jax.random.fold_in(key, i))[0], 16) for i in range(3)]
    np.testing.assert_allclose(found["mean"], np.mean(latents, axis=(0, 1)), atol=1e-5)
    assert (found["passes"], found["key"]) == (0, jax.random.key(3))
    with pytest.raises(ValueError, match="no statistics 'sene', only seen"):
        standing_statistics(gan, weights, key, collection="sene")


def test_what_was_there_before_does_not_matter():
    gan, weights = begin(0.99)
    strange = jax.tree.map(lambda leaf: leaf * jnp.nan, weights.stats["batch_stats"])
    stats = [weights.stats, weights.stats | {"batch_stats": strange}]
    first, second = (measured(gan, Weights(weights.params, s), jax.random.key(1)) for s in stats)
    jax.tree.map(np.testing.assert_array_equal, first["batch_stats"], second["batch_stats"])


def test_they_are_those_of_the_weights_they_come_with():
    gan = toys.make()
    state = init(gan, jax.random.key(0), toys.batch())
    shifted = jax.tree.map(lambda leaf: leaf + 0.3, state.generator.weights.params)
    settled = standing_statistics(gan, Weights(shifted, state.average.stats), jax.random.key(0), passes=100)
    z = sample_latents(gan, jax.random.key(5), 20000)
    before_norm = z @ shifted["hidden"]["kernel"] + shifted["hidden"]["bias"][None]
    np.testing.assert_allclose(settled.stats["batch_stats"]["norm"]["mean"], before_norm.mean(0), atol=0.05)
    np.testing.assert_allclose(settled.stats["batch_stats"]["norm"]["var"], before_norm.var(0), rtol=0.1)


def test_networks_without_any_come_back_unchanged():
    gan = toys.make()
    bare = Weights(init(gan, jax.random.key(0), toys.batch()).average.params, {})
    assert standing_statistics(gan, bare, jax.random.key(0)) is bare
