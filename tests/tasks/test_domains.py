"""Two domains: what is made of real images, what is shown of it, and what the truth is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.tasks.degradations import outlines
from gan_jax.tasks.domains import one_way, restyled, unpaired

KEY = jax.random.key(0)
ABOVE, BELOW = jax.random.uniform(jax.random.key(1), (2, 3, 8, 12, 1), minval=-1, maxval=1)
READ = jnp.concatenate([ABOVE, BELOW], axis=1)
negative = lambda images: -images


@pytest.mark.parametrize("reverse", [False, True])
def test_both_ways_are_learnt_and_one_of_them_is_shown(reverse):
    task = unpaired(reverse=reverse)
    batch = task.make(KEY, READ)
    for pair in (batch.images, batch.condition):
        np.testing.assert_array_equal(pair, (ABOVE, BELOW))
    given, wanted = (BELOW, ABOVE) if reverse else (ABOVE, BELOW)
    for function in (task.look, task.baseline):
        np.testing.assert_array_equal(function(batch.condition), given)
    np.testing.assert_array_equal(task.shown(batch.images), wanted)  # (F(b), G(a)) are as (a, b)
    np.testing.assert_array_equal(task.look(task.given(ABOVE, None)), ABOVE)
    assert task.marked(batch.condition).shape == (3, 1, 1, 1)
    assert task.truth is None


def test_of_restyled_images_the_truth_of_both_ways_is_known_and_in_no_batch():
    there, back = restyled(negative), restyled(negative, reverse=True)
    batch = there.make(KEY, READ)
    np.testing.assert_array_equal(batch.images, (-ABOVE, BELOW))
    np.testing.assert_array_equal(there.truth(READ), ABOVE)
    np.testing.assert_array_equal(back.truth(READ), -BELOW)
    np.testing.assert_array_equal(back.make(KEY, READ).images, batch.images)


def test_outlines_are_around_what_is_bright_on_grey_and_hide_what_is_inside():
    stroke = jnp.full((1, 9, 9, 1), -1.0).at[0, 3:6, 3:6].set(1)
    drawn = outlines(stroke, thickness=2)[0, :, :, 0]
    expected = np.full((9, 9), 0.25)
    expected[1:8, 1:8] = -1
    expected[3:6, 3:6] = 0.25
    np.testing.assert_allclose(drawn, expected, atol=1e-6)
    np.testing.assert_allclose(outlines(stroke / 2, thickness=1)[0, 2, 2, 0], -0.375, atol=1e-6)
    assert np.all(outlines(jnp.full((1, 4, 4, 3), 0.7)) == 0.25)
    with pytest.raises(ValueError, match="1 pixel thick or more, not 0"):
        outlines(stroke, thickness=0)


@pytest.mark.parametrize("reverse", [False, True])
def test_one_way_is_the_way_that_is_shown_with_its_truth(reverse):
    both = restyled(negative, reverse=reverse)
    task, pair = one_way(both), both.make(KEY, READ)
    batch = task.make(KEY, READ)
    given, wanted = (BELOW, -ABOVE) if reverse else (-ABOVE, BELOW)
    np.testing.assert_array_equal(batch.condition, given)
    np.testing.assert_array_equal(task.shown(batch.images), wanted)
    assert batch.images[1:] == ((),)
    for function in (task.look, task.baseline):
        np.testing.assert_array_equal(function(batch.condition), both.baseline(pair.condition))
    np.testing.assert_array_equal(task.given(ABOVE, None), ABOVE)
    assert task.marked(batch.condition).shape == (3, 1, 1, 1)
    np.testing.assert_array_equal(task.truth(READ), both.truth(READ))
    assert one_way(unpaired()).truth is None
