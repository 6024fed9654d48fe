"""The three operators against XLA's own convolution, in value and in gradients of both orders."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normals
from jax import lax

from gan_jax.layers.convolution import (
    ReflectedConvolution,
    TransposedConvolution,
    convolution,
    inner_convolution,
    transposed_convolution,
)

LAYOUT = ("NHWC", "HWIO", "NHWC")


def reference(x, kernel, stride):
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=LAYOUT)


CASES = [(4, 2, 8), (5, 2, 7), (5, 2, 14), (5, 1, 7), (3, 1, 6), (3, 2, 9), (1, 1, 4), (1, 2, 5), (4, 4, 8)]


@pytest.mark.parametrize(("k", "stride", "size"), CASES)
def test_convolution_and_its_gradients_equal_those_of_xla(k, stride, size):
    x, kernel = normals(k, (2, size, size, 3), (k, k, 3, 5))

    def both_orders(operator):
        loss = lambda x, kernel: jnp.sum(jnp.sin(operator(x, kernel, stride)))
        slope = lambda x, kernel: jnp.sum(jnp.square(jax.grad(loss)(x, kernel)))
        return (
            operator(x, kernel, stride),
            jax.grad(loss, (0, 1))(x, kernel),
            jax.grad(slope, (0, 1))(x, kernel),
        )

    ours, theirs = both_orders(convolution), both_orders(reference)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-4), ours, theirs)


BY_ROWS, NARROWER_FIRST, STRIDED_ROWS = (3, 1, 16, 8, 12), (3, 1, 18, 32, 3), (4, 2, 32, 32, 80)


@pytest.mark.parametrize(("k", "stride", "size", "seen", "made"), [BY_ROWS, NARROWER_FIRST, STRIDED_ROWS])
def test_gradients_of_larger_maps_are_those_of_xla(k, stride, size, seen, made):
    """Of shapes that a CPU has formulations of its own for; five images are a slice and a rest."""
    x, kernel = normals(k, (5, size, size + 2 * (size < 32), seen), (k, k, seen, made))
    kernel /= k * jnp.sqrt(seen)
    slopes = lambda operator: jax.grad(lambda x, kernel: jnp.sum(jnp.sin(operator(x, kernel, stride))), (0, 1))
    ours, theirs = jax.jit(lambda: [slopes(operator)(x, kernel) for operator in (convolution, reference)])()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), ours, theirs)


def test_half_precision_loses_no_more_in_a_large_batch():
    x, kernel, y = normals(0, (64, 16, 16, 8), (3, 3, 8, 8), (64, 16, 16, 8))
    low = [array.astype(jnp.bfloat16) for array in (x, kernel, y)]
    taps = lambda x, kernel, y: jax.vjp(lambda kernel: convolution(x, kernel), kernel)[1](y)[0].astype(jnp.float32)
    found, exact = taps(*low), taps(*(array.astype(jnp.float32) for array in low))
    assert jnp.linalg.norm(found - exact) < 0.003 * jnp.linalg.norm(exact)


@pytest.mark.parametrize(
    ("k", "size", "seen", "made"), [(7, 9, 3, 5), pytest.param(3, 18, 128, 128, marks=pytest.mark.slow)]
)
def test_whole_windows_and_their_gradients_are_those_of_xla(k, size, seen, made):
    """The last are wide enough for Winograd's way."""
    x, kernel = normals(k, (2, size, size, seen), (k, k, seen, made))
    kernel /= jnp.sqrt(k * k * seen)
    theirs = lambda x, kernel: lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=LAYOUT)
    look = lambda operator: jax.value_and_grad(lambda x, kernel: jnp.sum(jnp.sin(operator(x, kernel))), (0, 1))
    found, expected = jax.jit(lambda: [look(operator)(x, kernel) for operator in (inner_convolution, theirs)])()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), found, expected)
    assert inner_convolution(x, kernel).shape == (2, size - k + 1, size - k + 1, made)


def test_a_reflected_border_is_the_inside_mirrored():
    x, kernel = normals(0, (2, 4, 6, 3), (7, 7, 3, 5))
    layer = ReflectedConvolution(5, 7)
    found = layer.apply({"params": {"kernel": kernel, "bias": jnp.arange(5.0)}}, x)
    inside = np.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)), "reflect")
    middle = reference(inside, kernel, 1)[:, 3:-3, 3:-3] + np.arange(5.0)[None, None, None]
    np.testing.assert_allclose(found, middle, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("k", "stride", "size"), [case for case in CASES if case[0] >= case[1]])
def test_transposed_convolution_is_the_adjoint_of_convolution(k, stride, size):
    small, large, kernel = normals(k, (2, size, size, 3), (2, stride * size, stride * size, 5), (k, k, 5, 3))
    up = transposed_convolution(small, kernel, stride)
    down = convolution(large, kernel, stride)
    assert up.shape == large.shape
    np.testing.assert_allclose(jnp.vdot(up, large), jnp.vdot(small, down), rtol=1e-4)


def test_one_pixel_paints_the_kernel():
    kernel = jnp.arange(16.0).reshape(4, 4, 1, 1)
    pixel = jnp.zeros((1, 3, 3, 1)).at[0, 1, 1, 0].set(1.0)
    painted = transposed_convolution(pixel, kernel, 2)[0, :, :, 0]
    np.testing.assert_array_equal(painted[1:5, 1:5], kernel[:, :, 0, 0])
    assert float(jnp.sum(painted)) == float(jnp.sum(kernel))


def test_kernel_smaller_than_stride_is_refused():
    with pytest.raises(ValueError, match="a kernel of 2 leaves holes at stride 3"):
        transposed_convolution(jnp.ones((1, 2, 2, 1)), jnp.ones((2, 2, 1, 1)), 3)


def test_half_precision_layer_keeps_float32_parameters():
    layer = TransposedConvolution(3, 4, 2, dtype=jnp.bfloat16)
    out, variables = layer.init_with_output(jax.random.key(0), jnp.ones((1, 4, 4, 2)))
    assert out.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


def test_batched_kernels_equal_one_at_a_time():
    x, kernels = normals(3, (3, 2, 6, 6, 2), (3, 4, 4, 3, 2))
    many = jax.vmap(lambda x, kernel: transposed_convolution(x, kernel, 2))(x, kernels)
    one = jnp.stack([transposed_convolution(x[i], kernels[i], 2) for i in range(3)])
    np.testing.assert_allclose(many, one, atol=1e-5)
