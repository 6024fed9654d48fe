"""Every formulation of the three operators against XLA's own, in value and in gradients."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normals

from gan_jax.layers import convolution
from gan_jax.layers.formulations import (
    Geometry,
    down_by_product,
    down_by_winograd,
    down_by_xla,
    taps_by_product,
    taps_by_rows,
    taps_by_rows_in_slices,
    taps_by_winograd,
    taps_by_xla,
    taps_in_slices,
    up_by_dilation,
    up_by_phases,
    up_by_product,
    up_by_winograd,
)

CASES = [(4, 2, 8), (5, 2, 7), (5, 2, 14), (5, 1, 7), (3, 1, 6), (3, 2, 9), (1, 1, 4), (1, 2, 5), (4, 4, 8)]
"""k, stride and size."""
FILTERED = [(4, 2, 8), (4, 2, 10), (5, 2, 7), (3, 1, 6), (3, 1, 5), (2, 1, 4), (3, 2, 9), (6, 2, 8)]
"""Those of two or three tiles."""

OPERATORS = {
    "down": (down_by_xla, [(down_by_winograd, FILTERED), (down_by_product, [(1, 1, 4)])]),
    "up": (up_by_dilation, [(up_by_phases, CASES), (up_by_product, CASES), (up_by_winograd, FILTERED)]),
    "taps": (
        taps_by_xla,
        [
            (taps_in_slices, CASES),
            (taps_by_rows_in_slices, CASES),
            (taps_by_winograd, FILTERED),
            (taps_by_product, [(1, 1, 4)]),
        ],
    ),
}
EVERY = [
    pytest.param(name, formulation, case, id=f"{formulation.__name__}-{case}")
    for name, (_, formulations) in OPERATORS.items()
    for formulation, cases in formulations
    for case in cases
]


@pytest.mark.parametrize(("name", "formulation", "case"), EVERY)
def test_formulations_agree_with_that_of_xla(name, formulation, case):
    k, stride, size = case
    large = size, size + 2 * stride  # wider than high
    small = tuple(-(-side // stride) for side in large)
    geometry = Geometry.same(large, small, k, stride)
    shapes = {"large": (6, *large, 3), "small": (6, *small, 5), "kernel": (k, k, 3, 5)}
    arrays = dict(zip(shapes, normals(size, *shapes.values()), strict=True))
    order = {
        "down": ("large", "kernel", "small"),
        "up": ("small", "kernel", "large"),
        "taps": ("large", "small", "kernel"),
    }
    a, b, weight = (arrays[n] for n in order[name])

    def values_and_gradients(operator):
        return operator(a, b, geometry), jax.grad(lambda a, b: jnp.vdot(operator(a, b, geometry), weight), (0, 1))(a, b)

    found, expected = jax.jit(lambda: [values_and_gradients(f) for f in (formulation, OPERATORS[name][0])])()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), found, expected)


@pytest.mark.parametrize("formulation", [taps_in_slices, taps_by_rows])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize(("inputs", "outputs"), [(5, 3), (3, 5)])
def test_taps_are_those_of_xla_whichever_image_has_fewer_channels(formulation, k, inputs, outputs):
    """One exchanges the images where the first has more, the other where it has fewer; of padded and whole windows."""
    for small, front, back in (((6, 8), (1, 0), (k - 2, k - 1)), ((7 - k, 9 - k), (0, 0), (0, 0))):
        geometry = Geometry(k, 1, (6, 8), small, front, back)
        x, y = normals(k, (6, 6, 8, inputs), (6, *small, outputs))
        np.testing.assert_allclose(
            formulation(x, y, geometry), taps_by_xla(x, y, geometry), rtol=1e-4, atol=1e-4, err_msg=str(geometry)
        )


def test_winograd_leaves_half_precision_alone():
    """Winograd's sums before the products would lose bits that bfloat16 does not have."""
    geometry = Geometry.same((32, 32), (32, 32), 3, 1)
    pays = lambda dtype: convolution._winograd_pays(jnp.zeros((32, 32, 32, 128), dtype), 128, 128, geometry, 96)
    assert pays(jnp.float32)
    assert not pays(jnp.bfloat16)


@pytest.mark.parametrize(
    ("side", "channels", "pays"), [(32, 32, True), (32, 16, False), (16, 64, True), (16, 32, False), (64, 64, False)]
)
def test_winograd_makes_small_maps_of_fewer_channels(side, channels, pays):
    geometry = Geometry.same((side, side), (side, side), 3, 1)
    x, kernel = jnp.zeros((2, side, side, channels)), jnp.zeros((3, 3, channels, channels))
    for operator in (convolution._down_on_cpu, convolution._up_on_cpu):
        made_of = str(jax.make_jaxpr(partial(operator, geometry=geometry))(x, kernel))
        assert ("conv_general_dilated" not in made_of) is pays
