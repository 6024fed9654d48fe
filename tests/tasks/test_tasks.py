"""Tasks against known values: what is made of an image, what a person sees of it, and the step that is given it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import Batch
from gan_jax.images import to_float
from gan_jax.tasks import degradations
from gan_jax.tasks.inpainting import inpainting, mean_colour
from gan_jax.tasks.super_resolution import agreement, super_resolution
from gan_jax.tasks.task import made, through
from gan_jax.tasks.translation import colouring, from_edges, known_luma, pairs

KEY = jax.random.key(0)
IMAGES = jax.random.uniform(jax.random.key(1), (3, 8, 12, 3), minval=-1, maxval=1)

left_half = lambda key, shape: jnp.broadcast_to(jnp.arange(shape[2])[:, None] < shape[2] // 2, (*shape[:3], 1)) * 1.0
TASKS = {
    "super_resolution": (super_resolution(4), (3, 2, 3, 3)),
    "strokes": (inpainting(degradations.free_form_hole), (3, 8, 12, 4)),
    "boxes": (inpainting(degradations.box_hole), (3, 8, 12, 4)),
    "colouring": (colouring(), (3, 8, 12, 1)),
    "from_edges": (from_edges(), (3, 8, 12, 1)),
}
MAKE = {name: jax.jit(task.make) for name, (task, _) in TASKS.items()}
every = pytest.mark.parametrize("name", TASKS)


@every
def test_a_task_makes_the_image_of_something_given_as_large_as_it_says(name):
    task, shape = TASKS[name]
    batch = MAKE[name](KEY, IMAGES)
    np.testing.assert_array_equal(batch.images, IMAGES)
    assert (batch.condition.shape, batch.condition.dtype) == (shape, jnp.float32)
    assert -1 <= np.min(batch.condition) < np.max(batch.condition) <= 1
    assert task.baseline(batch.condition).shape == IMAGES.shape
    assert task.look(batch.condition).shape[:3] == IMAGES.shape[:3]
    marked = jnp.broadcast_to(task.marked(batch.condition), (3, 8, 12, 1))
    assert set(np.unique(marked)) <= {0, 1}
    assert np.all(np.sum(marked, axis=(1, 2, 3)) > 0)


@every
def test_what_is_made_is_a_function_of_key_and_images(name):
    first, again, other = (MAKE[name](key, IMAGES).condition for key in (KEY, KEY, jax.random.key(7)))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (name not in ("strokes", "boxes"))


def test_bytes_are_made_of_as_their_floats():
    images = np.asarray(jax.random.randint(KEY, (2, 8, 8, 3), 0, 256), np.uint8)
    ours, theirs = made(super_resolution(4), KEY, images), super_resolution(4).make(KEY, to_float(images))
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    assert ours.condition.dtype == jnp.float32


def test_super_resolution_is_given_a_smaller_image_and_compared_with_its_enlargement():
    task = super_resolution(4)
    given = task.make(KEY, IMAGES).condition
    np.testing.assert_array_equal(given, degradations.downsample(IMAGES, 4))
    np.testing.assert_array_equal(task.baseline(given), degradations.upsample(given, 4))
    seen = task.look(given)
    np.testing.assert_array_equal(seen[:, ::4, ::4], given)
    np.testing.assert_array_equal(seen[:, 3::4, 3::4], given)
    plain = jnp.full((1, 8, 8, 1), 0.25)
    np.testing.assert_allclose(task.baseline(task.make(KEY, plain).condition), plain, atol=1e-6)


def test_agreement_is_the_distance_of_what_was_made_smaller_from_what_was_given():
    batch = super_resolution(2).make(KEY, IMAGES)
    of = lambda images: agreement(3.0, 2)(KEY, lambda latents, told: images, None, batch)
    assert of(IMAGES)[0] == 0
    value, seen = of(jnp.clip(IMAGES, -0.5, 0.5))
    expected = np.mean(np.abs(degradations.downsample(jnp.clip(IMAGES, -0.5, 0.5), 2) - batch.condition))
    np.testing.assert_allclose((value, seen["g/inconsistency"]), (3 * expected, expected), rtol=1e-5)


def test_inpainting_shows_what_is_known_and_marks_what_is_not():
    task = inpainting(left_half)
    given = task.make(KEY, IMAGES).condition
    np.testing.assert_array_equal(given[:, :, :6], np.concatenate([IMAGES[:, :, :6], np.ones((3, 8, 6, 1))], axis=-1))
    np.testing.assert_array_equal(given[:, :, 6:], np.broadcast_to([0, 0, 0, -1], (3, 8, 6, 4)))
    np.testing.assert_array_equal(task.look(given), given[..., :3])
    np.testing.assert_array_equal(task.marked(given), 1 - left_half(KEY, IMAGES.shape))


def test_the_baseline_of_inpainting_is_the_mean_colour_of_what_is_known():
    task = inpainting(left_half)
    filled = task.baseline(task.make(KEY, IMAGES).condition)
    np.testing.assert_array_equal(filled[:, :, :6], IMAGES[:, :, :6])
    mean = np.mean(IMAGES[:, :, :6], axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(filled[:, :, 6:], np.broadcast_to(mean, (3, 8, 6, 3)), atol=1e-6)
    nothing_known = degradations.with_hole(IMAGES, jnp.zeros((3, 8, 12, 1)))
    assert np.all(mean_colour(nothing_known) == 0)


@pytest.mark.parametrize(("task", "draw"), [(colouring(), degradations.grey), (from_edges(), degradations.edges)])
def test_translation_is_given_another_drawing_which_is_its_own_baseline(task, draw):
    given = task.make(KEY, IMAGES).condition
    np.testing.assert_array_equal(given, draw(IMAGES))
    np.testing.assert_array_equal(task.look(given), given)
    np.testing.assert_array_equal(task.baseline(given), np.repeat(given, 3, axis=-1))
    assert np.all(task.marked(given) == 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_of_a_pair_the_left_is_given_and_the_right_is_made_or_the_other_way_round(reverse):
    left, right = IMAGES[:, :, :6], IMAGES[:, :, 6:]
    given, wanted = (right, left) if reverse else (left, right)
    task = pairs(reverse=reverse)
    batch = task.make(KEY, IMAGES)
    np.testing.assert_array_equal(batch.condition, given)
    np.testing.assert_array_equal(batch.images, wanted)
    np.testing.assert_array_equal(task.truth(IMAGES), wanted)
    for seen in (task.look, task.baseline):
        np.testing.assert_array_equal(seen(batch.condition), given)
    np.testing.assert_array_equal(task.given(IMAGES, None), IMAGES)  # of one's own: a picture is all that is given
    assert np.all(task.marked(batch.condition) == 1)


class AtStep(NamedTuple):
    """What of a state a task looks at."""

    key: Any
    step: Any


def seen_by(step_number, *, stacked=1, seed=0):
    """What a step is given of zeros, at a number of its own."""
    state = AtStep(jax.random.key(seed), jnp.int32(step_number))
    images = jnp.zeros((4, 8, 8, 1), jnp.uint8) if stacked == 1 else jnp.zeros((stacked, 4, 8, 8, 1), jnp.uint8)
    task = inpainting(degradations.box_hole)
    return through(task, lambda state, batch: batch, stacked=stacked)(state, Batch(images, jnp.arange(4)))


def test_the_step_is_given_what_the_task_makes_anew_at_each_step_and_alike_after_a_restart():
    first, again, next_one, other_run = seen_by(3), seen_by(3), seen_by(4), seen_by(3, seed=1)
    assert first.condition.shape == (4, 8, 8, 2)
    assert np.all(first.images == -1)
    np.testing.assert_array_equal(first.condition, again.condition)
    for other in (next_one, other_run):
        assert not np.array_equal(first.condition, other.condition)


def test_each_of_several_batches_has_draws_of_its_own():
    batch = seen_by(3, stacked=2)
    assert (batch.images.shape, batch.condition.shape) == ((2, 4, 8, 8, 1), (2, 4, 8, 8, 2))
    assert not np.array_equal(batch.condition[0], batch.condition[1])


def test_what_is_coloured_keeps_its_luma_and_pales_where_that_leaves_no_room():
    rng = np.random.default_rng(0)
    made, given = rng.uniform(-1, 1, (2, 4, 4, 3)), rng.uniform(-1, 1, (2, 4, 4, 1))
    given[0, 0], given[0, 1] = 1, -1
    kept = np.asarray(known_luma(jnp.array(made, jnp.float32), jnp.array(given, jnp.float32)))
    np.testing.assert_allclose(degradations.grey(kept), given, atol=1e-3)
    assert np.all(np.abs(kept) < 1.0011)
    np.testing.assert_allclose(kept[0, :2], np.broadcast_to(given[0, :2], (2, 4, 3)), atol=5e-3)  # white and black
    # Hues stay: colours are those that were made, all three of a pixel by one factor, which is 1 where they fit.
    colour, wanted = kept - given, made - np.asarray(degradations.grey(made))
    factor = np.sum(colour * wanted, axis=-1, keepdims=True) / np.sum(wanted * wanted, axis=-1, keepdims=True)
    np.testing.assert_allclose(colour, factor * wanted, atol=1e-5)
    fits = np.all(np.abs(given + wanted) <= 1, axis=-1, keepdims=True)
    np.testing.assert_allclose(factor[fits], 1, atol=1e-5)
    assert np.all(factor[~fits] < 1)
    assert np.any(fits)


def test_gradients_through_a_luma_that_is_kept_are_finite_everywhere_and_those_of_differences():
    given = jnp.array([-1.0, -0.9, 0.0, 0.3, 1.0]).reshape(1, 5, 1, 1)
    made = jnp.array(np.random.default_rng(1).uniform(-1, 1, (1, 5, 1, 3)), jnp.float32).at[0, 2].set(0.0)
    weights = jnp.array([0.3, -0.5, 0.9])[None, None, None]
    value = lambda images: jnp.sum(known_luma(images, given) * weights)
    assert np.all(np.isfinite(jax.grad(value)(made)))
    with jax.enable_x64(True):
        wide = jnp.asarray(made, jnp.float64).at[0, 2].set(0.01)  # at grey itself white and black have a corner
        slope, step = jax.grad(value)(wide), 1e-6
        for i in np.ndindex(wide.shape):
            moved = (value(wide.at[i].add(step)) - value(wide.at[i].add(-step))) / (2 * step)
            np.testing.assert_allclose(slope[i], moved, rtol=1e-4, atol=1e-6)


def test_a_luma_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"images \[1, 4, 4, 3\] have a luma \[1, 4, 4, 1\], not \[1, 2, 2, 1\]"):
        known_luma(jnp.zeros((1, 4, 4, 3)), jnp.zeros((1, 2, 2, 1)))


def test_what_makes_a_task_is_none():
    with pytest.raises(TypeError, match=r"task: expected a Task, such as tasks.super_resolution"):
        made(inpainting, jax.random.key(0), jnp.zeros((1, 4, 4, 1)))
    for factor in (0, 1.5, 2.0):
        with pytest.raises(ValueError, match=f"factor: a whole number from 1 up, not {factor}"):
            super_resolution(factor)
