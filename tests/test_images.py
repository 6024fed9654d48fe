"""The two ranges of images, and the sheet."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.images import check_range, sheet, to_bytes, to_float, to_picture


def test_every_byte_survives_the_round_trip():
    levels = jnp.arange(256).astype(jnp.uint8).reshape(1, 16, 16, 1)
    floats = to_float(levels)
    assert (floats.min(), floats.max()) == (-1.0, 1.0)
    np.testing.assert_array_equal(to_bytes(floats), levels)


def test_values_outside_the_range_are_clipped_not_wrapped():
    np.testing.assert_array_equal(to_bytes(jnp.array([-3.0, 3.0])), [0, 255])


def test_sheet_places_images_row_by_row():
    images = np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
    laid = sheet(images, 3)
    assert laid.shape == (5, 8, 3)
    assert [laid[0, 0, 0], laid[0, 3, 0], laid[0, 6, 0], laid[3, 0, 0], laid[3, 3, 0]] == [1, 2, 3, 4, 5]
    assert laid[3, 6, 0] == 0
    assert laid[2, :, :].max() == 0


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (4, 3), (16, 3)])
def test_of_floats_the_first_channels_are_shown_from_two_deviations_below_to_two_above(channels, shown):
    floats = np.linspace(-4, 4, 5, dtype=np.float32)[None, :, None, None] * np.ones((1, 5, 1, channels), np.float32)
    floats[..., shown:] = np.nan  # not looked at
    picture = to_picture(floats, deviation=1.0)
    assert picture.shape == (1, 5, 1, shown)
    assert picture[0, :, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_bytes_are_pictures_as_they_are_and_floats_without_a_deviation_are_in_their_usual_range():
    levels = np.arange(256).astype(np.uint8).reshape(1, 16, 16, 1)
    assert to_picture(levels) is levels
    np.testing.assert_array_equal(to_picture(to_float(jnp.asarray(levels))), levels)


def test_latents_with_tails_are_in_range_and_pictures_of_0_to_255_are_not():
    rng = np.random.default_rng(0)
    check_range(np.float32(rng.standard_t(4, size=(64, 8, 8, 4))) / np.float32(np.sqrt(2)))
    for wrong in (
        rng.uniform(0, 255, (2, 8, 8, 3)),
        rng.normal(size=(2, 8, 8, 4)) * 5,
        rng.uniform(0, 3, (2, 8, 8, 3)),
    ):
        with pytest.raises(ValueError, match="these reach"):
            check_range(np.float32(wrong))
