"""Residual blocks: sizes, short cuts, and that what is cheap equals what is written."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.convolution import Convolution
from gan_jax.layers.normalisation import ConditionalBatchNorm
from gan_jax.layers.residual import DoublingBlock, HalvingBlock, doubled, halved

MAPS = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
LAYER = partial(Convolution, kernel_init=jax.nn.initializers.normal(0.2))


def test_doubling_and_halving_are_a_round_trip():
    np.testing.assert_allclose(halved(doubled(MAPS)), MAPS, atol=1e-6)
    assert doubled(MAPS).shape == (2, 8, 12, 3)
    np.testing.assert_array_equal(doubled(MAPS)[:, 3, 7], MAPS[:, 1, 3])


def test_odd_maps_cannot_be_halved():
    with pytest.raises(ValueError, match="3x6 pixels cannot be halved"):
        halved(MAPS[:, :3])


def test_the_short_cut_is_a_convolution_of_the_changed_size():
    norm = lambda name: ConditionalBatchNorm(name=name)
    up = DoublingBlock(5, LAYER, norm)
    y, variables = up.init_with_output(jax.random.key(1), MAPS, None, train=True)
    assert y.shape == (2, 8, 12, 5)
    silent = variables["params"] | {"convolution_1": jax.tree.map(jnp.zeros_like, variables["params"]["convolution_1"])}
    y, _ = up.apply(variables | {"params": silent}, MAPS, None, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, doubled(MAPS) @ silent["short"]["kernel"][0, 0], atol=1e-5)

    down = HalvingBlock(5, LAYER)
    y, variables = down.init_with_output(jax.random.key(1), MAPS)
    assert y.shape == (2, 2, 3, 5)
    silent = variables["params"] | {"convolution_1": jax.tree.map(jnp.zeros_like, variables["params"]["convolution_1"])}
    y = down.apply({"params": silent}, MAPS)
    np.testing.assert_allclose(y, halved(MAPS @ silent["short"]["kernel"][0, 0]), atol=1e-5)


def test_a_block_that_changes_nothing_has_the_identity_for_a_short_cut():
    block = HalvingBlock(3, LAYER, halve=False)
    variables = block.init(jax.random.key(1), MAPS)
    assert set(variables["params"]) == {"convolution_0", "convolution_1"}
    silent = jax.tree.map(jnp.zeros_like, variables)
    np.testing.assert_array_equal(block.apply(silent, MAPS), MAPS)


def test_the_first_block_sees_the_image_itself():
    """A rectifier before it would hide all that is dark."""
    dark = -jnp.abs(MAPS)
    for first in (True, False):
        block = HalvingBlock(4, LAYER, first=first)
        variables = block.init(jax.random.key(1), dark)
        _, seen = block.apply(variables, dark, capture_intermediates=True, mutable=["intermediates"])
        assert bool(jnp.any(seen["intermediates"]["convolution_0"]["__call__"][0] != 0)) == first
