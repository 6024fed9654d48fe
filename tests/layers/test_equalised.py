"""Equalised learning rates: the scale in use, the start, and what a multiplier changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.convolution import convolution
from gan_jax.layers.equalised import EqualisedConvolution, EqualisedDense
from gan_jax.layers.resampling import downsampling_convolution


def draw(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


@pytest.mark.parametrize("layer", [EqualisedDense(64), EqualisedConvolution(64, 3)])
def test_kernels_start_at_deviation_one_and_outputs_keep_that_of_inputs(layer):
    x = draw(0, 8, 8, 8, 32)
    y, variables = layer.init_with_output(jax.random.key(1), x)
    np.testing.assert_allclose(np.std(variables["params"]["kernel"]), 1, rtol=0.05)
    np.testing.assert_array_equal(variables["params"]["bias"], np.zeros(64))
    np.testing.assert_allclose(np.std(y[:, 1:-1, 1:-1]), 1, rtol=0.05)


def test_dense_layer_is_its_formula():
    x, params = draw(0, 4, 6), {"kernel": draw(1, 6, 3), "bias": draw(2, 3)}
    expected = np.asarray(x) @ (0.5 * np.asarray(params["kernel"]) / np.sqrt(6)) + 0.5 * np.asarray(params["bias"])
    y = EqualisedDense(3, multiplier=0.5).apply({"params": params}, x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("operator", [convolution, downsampling_convolution])
def test_convolution_is_its_formula(operator):
    x, params = draw(0, 2, 4, 4, 5), {"kernel": draw(1, 3, 3, 5, 2), "bias": draw(2, 2)}
    expected = operator(x, params["kernel"] / np.sqrt(9 * 5)) + params["bias"][None, None, None, :]
    y = EqualisedConvolution(2, 3, operator=operator).apply({"params": params}, x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_multiplier_keeps_the_first_outputs_and_scales_what_a_step_of_the_parameters_does():
    x = draw(0, 4, 6)
    layers = [EqualisedDense(3, bias_start=1.0, multiplier=m) for m in (1.0, 0.01)]
    (plain, whole), (slow, large) = (layer.init_with_output(jax.random.key(1), x) for layer in layers)
    np.testing.assert_allclose(slow, plain, rtol=1e-5, atol=1e-5)
    stepped = [
        layer.apply(jax.tree.map(lambda p: p + 1, v), x) for layer, v in zip(layers, (whole, large), strict=True)
    ]
    np.testing.assert_allclose(stepped[1] - slow, 0.01 * (stepped[0] - plain), atol=1e-5)


def test_bias_starts_where_it_should_and_may_be_absent():
    y, variables = EqualisedDense(3, bias_start=2.0, multiplier=0.1).init_with_output(
        jax.random.key(0), jnp.zeros((1, 4))
    )
    np.testing.assert_allclose(y, np.full((1, 3), 2.0), rtol=1e-6)
    np.testing.assert_allclose(variables["params"]["bias"], np.full(3, 20.0), rtol=1e-6)
    for layer in (EqualisedDense(3, use_bias=False), EqualisedConvolution(3, 1, use_bias=False)):
        params = jax.eval_shape(lambda layer=layer: layer.init(jax.random.key(0), jnp.zeros((1, 4, 4, 4))))["params"]
        assert set(params) == {"kernel"}


@pytest.mark.parametrize(
    "layer", [EqualisedDense(4, dtype=jnp.bfloat16), EqualisedConvolution(4, 3, dtype=jnp.bfloat16)]
)
def test_half_precision_computes_with_float32_parameters(layer):
    y, variables = jax.eval_shape(lambda: layer.init_with_output(jax.random.key(0), jnp.ones((1, 4, 4, 4))))
    assert y.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
