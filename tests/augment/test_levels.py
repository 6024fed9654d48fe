"""Levels behind noise: how strong, how they belong together, and what augmentations do to them."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.augment.diffaugment import flip, sometimes
from gan_jax.augment.levels import noisy_levels, strengths

KEY = jax.random.key(0)


def test_strengths_are_the_papers():
    np.testing.assert_allclose(strengths(4), [0.885, 0.76, 0.51, 0.01])
    assert strengths(1) == [0.01]


def test_noise_has_the_deviation_of_its_level_and_is_one_path():
    shares = np.array(strengths(4))
    levels = np.stack(noisy_levels()(KEY, jnp.zeros((100, 16, 16, 4)))).reshape(4, -1)
    np.testing.assert_allclose(levels.std(axis=1), shares, rtol=0.02)
    # What level 3 has of the noise fades to (1 - t2) / (1 - t3) of it in level 2: so their correlation.
    wanted = [(1 - a) / (1 - b) * b / a for a, b in pairwise(shares)]
    found = [np.corrcoef(a, b)[0, 1] for a, b in pairwise(levels)]
    np.testing.assert_allclose(found, wanted, atol=0.01)


def test_an_image_is_itself_at_all_levels_and_levels_stay_in_their_places():
    image = jax.random.normal(KEY, (2, 4, 4, 3))
    of_image = noisy_levels()(KEY, image)
    same = noisy_levels()(KEY, (image,) * 4)
    jax.tree.map(np.testing.assert_array_equal, of_image, same)
    changed = noisy_levels()(KEY, (image, image, image + 1, image))
    differ = [float(jnp.max(jnp.abs(a - b))) for a, b in zip(changed, same, strict=True)]
    np.testing.assert_allclose(differ, [0, 0, 1 - strengths(4)[2], 0], atol=1e-5)
    with pytest.raises(ValueError, match="4 levels of an image, not for 2"):
        noisy_levels()(KEY, (image, image))


def test_an_augmentation_is_the_same_for_all_levels_of_an_image():
    image = jax.random.normal(KEY, (64, 4, 4, 1))
    levels = noisy_levels(augment=sometimes(flip, 0.4))(KEY, tuple(image + i for i in range(4)))
    plain = noisy_levels()(KEY, tuple(image + i for i in range(4)))
    # Behind equal noise, a level that was not mirrored is what it was.
    stayed = np.stack([np.all(np.isclose(a, b, atol=1e-5), axis=(1, 2, 3)) for a, b in zip(levels, plain, strict=True)])
    assert np.all(stayed == stayed[0])
    assert 0.4 < stayed[0].mean() < 0.8


def test_sometimes_is_for_each_image_by_itself():
    images = jnp.arange(400.0).reshape(100, 1, 4, 1)
    found = sometimes(flip, 0.4)(KEY, images)
    mirrored = np.all(found == images[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(mirrored | np.all(found == images, axis=(1, 2, 3)))
    assert 0.2 < mirrored.mean() < 0.6
