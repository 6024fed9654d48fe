"""Bands of frequencies: that they add up, that each is where it is said to be, and what gains do to them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.augment import filtering


def images(shape=(4, 16, 16, 3)):
    return jax.random.uniform(jax.random.key(0), shape, minval=-1.0)


def test_bands_add_up_to_the_signal():
    taps = filtering.filters()
    np.testing.assert_allclose(taps.sum(axis=0), np.eye(43)[21], atol=1e-12)


def test_filters_have_no_phase():
    np.testing.assert_allclose(filtering.filters(), filtering.filters()[:, ::-1], atol=1e-12)


@pytest.mark.parametrize("band", range(filtering.BANDS))
def test_each_band_is_loudest_within_its_octave(band):
    response = np.abs(np.fft.rfft(filtering.filters(), 4096))
    edges = np.array([0, 1 / 8, 1 / 4, 1 / 2, 1]) * 2048
    middle = int(edges[band] + edges[band + 1]) // 2
    assert np.argmax(response[:, middle]) == band
    # Every filter is between nothing and all at each frequency: none of them makes anything louder by itself.
    assert np.all(response < 1 + 1e-9)


@pytest.mark.parametrize("size", [4, 16, 31])
def test_gains_of_one_give_the_image_back(size):
    source = images((2, size, size + 1, 3))
    np.testing.assert_allclose(filtering.amplify(source, jnp.ones((2, 4))), source, atol=1e-5)


def test_one_gain_for_all_bands_acts_once_along_each_axis():
    source, gains = images(), jnp.array([0.5, 1.0, 2.0, 3.0])
    result = filtering.amplify(source, jnp.tile(gains[:, None], (1, 4)))
    np.testing.assert_allclose(result, source * gains[:, None, None, None] ** 2, rtol=1e-4, atol=1e-4)


def test_flat_images_hear_the_lowest_gain_only():
    flat = jnp.ones((1, 16, 16, 1))
    result = filtering.amplify(flat, jnp.array([[2.0, 5.0, 7.0, 11.0]]))
    np.testing.assert_allclose(result, 4 * flat, rtol=1e-4)


def test_a_checkerboard_hears_the_highest_gain_only():
    board = jnp.asarray((-1.0) ** np.add.outer(np.arange(64), np.arange(64)))[None, :, :, None]
    result = filtering.amplify(board, jnp.array([[5.0, 7.0, 11.0, 2.0]]))
    np.testing.assert_allclose(result, 4 * board, rtol=1e-4)


def test_images_are_filtered_each_by_its_own_gains_and_commute_with_mirroring():
    gains = jax.random.uniform(jax.random.key(1), (4, 4), minval=0.3, maxval=3.0)
    together = filtering.amplify(images(), gains)
    for i in range(4):
        alone = filtering.amplify(images()[i : i + 1, :, ::-1], gains[i : i + 1])[0, :, ::-1]
        np.testing.assert_allclose(together[i], alone, atol=1e-4)


def test_balanced_gains_keep_the_expected_power():
    gains = filtering.balanced(jnp.array([[3.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.2]]))
    np.testing.assert_allclose(np.square(gains) @ filtering.EXPECTED_POWER, 1.0, rtol=1e-6)
