"""Minibatch deviation against its definition in loops, who shares a group, and what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import normal

from gan_jax.layers.minibatch import minibatch_deviation


@pytest.mark.parametrize(("group", "features"), [(4, 1), (2, 1), (4, 3), (8, 2), (1, 1)])
def test_new_channels_are_mean_deviations_of_each_group(group, features):
    x = np.asarray(normal(0, 8, 3, 2, 6))
    y = np.asarray(minibatch_deviation(jnp.asarray(x), group, features))
    assert y.shape == (8, 3, 2, 6 + features)
    np.testing.assert_array_equal(y[..., :6], x)
    for i in range(8):
        own = x[i % (8 // group) :: 8 // group]
        for f in range(features):
            run = own[..., f * (6 // features) : (f + 1) * (6 // features)]
            expected = np.mean(np.sqrt(np.var(run, axis=0) + 1e-8))
            np.testing.assert_allclose(y[i, ..., 6 + f], np.full((3, 2), expected), rtol=1e-5)


def test_deviation_of_a_batch_of_two_opposites_is_their_size():
    x = jnp.concatenate([jnp.full((1, 2, 2, 1), 3.0), jnp.full((1, 2, 2, 1), -3.0)])
    np.testing.assert_allclose(minibatch_deviation(x, 2)[..., 1], np.full((2, 2, 2), 3.0), rtol=1e-6)


def test_every_second_image_shares_one_of_two_groups():
    x = normal(0, 8, 2, 2, 3)
    before = minibatch_deviation(x, 4)[:, 0, 0, 3]
    moved = minibatch_deviation(x.at[5].add(1.0), 4)[:, 0, 0, 3]
    np.testing.assert_array_equal(moved[::2], before[::2])
    assert np.all(np.abs(moved[1::2] - before[1::2]) > 1e-3)


def test_small_batch_is_one_group():
    x = normal(0, 3, 2, 2, 3)
    np.testing.assert_array_equal(minibatch_deviation(x, 32), minibatch_deviation(x, 3))


def test_images_that_are_alike_have_finite_slopes():
    """Where a variance is zero its root would have an infinite slope, without the small number in it."""
    slope = jax.grad(lambda x: jnp.sum(minibatch_deviation(x, 4)[..., 3:]))
    second = jax.grad(lambda x: jnp.sum(slope(x) ** 2))
    x = jnp.broadcast_to(normal(0, 1, 2, 2, 3), (4, 2, 2, 3))
    assert np.all(np.isfinite(slope(x)))
    assert np.all(np.isfinite(second(x)))
    np.testing.assert_allclose(minibatch_deviation(x, 4)[..., 3], np.full((4, 2, 2), 1e-4), rtol=1e-3)


def test_half_precision_is_kept_but_not_computed_in():
    x = 100 + normal(0, 4, 2, 2, 3)
    y = minibatch_deviation(x.astype(jnp.bfloat16), 4)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(
        y[..., 3].astype(jnp.float32),
        minibatch_deviation(x.astype(jnp.bfloat16).astype(jnp.float32), 4)[..., 3],
        rtol=0.01,
    )


def test_what_does_not_split_is_refused():
    with pytest.raises(ValueError, match="a batch of 6 does not split into groups of 4; choose a multiple"):
        minibatch_deviation(normal(0, 6, 2, 2, 3), 4)
    with pytest.raises(ValueError, match="groups of 0"):
        minibatch_deviation(normal(0, 6, 2, 2, 3), 0)
    with pytest.raises(ValueError, match="3 channels do not split into 2 features"):
        minibatch_deviation(normal(0, 4, 2, 2, 3), 4, 2)
