"""What the core asks of a network: pure passes, and places that it marks."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

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


def test_a_network_without_marks_has_none():
    assert zero_marks(nn.Sequential([_Plain()]).layers[0], jnp.ones((2, 3)), None) == {}


class _Plain(nn.Module):
    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        return nn.Dense(1, name="dense")(inputs)
