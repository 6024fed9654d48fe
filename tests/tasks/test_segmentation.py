"""The class of every pixel: what a mask says, what is shown of it, and what is nobody's class."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.images import to_float
from gan_jax.tasks.segmentation import colours, segmentation

KEY = jax.random.key(0)
PICTURE = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
NUMBERS = np.array([[[0, 1, 2, 255]] * 3, [[2, 2, 3, 0]] * 3], np.uint8)
READ = to_float(np.concatenate([PICTURE, np.repeat(NUMBERS[..., None], 3, axis=-1)], axis=1))


def test_the_mask_below_a_picture_becomes_shares_and_what_is_no_class_has_none():
    batch = segmentation(3).make(KEY, READ)
    np.testing.assert_array_equal(batch.condition, to_float(PICTURE))
    expected = [[[[n == k for k in range(3)] for n in row] for row in mask] for mask in NUMBERS]
    np.testing.assert_array_equal(batch.images, np.array(expected, np.float32))


def test_every_byte_of_a_mask_is_read_as_it_is():
    mask = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    batch = segmentation(256).make(KEY, to_float(np.concatenate([mask, mask], axis=1)))
    np.testing.assert_array_equal(np.argmax(batch.images, axis=-1), mask[..., 0])


def test_classes_have_colours_of_their_own_the_first_is_black_and_nobodys_is_grey():
    task = segmentation(3)
    shown = np.asarray(task.shown(task.make(KEY, READ).images))
    assert shown.shape == (2, 3, 4, 3)
    assert shown[0, 0, 0].tolist() == [-1, -1, -1]
    assert shown[0, 0, 3].tolist() == shown[1, 0, 2].tolist() == [0, 0, 0]  # 255, and 3 of three classes
    assert len({tuple(colour) for colour in shown[0, 0]}) == 4
    np.testing.assert_array_equal(shown, task.truth(READ))
    np.testing.assert_array_equal(task.baseline(to_float(PICTURE)), -np.ones_like(shown))
    assert np.array_equal(colours(jnp.array([[[[0.2, 0.5, 0.3]]]]))[0, 0, 0], shown[0, 0, 1])
