"""Conditional batch normalisation by hand."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.layers.normalisation import ConditionalBatchNorm

MAPS = 3 + 2 * jax.random.normal(jax.random.key(0), (4, 5, 5, 3))
TOLD = jax.nn.one_hot(jnp.array([0, 1, 1, 0]), 2)


def standardised(x):
    return (x - x.mean((0, 1, 2))[None, None, None]) / jnp.sqrt(x.var((0, 1, 2)) + 1e-5)[None, None, None]


def test_each_image_is_scaled_and_shifted_as_its_label_says():
    module = ConditionalBatchNorm()
    variables = module.init(jax.random.key(0), MAPS, TOLD, train=True)
    gain, shift = jax.random.normal(jax.random.key(1), (2, 2, 3))
    params = {"gain": {"kernel": gain}, "shift": {"kernel": shift}}
    y, _ = module.apply(variables | {"params": params}, MAPS, TOLD, train=True, mutable=["batch_stats"])
    label = jnp.array([0, 1, 1, 0])
    expected = standardised(MAPS) * (1 + gain[label])[:, None, None] + shift[label][:, None, None]
    np.testing.assert_allclose(y, expected, atol=1e-4)


def test_at_first_the_label_changes_nothing_and_without_one_it_is_batch_norm():
    told, _ = ConditionalBatchNorm().init_with_output(jax.random.key(0), MAPS, TOLD, train=True)
    plain, variables = ConditionalBatchNorm().init_with_output(jax.random.key(0), MAPS, None, train=True)
    np.testing.assert_allclose(told, standardised(MAPS), atol=1e-4)
    np.testing.assert_allclose(plain, told, atol=1e-5)
    assert set(variables["params"]["norm"]) == {"scale", "bias"}


def test_evaluation_reads_what_training_left_behind():
    module = ConditionalBatchNorm(momentum=0.0)
    variables = module.init(jax.random.key(0), MAPS, TOLD, train=True)
    _, moved = module.apply(variables, MAPS, TOLD, train=True, mutable=["batch_stats"])
    alone = module.apply(variables | moved, MAPS[:1], TOLD[:1], train=False)
    np.testing.assert_allclose(alone, standardised(MAPS)[:1], atol=1e-4)


def test_another_linear_map_may_be_given():
    linear = lambda features, name: nn.Dense(features, use_bias=False, kernel_init=nn.initializers.ones, name=name)
    y, _ = ConditionalBatchNorm(linear).init_with_output(jax.random.key(0), MAPS, TOLD, train=True)
    np.testing.assert_allclose(y, 2 * standardised(MAPS) + 1, atol=1e-4)


def test_statistics_stay_float32_under_bfloat16():
    y, variables = ConditionalBatchNorm().init_with_output(
        jax.random.key(0), MAPS.astype(jnp.bfloat16), TOLD, train=True
    )
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
