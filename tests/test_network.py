"""What the core asks of a network: pure passes, and places that it marks."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.network import evaluate, forward, init_weights, zero_marks

KEY = jax.random.key(0)


class Marked(nn.Module):
    """Twice its input, marked, times a weight."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        inner = self.perturb("inner", 2 * inputs)
        return self.param("weight", nn.initializers.constant(3.0), ()) * inner


def test_marks_are_no_part_of_the_weights_and_zero_ones_change_nothing():
    inputs = jnp.ones((2, 3))
    weights = init_weights(Marked(), KEY, inputs, None)
    assert weights.stats == {}
    marks = zero_marks(Marked(), inputs, None)
    assert jax.tree.leaves(marks)[0].shape == (2, 3)
    plain, _ = forward(Marked(), weights, KEY, inputs, None)
    marked, _ = forward(Marked(), weights, KEY, inputs, None, marks)
    np.testing.assert_array_equal(plain, marked)
    np.testing.assert_array_equal(plain, evaluate(Marked(), weights, inputs, None))


def test_slopes_at_marks_are_those_of_what_comes_after():
    inputs = jnp.ones((2, 3))
    weights = init_weights(Marked(), KEY, inputs, None)
    after = lambda marks: jnp.sum(forward(Marked(), weights, KEY, inputs, None, marks)[0])
    (slope,) = jax.tree.leaves(jax.grad(after)(zero_marks(Marked(), inputs, None)))
    np.testing.assert_array_equal(slope, jnp.full((2, 3), 3.0))


class Noisy(nn.Module):
    """Its inputs, moved by noise of a stream of its own, in training and in evaluation."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        weight = self.param("weight", nn.initializers.ones, ())
        return weight * inputs + jax.random.normal(self.make_rng("noise"), inputs.shape)


def test_noise_may_come_of_a_stream_of_any_name():
    inputs = jnp.zeros((2, 3))
    weights = init_weights(Noisy(), KEY, inputs, None)
    passes = [
        lambda key: forward(Noisy(), weights, key, inputs, None)[0],
        lambda key: evaluate(Noisy(), weights, inputs, None, key),
    ]
    for draw in passes:
        np.testing.assert_array_equal(draw(KEY), draw(KEY))
        assert not np.array_equal(draw(KEY), draw(jax.random.key(1)))


class _Plain(nn.Module):
    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        return nn.Dense(1, name="dense")(inputs)


class _Untold(nn.Module):
    @nn.compact
    def __call__(self, inputs, *, train=False):
        return inputs


class _AlwaysTraining(nn.Module):
    @nn.compact
    def __call__(self, inputs, condition=None):
        return inputs


class _Pyramid(nn.Module):
    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        return inputs, nn.Dense(1)(inputs)


@pytest.mark.parametrize("network", [_Untold(), _AlwaysTraining()])
def test_a_module_that_cannot_be_asked_is_named_with_what_was_expected(network):
    said = rf"{type(network).__name__}.__call__ takes .*; expected \(self, inputs, condition=None, \*, train=False\)"
    with pytest.raises(TypeError, match=said):
        init_weights(network, KEY, jnp.ones((2, 3)), None)


@pytest.mark.parametrize("network", [_Plain, (abs, abs), lambda x: x], ids=["class", "tuple", "function"])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(TypeError, match="any object with `init` and `apply`"):
        init_weights(network, KEY, jnp.ones((2, 3)), None)


def test_several_outputs_come_as_they_are():
    inputs = jnp.ones((2, 3))
    weights = init_weights(_Pyramid(), KEY, inputs, None)
    outputs, _ = forward(_Pyramid(), weights, KEY, inputs, None)
    assert isinstance(outputs, tuple)
    assert all(leaf.shape[0] == 2 for leaf in outputs)


@pytest.mark.parametrize("outputs", [(), {"logits": "many"}])
def test_what_is_no_array_nor_holds_any_is_refused_by_the_networks_name(outputs):
    network = Pair(lambda *_, **__: {"params": {}}, lambda *_, **__: (outputs, {}))
    with pytest.raises(TypeError, match=r"Pair returns a .*; a network returns an array"):
        forward(network, init_weights(network, KEY, jnp.ones((2, 3)), None), KEY, jnp.ones((2, 3)), None)


class Pair(NamedTuple):
    """A network written by hand."""

    init: Callable[..., Any]
    apply: Callable[..., Any]


def test_any_object_with_the_two_functions_is_a_network():
    def apply(variables, inputs, condition, *, train, rngs, mutable):
        return variables["params"] * inputs, {}

    double = Pair(lambda rngs, inputs, condition, *, train: {"params": jnp.float32(2)}, apply)
    weights = init_weights(double, KEY, jnp.ones((2, 3)), None)
    np.testing.assert_array_equal(evaluate(double, weights, jnp.ones((2, 3)), None), jnp.full((2, 3), 2.0))


def test_a_network_without_marks_has_none():
    assert zero_marks(nn.Sequential([_Plain()]).layers[0], jnp.ones((2, 3)), None) == {}
