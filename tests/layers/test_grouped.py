"""Grouped convolutions: every formulation against XLA's own, in value and in gradients of both orders."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normals

from gan_jax.layers.grouped import (
    GroupedConvolution,
    by_blocks,
    by_groups,
    by_products,
    by_xla,
    grouped_convolution,
    taps_by_groups,
    taps_by_xla,
)

FORMULATIONS = [grouped_convolution, by_groups, by_blocks, by_products]
CASES = [(3, 2, 4, 6), (3, 1, 2, 3), (1, 3, 6, 3), (3, 18, 36, 18)]  # k, groups (18: a loop), inputs, outputs


def both_orders(operator, x, kernel):
    """Value, gradient, and the gradient of a penalty on the gradient, as in R1."""
    loss = lambda x, kernel: jnp.sum(jnp.sin(operator(x, kernel)))
    slope = lambda x, kernel: sum(jnp.sum(jnp.square(g)) for g in jax.grad(loss, (0, 1))(x, kernel))
    return operator(x, kernel), jax.grad(loss, (0, 1))(x, kernel), jax.grad(slope, (0, 1))(x, kernel)


@pytest.fixture(scope="module")
def expected():
    """What XLA's own formulation gives for each case."""
    answers = {}
    for k, groups, inputs, outputs in CASES:
        x, kernel = normals(k, (2, 5, 4, inputs), (k, k, inputs // groups, outputs))
        answers[k, groups] = x, kernel, jax.jit(partial(both_orders, partial(by_xla, groups=groups)))(x, kernel)
    return answers


@pytest.mark.parametrize(("k", "groups"), [case[:2] for case in CASES])
@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_formulations_agree_in_value_and_in_gradients_of_both_orders(formulation, k, groups, expected):
    x, kernel, theirs = expected[k, groups]
    ours = jax.jit(partial(both_orders, partial(formulation, groups=groups)))(x, kernel)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3), ours, theirs)


@pytest.mark.parametrize(("k", "groups", "inputs", "outputs"), [*CASES, (5, 2, 4, 2)])
def test_both_formulations_of_the_kernels_gradient_agree(k, groups, inputs, outputs):
    x, y = normals(k, (2, 5, 4, inputs), (2, 5, 4, outputs))
    ours, theirs = taps_by_groups(x, y, groups, k), taps_by_xla(x, y, groups, k)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_every_output_group_sees_its_own_inputs_alone():
    x, kernel = normals(0, (1, 4, 4, 6), (3, 3, 2, 9))
    changed = x.at[:, :, :, 2:4].add(1.0)  # the inputs of the second of three groups
    difference = grouped_convolution(changed, kernel, 3) - grouped_convolution(x, kernel, 3)
    moved = np.any(np.asarray(difference) != 0, axis=(0, 1, 2))
    np.testing.assert_array_equal(moved, np.repeat([False, True, False], 3))


def test_groups_are_convolutions_side_by_side():
    x, kernel = normals(1, (2, 4, 4, 4), (5, 5, 2, 6))
    apart = [grouped_convolution(x[..., 2 * g : 2 * g + 2], kernel[..., 3 * g : 3 * g + 3], 1) for g in (0, 1)]
    np.testing.assert_allclose(grouped_convolution(x, kernel, 2), jnp.concatenate(apart, -1), atol=1e-5)


def test_batched_kernels_equal_one_at_a_time():
    x, kernels = normals(3, (2, 2, 4, 4, 4), (2, 3, 3, 2, 4))
    many = jax.jit(jax.vmap(lambda x, kernel: grouped_convolution(x, kernel, 2)))(x, kernels)
    one = jnp.stack([grouped_convolution(x[i], kernels[i], 2) for i in range(2)])
    np.testing.assert_allclose(many, one, atol=1e-5)


def test_half_precision_layer_keeps_float32_parameters():
    layer = GroupedConvolution(4, 3, 2, dtype=jnp.bfloat16)
    out, variables = layer.init_with_output(jax.random.key(0), jnp.ones((1, 4, 4, 2)))
    assert out.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    assert variables["params"]["kernel"].shape == (3, 3, 1, 4)


def test_layer_adds_its_bias():
    x = jnp.ones((1, 2, 2, 4))
    with_bias, without = GroupedConvolution(4, 3, 2), GroupedConvolution(4, 3, 2, use_bias=False)
    variables = with_bias.init(jax.random.key(0), x)
    variables["params"]["bias"] = jnp.arange(4.0)
    bare = {"params": {"kernel": variables["params"]["kernel"]}}
    difference = with_bias.apply(variables, x) - without.apply(bare, x)
    np.testing.assert_allclose(difference, jnp.broadcast_to(jnp.arange(4.0), (1, 2, 2, 4)), atol=1e-6)


def test_what_does_not_fit_is_refused():
    x = jnp.ones((1, 4, 4, 4))
    with pytest.raises(ValueError, match="4 and 6 channels do not split into 4 groups"):
        grouped_convolution(x, jnp.ones((3, 3, 1, 6)), 4)
    with pytest.raises(ValueError, match="2 is even"):
        grouped_convolution(x, jnp.ones((2, 2, 2, 4)), 2)
    with pytest.raises(ValueError, match="4 channels a group does not fit 4 channels in 2 groups"):
        grouped_convolution(x, jnp.ones((3, 3, 4, 4)), 2)
