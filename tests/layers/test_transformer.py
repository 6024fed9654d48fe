"""The parts of a transformer, beside their formulas."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.multiplied import MultipliedDense
from gan_jax.layers.tokens import axial_angles, rotated
from gan_jax.layers.transformer import Attention, SwiGLU, in_pairs, normalised, stacked


def tokens(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def drawn(module, x):
    """Variables none of which is 0 or 1, so that each has a part in the output."""
    shapes = module.init(jax.random.key(0), x)
    leaves, structure = jax.tree.flatten(shapes)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    return jax.tree.unflatten(
        structure, [leaf + 0.3 * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)]
    )


def dense(params, x):
    return jnp.einsum("...i,io->...o", x, params["kernel"]) + jnp.broadcast_to(
        params["bias"], (*x.shape[:-1], params["bias"].size)
    )


def test_attention_is_that_of_normalised_turned_queries_and_keys():
    x = tokens(0, 2, 7, 16)
    module = Attention(heads=2, grid=(2, 3))  # one token more, without a place
    variables = drawn(module, x)
    params = variables["params"]
    q, k, v = (part.reshape(2, 7, 2, 8) for part in jnp.split(dense(params["joint"], x), 3, axis=-1))
    turn = lambda y: jnp.concatenate([y[:, :1], rotated(y[:, 1:], axial_angles((2, 3), 8))], axis=1)
    q, k = (
        turn(normalised(part) * params[name]["scale"][None, None, None]) for part, name in ((q, "query"), (k, "key"))
    )
    weights = jax.nn.softmax(jnp.einsum("bqhc,bkhc->bhqk", q, k) / np.sqrt(8), axis=-1)
    seen = jnp.einsum("bhqk,bkhc->bqhc", weights, v).reshape(2, 7, 16)
    np.testing.assert_allclose(module.apply(variables, x), dense(params["out"], seen), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("count", [5, 6])
def test_attention_in_pairs_never_hands_over_an_odd_number_of_tokens(monkeypatch, count):
    handed, attend = [], jax.nn.dot_product_attention
    told = lambda q, *others, **options: [handed.append(q.shape[1]), attend(q, *others, **options)][1]
    monkeypatch.setattr(jax.nn, "dot_product_attention", told)
    q, k, v = (tokens(seed, 2, count, 3, 8) for seed in range(3))
    loss = lambda attention: lambda *x: jnp.sum(jnp.sin(attention(*x, implementation="xla")))
    value, gradients = jax.value_and_grad(loss(in_pairs), (0, 1, 2))(q, k, v)
    assert handed == [6]
    expected, expected_gradients = jax.value_and_grad(loss(attend), (0, 1, 2))(q, k, v)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for gradient, right in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, right, atol=1e-5)


def test_heads_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="a grid of 4x4 has 16 tokens, not 7"):
        Attention(heads=2, grid=(4, 4)).init(jax.random.key(0), jnp.zeros((1, 7, 16)))
    with pytest.raises(ValueError, match="16 channels are no whole number for each of 3 heads"):
        Attention(3, (1, 1)).init(jax.random.key(0), jnp.zeros((1, 1, 16)))


def test_swiglu_is_gated_by_its_first_half():
    x = tokens(0, 2, 3, 6)
    variables = drawn(SwiGLU(), x)
    gate, values = jnp.split(dense(variables["params"]["joint"], x), 2, axis=-1)
    assert gate.shape[-1] == 16
    wanted = dense(variables["params"]["out"], gate * jax.nn.sigmoid(gate) * values)
    np.testing.assert_allclose(SwiGLU().apply(variables, x), wanted, rtol=1e-5, atol=1e-5)


def test_what_is_normalised_has_a_root_mean_square_of_1():
    np.testing.assert_allclose(jnp.mean(normalised(5 * tokens(0, 3, 9)) ** 2, axis=-1), 1, rtol=1e-4)
    assert normalised(jnp.ones((2, 4), jnp.bfloat16)).dtype == jnp.bfloat16


class Twice(nn.Module):
    """Something that a row of blocks can be checked by."""

    @nn.compact
    def __call__(self, x, other):
        return x * self.param("by", nn.initializers.normal(1.0), (1, 1)) + other, None


@pytest.mark.parametrize("unrolled", [False, True])
@pytest.mark.parametrize("recomputed", [False, True])
def test_stacked_blocks_are_one_after_another_each_with_its_own_parameters(recomputed, unrolled):
    x, other = tokens(0, 2, 3), tokens(1, 2, 3)
    module = stacked(Twice, 3, recomputed=recomputed, unrolled=unrolled)()
    variables = module.init(jax.random.key(0), x, other)
    by = variables["params"]["by"]
    assert by.shape == (3, 1, 1)
    assert len(np.unique(by)) == 3
    wanted = ((x * by[0] + other) * by[1] + other) * by[2] + other
    np.testing.assert_allclose(module.apply(variables, x, other)[0], wanted, rtol=1e-6)
    slope = jax.grad(lambda x: jnp.sum(module.apply(variables, x, other)[0]))(x)
    np.testing.assert_allclose(slope, jnp.broadcast_to(jnp.prod(by), x.shape), rtol=1e-5)
    assert ("while" in jax.jit(module.apply).lower(variables, x, other).as_text()) != unrolled
    slope = jax.jit(jax.grad(lambda v: jnp.sum(module.apply(v, x, other)[0])))
    # Else XLA finds that what is computed again was there before, and keeps it.
    assert ("optimization_barrier" in slope.lower(variables).as_text()) == unrolled


def test_a_multiplier_leaves_the_output_and_changes_how_fast_it_moves():
    x = tokens(0, 5, 8)

    def output_and_slope(multiplier):
        module = MultipliedDense(4, multiplier)
        variables = module.init(jax.random.key(0), x)
        slope = jax.grad(lambda v: jnp.sum(module.apply(v, x)))(variables)
        return module.apply(variables, x), slope["params"]["bias"]

    outputs, slopes = zip(*map(output_and_slope, (1.0, 0.01)), strict=True)
    np.testing.assert_allclose(*outputs, rtol=1e-5)
    np.testing.assert_allclose(
        slopes[1], 0.01 * slopes[0], rtol=1e-5
    )  # of a step of one size, and it is used 0.01 as large
