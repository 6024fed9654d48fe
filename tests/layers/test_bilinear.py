"""Derivatives in both modes and under `jax.vmap`, of every operator, against those of XLA's own."""

import re
from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.convolution import convolution, inner_convolution, transposed_convolution
from gan_jax.layers.formulations import Geometry, down_by_xla, up_by_dilation
from gan_jax.layers.grouped import by_xla, grouped_convolution

STRIDED = Geometry.same((8, 8), (4, 4), 4, 2)
PAIRS = {
    "down": (
        (partial(convolution, stride=2), partial(down_by_xla, geometry=STRIDED)),
        ((2, 8, 8, 3), (4, 4, 3, 2)),
    ),
    "up": (
        (partial(transposed_convolution, stride=2), partial(up_by_dilation, geometry=STRIDED)),
        ((2, 4, 4, 3), (4, 4, 2, 3)),
    ),
    "grouped": (
        (partial(grouped_convolution, groups=2), partial(by_xla, groups=2)),
        ((2, 4, 4, 4), (3, 3, 2, 6)),
    ),
}


def loss(operator, x, kernel):
    return jnp.sum(jnp.sin(operator(x, kernel)))


def tangents(operator, point, direction):
    return jax.jvp(operator, point, direction)


def hessian_product_forward_over_reverse(operator, point, direction):
    return jax.jvp(jax.grad(partial(loss, operator), (0, 1)), point, direction)


def hessian_product_reverse_over_forward(operator, point, direction):
    along = lambda *point: jax.jvp(partial(loss, operator), point, direction)[1]
    return jax.grad(along, (0, 1))(*point)


def gradients_of_one_image_at_a_time(operator, point, direction):
    one = lambda image, kernel: loss(operator, image[None], kernel)
    return jax.vmap(jax.grad(one, (0, 1)), (0, None))(*point)


def gradient_of_many_kernels(operator, point, direction):
    """Both arguments have lanes, which come last in the kernel; those of a scale outside are shared by the image."""
    x, kernel = point

    def summed(x, kernels):
        lane = lambda x, kernel, scale: loss(operator, x, kernel * scale)
        lanes = jax.vmap(jax.vmap(lane, (0, 4, None)), (None, None, 0))
        return jnp.sum(lanes(x, kernels, jnp.array([1.0, 0.5])))

    return jax.grad(summed, (0, 1))(jnp.stack([x, 2 * x]), jnp.stack([kernel, -kernel], 4))


DERIVATIVES = [
    tangents,
    hessian_product_forward_over_reverse,
    hessian_product_reverse_over_forward,
    gradients_of_one_image_at_a_time,
    gradient_of_many_kernels,
]


@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("name", PAIRS)
def test_derivatives_equal_those_of_xla(name, derivative):
    (ours, theirs), shapes = PAIRS[name]
    keys = jax.random.split(jax.random.key(0), 4)
    point = [jax.random.normal(key, shape) for key, shape in zip(keys[:2], shapes, strict=True)]
    direction = [jax.random.normal(key, shape) for key, shape in zip(keys[2:], shapes, strict=True)]
    found, expected = jax.jit(lambda: [derivative(f, tuple(point), tuple(direction)) for f in (ours, theirs)])()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), found, expected)


@pytest.mark.parametrize("name", PAIRS)
def test_elsewhere_than_on_a_cpu_they_are_xlas_own(name):
    """One program for both platforms has both. (A convolution down, so small, is XLA's on a CPU as well.)"""
    (ours, theirs), shapes = PAIRS[name]
    arrays = [jnp.zeros(shape) for shape in shapes]
    text = lambda operator, *platforms: jax.jit(operator).trace(*arrays).lower(lowering_platforms=platforms).as_text()
    operators = lambda text: Counter(re.findall(r"stablehlo\.(?!constant|case|return)\w+", text))
    assert operators(text(ours, "cuda")) == operators(text(theirs, "cuda"))
    assert operators(text(ours, "cpu")) != operators(text(theirs, "cpu")) or name == "down"
    assert operators(text(ours, "cpu", "cuda")) >= operators(text(ours, "cpu")) | operators(text(ours, "cuda"))


@pytest.mark.parametrize(
    ("operator", "image", "kernel"),
    [
        (convolution, (2, 8, 8, 3), (3, 3, 4, 8)),
        (convolution, (2, 8, 8, 3), (3, 1, 3, 8)),
        (convolution, (8, 8, 3), (3, 3, 3, 8)),
        (inner_convolution, (2, 8, 8, 3), (3, 3, 4, 8)),
        (transposed_convolution, (2, 8, 8, 3), (3, 3, 3, 8)),
        (partial(grouped_convolution, groups=3), (2, 8, 8, 3), (3, 1, 1, 6)),
        (partial(grouped_convolution, groups=3), (8, 8, 3), (3, 3, 1, 6)),
    ],
)
def test_a_kernel_that_does_not_fit_is_refused_before_anything_is_computed(operator, image, kernel):
    with pytest.raises(ValueError, match=rf"a kernel of \[{', '.join(map(str, kernel))}\] is not square, or does not"):
        operator(jnp.zeros(image), jnp.zeros(kernel))


@pytest.mark.parametrize("name", PAIRS)
def test_two_dtypes_are_refused_and_each_alone_is_kept(name):
    (ours, _), (x, kernel) = PAIRS[name]
    with pytest.raises(TypeError, match="multiplies arrays of one dtype, not of float32 and bfloat16"):
        jax.jit(ours)(jnp.zeros(x), jnp.zeros(kernel, jnp.bfloat16))
    low = jax.eval_shape(ours, *(jax.ShapeDtypeStruct(shape, jnp.bfloat16) for shape in (x, kernel)))
    assert low.dtype == jnp.bfloat16


@pytest.mark.parametrize("name", PAIRS)
def test_they_compute_where_jax_is_told_not_to_compile(name):
    """And say where a NaN came from, which JAX finds by doing so."""
    (ours, theirs), shapes = PAIRS[name]
    x, kernel = (jnp.ones(shape) for shape in shapes)
    with jax.disable_jit():
        found = jax.grad(lambda x: loss(ours, x, kernel))(x)
    np.testing.assert_allclose(found, jax.grad(lambda x: loss(theirs, x, kernel))(x), rtol=1e-4, atol=1e-4)
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jax.jit(ours)(x.at[0, 0, 0, :2].set(jnp.array([jnp.inf, -jnp.inf])), kernel)
