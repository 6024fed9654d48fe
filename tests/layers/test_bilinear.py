"""Derivatives in both modes and under `jax.vmap`, of every operator, against those of XLA's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.convolution import convolution, transposed_convolution
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
