"""Modulated convolutions against kernels made for every image, as the paper's equations write them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normal
from jax import lax

from gan_jax.layers.convolution import convolution
from gan_jax.layers.equalised import EqualisedConvolution
from gan_jax.layers.modulated import (
    ModulatedConvolution,
    demodulated_convolution,
    demodulation,
    modulated_convolution,
)
from gan_jax.layers.resampling import upsampling_convolution


def xla(x, kernel):
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def one_by_one(x, kernel, scales, operator, demodulate):
    """A kernel for every image: equation 1, then 3 if asked for, then the convolution of that image alone."""
    images = []
    for image, scale in zip(x, scales, strict=True):
        own = kernel * scale[None, None, :, None]
        if demodulate:
            own = own / jnp.sqrt(jnp.sum(own**2, axis=(0, 1, 2), keepdims=True) + 1e-8)
        images.append(operator(image[None], own)[0])
    return jnp.stack(images)


CASES = [(False, convolution, xla), (True, convolution, xla), (True, upsampling_convolution, upsampling_convolution)]


@pytest.mark.parametrize(("demodulate", "operator", "reference"), CASES)
def test_shared_kernel_is_as_good_as_one_for_every_image(demodulate, operator, reference):
    """In values and in all gradients: of the output's cubes, so that gradients depend on everything."""
    layer = demodulated_convolution if demodulate else modulated_convolution
    shared = lambda x, kernel, scales: layer(x, kernel, scales, operator)
    separate = lambda x, kernel, scales: one_by_one(x, kernel, scales, reference, demodulate)
    inputs = normal(0, 3, 4, 4, 5), normal(1, 3, 3, 5, 2), normal(2, 3, 5)

    def answers(function):
        objective = lambda *inputs: jnp.sum(function(*inputs) ** 3)
        return function(*inputs), jax.grad(objective, argnums=(0, 1, 2))(*inputs)

    got, expected = (jax.jit(lambda function=function: answers(function))() for function in (shared, separate))
    for ours, theirs in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.max(np.abs(theirs)))


def test_slopes_of_slopes_agree_too():
    """As in the path length penalty, which needs the gradient of ‖∂ / ∂scales‖²."""
    inputs = normal(0, 2, 4, 4, 3), normal(1, 3, 3, 3, 2), normal(2, 2, 3)

    def second(function):
        slope = lambda *inputs: jax.grad(lambda scales: jnp.sum(function(*inputs[:2], scales) ** 3))(inputs[2])
        return jax.jit(jax.grad(lambda *inputs: jnp.sum(slope(*inputs) ** 2), argnums=(0, 1, 2)))(*inputs)

    separate = lambda x, kernel, scales: one_by_one(x, kernel, scales, xla, True)
    for ours, theirs in zip(second(demodulated_convolution), second(separate), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.max(np.abs(theirs)))


def test_demodulated_outputs_have_deviation_one_whatever_the_scales():
    """Equation 2: independent inputs of deviation 1 through a kernel of norm 1. Modulated ones have the norm's."""
    x, kernel = normal(0, 64, 6, 6, 8), normal(1, 3, 3, 8, 4)
    scales = jnp.broadcast_to(10 * jnp.abs(normal(2, 1, 8)), (64, 8))
    inner = lambda y: np.asarray(y[:, 1:-1, 1:-1])
    norms = np.sqrt(np.sum((np.asarray(kernel) * np.asarray(scales[0])[:, None]) ** 2, axis=(0, 1, 2)))
    np.testing.assert_allclose(inner(demodulated_convolution(x, kernel, scales)).std((0, 1, 2)), np.ones(4), rtol=0.1)
    np.testing.assert_allclose(inner(modulated_convolution(x, kernel, scales)).std((0, 1, 2)), norms, rtol=0.1)
    np.testing.assert_allclose(demodulation(kernel, scales)[0], 1 / norms, rtol=1e-5)


def test_demodulation_forgets_the_size_of_scales_and_kernel_but_not_their_proportions():
    x, kernel, scales = normal(0, 2, 4, 4, 5), normal(1, 3, 3, 5, 2), normal(2, 2, 5)
    y = demodulated_convolution(x, kernel, scales)
    larger = jnp.array([2.0, 30.0])[:, None] * scales
    np.testing.assert_allclose(demodulated_convolution(x, 0.1 * kernel, larger), y, rtol=1e-4, atol=1e-5)
    assert not np.allclose(demodulated_convolution(x, kernel, scales.at[:, 0].multiply(2)), y, atol=1e-2)


def test_scales_of_zero_give_zeros_and_finite_slopes():
    x, kernel = normal(0, 1, 4, 4, 3), normal(1, 3, 3, 3, 2)
    objective = lambda scales: jnp.sum(demodulated_convolution(x, kernel, scales) ** 2)
    np.testing.assert_array_equal(objective(jnp.zeros((1, 3))), 0)
    assert np.all(np.isfinite(jax.grad(objective)(jnp.zeros((1, 3)))))


def test_layer_without_a_style_is_an_equalised_convolution_up_to_its_norm():
    """Scales start at 1 + a linear map of the style, so at 1 for a style of zeros."""
    x, layer = normal(0, 2, 4, 4, 5), ModulatedConvolution(3, demodulate=False)
    variables = layer.init(jax.random.key(1), x, jnp.zeros((2, 7)))
    params = dict(variables["params"])
    scales = params.pop("scales")
    assert scales["kernel"].shape == (7, 5)
    plain = EqualisedConvolution(3, 3).apply({"params": params}, x)
    np.testing.assert_allclose(layer.apply(variables, x, jnp.zeros((2, 7))), plain, rtol=1e-5, atol=1e-5)
    ratio = ModulatedConvolution(3).apply(variables, x, jnp.zeros((2, 7))) / plain
    norms = jnp.sqrt(jnp.sum(params["kernel"] ** 2, axis=(0, 1, 2)) / 45)
    np.testing.assert_allclose(ratio, jnp.broadcast_to(1 / norms[None, None, None, :], ratio.shape), rtol=1e-3)


def test_each_image_follows_its_own_style():
    x, styles, layer = normal(0, 2, 4, 4, 5), normal(1, 2, 7), ModulatedConvolution(3)
    y, variables = layer.init_with_output(jax.random.key(2), x, styles)
    moved = layer.apply(variables, x, styles.at[1].add(1.0))
    np.testing.assert_allclose(moved[0], y[0], rtol=1e-5, atol=1e-5)
    assert not np.allclose(moved[1], y[1], atol=1e-2)


@pytest.mark.parametrize(("operator", "pixels"), [(convolution, 4), (upsampling_convolution, 8)])
def test_half_precision_computes_with_float32_parameters(operator, pixels):
    layer = ModulatedConvolution(3, operator=operator, dtype=jnp.bfloat16)
    y, variables = jax.eval_shape(
        lambda: layer.init_with_output(jax.random.key(0), jnp.ones((1, 4, 4, 2)), jnp.ones((1, 7)))
    )
    assert (y.shape, y.dtype) == ((1, pixels, pixels, 3), jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
