"""A state with the networks of another: what is taken, what is fresh, and what stays."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toys
from gan_jax import averaging, init
from gan_jax.run.checkpoints import to_arrays
from gan_jax.transfer import NETWORKS, taken_over

GAN = replace(toys.make(), more_averages={"slow": averaging.ema(0.9)})


@pytest.fixture(scope="module")
def ours():
    return init(GAN, jax.random.key(0), toys.batch())


@pytest.fixture(scope="module")
def theirs():
    """Of another seed, and a run: all that a state has is other than ours, and averages are not what they are of."""
    state = init(GAN, jax.random.key(1), toys.batch())
    floats = lambda leaf: jnp.issubdtype(leaf.dtype, jnp.floating)
    moved = jax.tree.map(lambda leaf: leaf + 0.5 if floats(leaf) else leaf, state)
    return moved._replace(step=jnp.array(7), average=jax.tree.map(lambda leaf: 2 * leaf, moved.average))


def test_networks_and_averages_are_theirs_and_all_else_is_ours(ours, theirs):
    given = to_arrays(theirs)
    state, report = taken_over(ours, given)
    found, own = to_arrays(state), to_arrays(ours)
    for name in found:
        np.testing.assert_array_equal(found[name], (given if name.startswith(NETWORKS) else own)[name], err_msg=name)
    assert report.taken.keys() == {name for name in own if name.startswith(NETWORKS)}
    assert (report.fresh, report.left) == ({}, ())
    assert report.taken["generator.weights.params.hidden.kernel"] == (8, 16)
    assert jax.tree.structure(state) == jax.tree.structure(ours)


def test_what_does_not_fit_is_ours_and_said_with_both_shapes(ours, theirs):
    given = to_arrays(theirs)
    given["discriminator.weights.params.hidden.kernel"] = np.zeros((17, 16), np.float32)
    given["discriminator.weights.params.logit.bias"] = np.zeros(1, np.int32)
    given["discriminator.weights.params.lost.kernel"] = np.zeros((2, 2))
    del given["discriminator.weights.params.logit.kernel"]
    state, report = taken_over(ours, given)
    assert report.fresh == {
        "discriminator.weights.params.hidden.kernel": "17x16 there, 16x16 here",
        "discriminator.weights.params.logit.bias": "int32 there, float32 here",
        "discriminator.weights.params.logit.kernel": "not there",
    }
    assert report.left == ("discriminator.weights.params.lost.kernel",)
    mine = lambda state: state.discriminator.weights.params
    np.testing.assert_array_equal(mine(state)["hidden"]["kernel"], mine(ours)["hidden"]["kernel"])
    np.testing.assert_array_equal(mine(state)["hidden"]["bias"], mine(theirs)["hidden"]["bias"])


@pytest.mark.parametrize("known", ["average.", "generator.weights."])
def test_a_generator_and_its_averages_stand_for_each_other(known, ours, theirs):
    given = {name: array for name, array in to_arrays(theirs).items() if name.startswith(known)}
    state, report = taken_over(ours, given)
    wanted = theirs.average if known == "average." else theirs.generator.weights
    for weights in (state.generator.weights, state.average, state.more_averages["slow"]):
        jax.tree.map(np.testing.assert_array_equal, weights, wanted)
    assert all(name.startswith("discriminator.") for name in report.fresh)
    assert report.left == ()


def test_arrays_are_copied_in_our_dtypes(ours, theirs):
    given = {name: jnp.asarray(array, jnp.float16) for name, array in to_arrays(theirs).items() if "average" in name}
    state, _ = taken_over(ours, given)
    buffers = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves((state.generator.weights, state.average))]
    assert len(set(buffers)) == len(buffers)
    assert {leaf.dtype for leaf in jax.tree.leaves(state.average)} == {jnp.dtype(jnp.float32)}


def test_shapes_are_enough_where_all_fits(ours, theirs):
    shapes = jax.eval_shape(lambda: ours)
    state, report = taken_over(shapes, to_arrays(theirs))
    assert not report.fresh
    jax.tree.map(np.testing.assert_array_equal, state.generator.weights, theirs.generator.weights)
