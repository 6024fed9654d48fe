"""Transformations of places: exact where pixels only move, true to straight ramps where they are resampled."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax.augment import geometry

EYE = jnp.eye(2)[None]
resample = jax.jit(geometry.resample)


def images(shape=(4, 8, 8, 3), seed=0):
    return jax.random.normal(jax.random.key(seed), shape)


def rotation(angle):
    return jnp.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])[None]


def test_marked_images_are_flipped():
    flipped = geometry.flip(images(), jnp.array([True, False, True, False]))
    np.testing.assert_array_equal(flipped[::2], np.flip(images()[::2], 2))
    np.testing.assert_array_equal(flipped[1::2], images()[1::2])


def test_turns_are_those_of_numpy():
    turned = geometry.turn(images(), jnp.arange(4))
    for quarters in range(4):
        np.testing.assert_array_equal(turned[quarters], np.rot90(images()[quarters], quarters))


def test_only_square_images_can_be_turned():
    with pytest.raises(ValueError, match="square images only, not of 8x6"):
        geometry.turn(jnp.zeros((4, 8, 6, 1)), jnp.arange(4))


def test_images_of_any_shape_are_turned_by_a_half():
    turned = geometry.turn_over(images((2, 8, 6, 3)), jnp.array([True, False]))
    np.testing.assert_array_equal(turned[0], np.rot90(images((2, 8, 6, 3))[0], 2))
    np.testing.assert_array_equal(turned[1], images((2, 8, 6, 3))[1])


def test_shifts_are_those_of_an_image_mirrored_at_its_edges():
    pixels = np.array([[0, 0], [2, -3], [-5, 1], [7, 7]])
    shifted = geometry.shift(images((4, 8, 9, 3)), jnp.array(pixels))
    padded = np.pad(images((4, 8, 9, 3)), [(0, 0), (7, 7), (7, 7), (0, 0)], mode="reflect")
    for i, (down, right) in enumerate(pixels):
        np.testing.assert_array_equal(shifted[i], padded[i, 7 - down : 15 - down, 7 - right : 16 - right])


def test_the_filter_is_orthonormal_to_its_shifts_and_keeps_polynomials():
    taps = geometry.SYM6
    np.testing.assert_allclose([taps[2 * n :] @ taps[: 12 - 2 * n] for n in range(6)], [1, 0, 0, 0, 0, 0], atol=1e-10)
    place = np.arange(12) - 5.5
    alternating = np.where(np.arange(12) % 2, -1, 1) * taps
    np.testing.assert_allclose([alternating @ place**power for power in range(6)], 0, atol=1e-9)


def test_the_identity_gives_the_image_back_borders_included():
    same = resample(images((2, 8, 13, 3)), jnp.tile(EYE, (2, 1, 1)), jnp.zeros((2, 2)))
    np.testing.assert_allclose(same, images((2, 8, 13, 3)), atol=1e-5)


def test_a_shift_by_whole_pixels_moves_them():
    source = images((1, 24, 24, 1))
    moved = resample(source, EYE, jnp.array([[3.0, -2.0]]))
    expected = geometry.shift(source, jnp.array([[3, -2]]))
    np.testing.assert_allclose(moved[:, 6:-6, 6:-6], expected[:, 6:-6, 6:-6], atol=1e-5)


@pytest.mark.parametrize(
    ("inverse", "pixels"),
    [
        (0.5 * rotation(0.7), (0.0, 0.0)),
        (0.4 * rotation(-2.0), (1.3, -2.6)),
        (jnp.array([[[0.3, 0.0], [0.0, 0.6]]]), (0.25, 0.5)),
        (EYE, (0.3, -0.7)),
    ],
)
def test_each_pixel_shows_the_place_that_it_comes_from(inverse, pixels):
    size = 32
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    ramps = jnp.array(np.stack([rows, columns], -1)[None], jnp.float32)
    shown = resample(ramps, inverse, jnp.array([pixels]))[0]
    centre = (size - 1) / 2
    out = np.stack([rows, columns], -1) - centre - np.array(pixels)
    expected = out @ np.asarray(inverse[0], np.float64).T + centre
    inside = np.all((expected > 8) & (expected < size - 9), axis=-1)
    assert np.mean(inside) > 0.2
    np.testing.assert_allclose(shown[inside], expected[inside], atol=1e-3)


def test_a_rotation_by_a_quarter_is_the_turn_of_a_smooth_image():
    wave = np.cos(0.4 * np.arange(24))[:, None] * np.sin(0.3 * np.arange(24) + 1)[None, :]
    smooth = jnp.array(wave[None, ..., None], jnp.float32)
    turned = resample(smooth, rotation(-np.pi / 2), jnp.zeros((1, 2)))
    np.testing.assert_allclose(turned, geometry.turn(smooth, jnp.array([1])), atol=0.03)


def test_a_pattern_that_is_too_fine_for_the_shrunken_image_fades():
    board = jnp.array(np.indices((32, 32)).sum(0) % 2 * 2.0 - 1)[None, ..., None].astype(jnp.float32)
    shrunken = resample(board, 2 * EYE, jnp.array([[0.25, 0.25]]))
    assert jnp.max(jnp.abs(shrunken[:, 12:20, 12:20])) < 0.1


def test_gradient_is_that_of_finite_differences():
    inverse, pixels = 1.3 * rotation(0.5), jnp.array([[0.4, 1.1]])
    check_grads(lambda x: resample(x, inverse, pixels), (images((1, 6, 6, 1)),), order=1, modes=["rev"], rtol=1e-2)


def test_jit_changes_nothing():
    arguments = images((1, 8, 8, 1)), 1.3 * rotation(0.5), jnp.array([[0.4, 1.1]])
    np.testing.assert_allclose(resample(*arguments), geometry.resample(*arguments), atol=1e-5)
