"""Features of patches move with the pixels of their patches, and in nothing else."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.augment import Moving, as_it_is, pair
from gan_jax.augment.diffaugment import colour, diff_augment, flip, sometimes, translation
from gan_jax.augment.levels import noisy_levels, strong
from gan_jax.augment.places import carried
from gan_jax.layers.tokens import to_patches
from gan_jax.sizes import laid
from gan_jax.types import Taught

KEY = jax.random.key(3)
PATCHES = jax.random.uniform(jax.random.key(0), (16, 24, 3), minval=-1.0)
IMAGES = PATCHES.reshape(16, 4, 6, 3).repeat(2, 1).repeat(2, 2)
"""Features of patches of 2x2 pixels, and images whose pixels are these."""

MOVES = diff_augment(partial(translation, ratio=0.4), sometimes(flip, 0.5))


@pytest.mark.parametrize(
    ("count", "size", "found"),
    [(1, 8, (1, 8)), (16, 8, (0, 2)), (17, 8, (1, 2)), (24, (8, 12), (0, 2)), (7, (8, 12), (1, 4)), (64, 8, (0, 1))],
)
def test_places_are_patches_that_fill_the_image_behind_one_of_the_whole_or_none(count, size, found):
    assert laid(count, size)[0] == found[0]
    assert count == 1 or laid(count, size) == found


@pytest.mark.parametrize("count", [0, 3, 5, 15, 18])
def test_any_other_number_lies_nowhere(count):
    with pytest.raises(ValueError, match=f"{count} features are neither one of the image, nor one for each patch of 9"):
        laid(count, 9)


def test_features_are_the_means_of_what_is_seen_of_their_patches():
    moved = MOVES(KEY, IMAGES)
    assert not np.allclose(moved, IMAGES)
    wanted = jnp.mean(to_patches(moved, 2).reshape(16, 24, 4, 3), axis=2)
    np.testing.assert_allclose(carried(MOVES, KEY, (8, 12), PATCHES), wanted, atol=1e-6)
    assert jnp.any(jnp.all(wanted == 0, axis=-1))  # where only what was outside is seen


def test_what_is_said_of_the_whole_image_stays():
    whole = jnp.ones((16, 1, 3))
    np.testing.assert_array_equal(carried(MOVES, KEY, (8, 12), whole), whole)
    both = carried(MOVES, KEY, (8, 12), jnp.concatenate([whole, PATCHES], axis=1))
    np.testing.assert_array_equal(both[:, :1], whole)
    np.testing.assert_array_equal(both[:, 1:], carried(MOVES, KEY, (8, 12), PATCHES))


def test_what_the_discriminator_of_levels_is_shown_moves_as_the_features_do():
    """The mark that moves with the image is one that colours, noise and holes leave to be found: its sign."""
    marks = jnp.where(PATCHES[..., :1] > 0, 1.0, -1.0)
    view = noisy_levels(augment=Moving(diff_augment(as_it_is, MOVES), diff_augment(as_it_is, MOVES)))
    seen, told = pair(view, KEY, IMAGES, Taught(jnp.arange(16), marks))
    np.testing.assert_array_equal(told.told, jnp.arange(16))
    own, _ = jax.random.split(KEY)
    wanted = carried(diff_augment(as_it_is, MOVES), own, (8, 12), marks)
    np.testing.assert_array_equal(told.features, wanted)
    jax.tree.map(np.testing.assert_array_equal, seen, view(KEY, IMAGES))


def test_the_strong_view_moves_pixels_and_features_by_one_draw():
    """Of white images on black all that is left of light tells where they have gone, whatever colours they have."""
    moved = strong.move(KEY, IMAGES)
    only = diff_augment(as_it_is, translation, as_it_is, sometimes(flip, 0.4))(KEY, IMAGES)
    np.testing.assert_array_equal(moved, only)
    seen = strong(KEY, jnp.ones_like(IMAGES))
    outside = strong.move(KEY, jnp.ones_like(IMAGES)) == 0
    assert jnp.any(outside)
    assert jnp.all(jnp.where(outside, seen, 0) == 0)


def test_features_stay_bit_for_bit_where_nothing_moves():
    for view in (as_it_is, noisy_levels()):
        _, told = pair(view, KEY, IMAGES, Taught(None, PATCHES))
        assert told.features is PATCHES


def test_generated_levels_are_moved_by_the_same_draw_as_one_image():
    _, told = pair(noisy_levels(augment=strong), KEY, IMAGES, Taught(None, PATCHES))
    _, same = pair(noisy_levels(augment=strong), KEY, (IMAGES,) * 4, Taught(None, PATCHES))
    np.testing.assert_array_equal(told.features, same.features)
    assert not np.array_equal(told.features, PATCHES)


def test_where_it_is_not_known_how_pixels_move_features_of_patches_are_refused():
    for view in (translation, noisy_levels(augment=translation)):
        with pytest.raises(ValueError, match="does not say how it moves; make it Moving, or bring features of whole"):
            pair(view, KEY, IMAGES, Taught(None, PATCHES))
    whole = PATCHES[:, :1]
    assert pair(colour, KEY, IMAGES, Taught(None, whole))[1].features is whole
