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
