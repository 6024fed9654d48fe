"""Images as tokens, and what tokens know of their places."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.tokens import axial_angles, from_patches, rotated, sine_cosine, to_patches


def test_patches_hold_their_pixels_row_by_row_and_go_back():
    images = jnp.arange(2 * 4 * 6 * 3.0).reshape(2, 4, 6, 3)
    tokens = to_patches(images, 2)
    assert tokens.shape == (2, 6, 12)
    np.testing.assert_array_equal(tokens[1, 4], images[1, 2:4, 2:4].reshape(-1))  # second row, second column
    np.testing.assert_array_equal(from_patches(tokens, (4, 6), 2), images)


def test_a_size_that_patches_do_not_fill_is_refused():
    with pytest.raises(ValueError, match="patches of 4x4 pixels do not fill images of 8x6"):
        to_patches(jnp.zeros((1, 8, 6, 3)), 4)


def test_the_code_of_a_place_is_sines_and_cosines_of_its_column_then_its_row():
    code = sine_cosine((2, 3), 8)
    assert code.shape == (6, 8)
    column, row = 2, 1
    of = lambda place: [np.sin(place), np.sin(place / 100), np.cos(place), np.cos(place / 100)]
    np.testing.assert_allclose(code[row * 3 + column], [*of(column), *of(row)], rtol=1e-6)
    with pytest.raises(ValueError, match="channels that 4 divides; 6 are not"):
        sine_cosine((2, 3), 6)


def test_products_of_rotated_tokens_know_the_distance_alone():
    query, key = (jnp.broadcast_to(jax.random.normal(jax.random.key(i), (8,)), (1, 20, 1, 8)) for i in (0, 1))
    angles = axial_angles((4, 5), 8)
    products = np.einsum("bqhc,bkhc->qk", rotated(query, angles), rotated(key, angles)).reshape(4, 5, 4, 5)
    np.testing.assert_allclose(products[0, 1, 2, 3], products[1, 2, 3, 4], rtol=1e-5)
    assert abs(products[0, 1, 2, 3] - products[0, 1, 3, 3]) > 1e-3  # another row
    assert abs(products[0, 1, 2, 3] - products[0, 1, 2, 4]) > 1e-3  # another column
    np.testing.assert_allclose(
        jnp.linalg.norm(rotated(query, angles), axis=-1), jnp.linalg.norm(query, axis=-1), rtol=1e-5
    )
