"""Images and conditions that are images: one draw for both."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.augment import ada, as_it_is, pair
from gan_jax.augment.diffaugment import colour, cutout, translation

KEY = jax.random.key(3)
IMAGES = jax.random.uniform(jax.random.key(0), (16, 8, 8, 1), minval=-1.0)
EVERY = {"translation": translation, "cutout": cutout, "colour": colour}
EVERY |= {name: partial(getattr(ada, name), p=0.7) for name in ("blit", "warp", "cut", "tint", "tune")}


@pytest.mark.parametrize("name", EVERY)
def test_a_grey_image_and_its_copy_in_colour_stay_copies(name):
    images, condition = jax.jit(partial(pair, EVERY[name]))(KEY, IMAGES, jnp.repeat(IMAGES, 3, axis=3))
    assert not np.allclose(images, IMAGES, atol=0.1)
    np.testing.assert_allclose(condition, jnp.repeat(images, 3, axis=3), atol=1e-4)


def test_noise_is_as_strong_in_a_copy_in_colour_and_the_same_in_a_copy_of_as_many_channels():
    grain = partial(ada.grain, p=0.7)
    images, condition = pair(grain, KEY, jnp.zeros((16, 32, 32, 1)), jnp.zeros((16, 32, 32, 3)))
    grey, colour = jnp.std(images, axis=(1, 2, 3)), jnp.std(condition, axis=(1, 2, 3))
    assert 0 < jnp.sum(grey > 0) < 16
    np.testing.assert_allclose(grey, colour, rtol=0.15)
    assert not np.allclose(images, condition[..., :1])


@pytest.mark.parametrize("pipeline", [ada.grain, pytest.param(ada.full, marks=pytest.mark.slow)])
def test_copies_of_as_many_channels_stay_copies_through_noise(pipeline):
    images, condition = jax.jit(partial(pair, partial(pipeline, p=0.7)))(KEY, IMAGES, IMAGES)
    assert not np.allclose(images, IMAGES, atol=0.1)
    np.testing.assert_array_equal(images, condition)


@pytest.mark.parametrize("condition", [None, jnp.arange(16), jnp.ones((16, 5))], ids=["none", "labels", "attributes"])
def test_other_conditions_stay_and_images_look_as_without(condition):
    images, told = pair(translation, KEY, IMAGES, condition)
    assert told is condition
    np.testing.assert_array_equal(images, translation(KEY, IMAGES))


def test_conditions_of_another_size_are_refused_unless_nothing_moves():
    small = IMAGES[:, ::2, ::2]
    assert pair(as_it_is, KEY, IMAGES, small) == (IMAGES, small)
    with pytest.raises(ValueError, match="images of 8x8 and conditions of 4x4 cannot be augmented alike"):
        pair(translation, KEY, IMAGES, small)


def test_of_conditions_that_are_pytrees_each_image_is_augmented_as_the_images_are():
    told = {"image": IMAGES, "label": jnp.arange(16)}
    images, seen = pair(translation, KEY, IMAGES, told)
    np.testing.assert_array_equal(seen["image"], images)
    assert seen["label"] is told["label"]
    assert not np.array_equal(images, IMAGES)
