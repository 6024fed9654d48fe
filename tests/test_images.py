"""The two ranges of images, and the sheet."""

import jax.numpy as jnp
import numpy as np

from gan_jax.images import sheet, to_bytes, to_float


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
