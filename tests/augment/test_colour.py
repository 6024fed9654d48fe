"""Maps of colour against what they do to colours that one knows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.augment import colour

IMAGES = jax.random.uniform(jax.random.key(0), (2, 4, 4, 3), minval=-1.0)
AMOUNTS = jnp.array([0.3, -0.4])
GREY = np.mean(IMAGES, axis=-1, keepdims=True)
ROLLED = np.stack([np.roll(IMAGES[0], 1, axis=-1), np.roll(IMAGES[1], -1, axis=-1)])  # red to green, and to blue
per_image = lambda amounts: np.asarray(amounts)[:, None, None, None]


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (colour.brightness(AMOUNTS), IMAGES + per_image(AMOUNTS)),
        (colour.contrast(AMOUNTS), IMAGES * per_image(AMOUNTS)),
        (colour.luma_flip(jnp.array([True, False])), IMAGES - 2 * GREY * per_image([1, 0])),
        (colour.saturation(AMOUNTS), GREY + per_image(AMOUNTS) * (IMAGES - GREY)),
        (
            colour.hue(jnp.array([2, -2]) * np.pi / 3),
            jnp.stack([jnp.roll(IMAGES[0], 1, -1), jnp.roll(IMAGES[1], -1, -1)]),
        ),
    ],
    ids=["brightness", "contrast", "luma_flip", "saturation", "hue"],
)
def test_each_map_does_what_its_name_says(maps, expected):
    np.testing.assert_allclose(colour.recolour(IMAGES, maps), expected, atol=1e-6)


def test_hue_is_a_rotation_around_grey():
    angles = np.array([0.7, -2.5])
    turned = np.asarray(colour.hue(jnp.array(angles)), np.float64)[:, :3, :3]
    for matrix, angle in zip(turned, angles, strict=True):
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-6)
        np.testing.assert_allclose(matrix @ np.ones(3), np.ones(3), atol=1e-6)
        np.testing.assert_allclose([np.linalg.det(matrix), np.trace(matrix)], [1, 1 + 2 * np.cos(angle)], atol=1e-6)


def test_a_chain_is_a_product_with_the_first_on_the_right():
    first, then = colour.brightness(AMOUNTS), colour.contrast(AMOUNTS + 1)
    np.testing.assert_allclose(colour.chain(first, then), np.asarray(then) @ np.asarray(first), atol=1e-6)
    expected = (IMAGES + per_image(AMOUNTS)) * per_image(AMOUNTS + 1)
    np.testing.assert_allclose(colour.recolour(IMAGES, colour.chain(first, then)), expected, atol=1e-6)


def test_one_channel_is_treated_as_grey():
    maps = colour.chain(
        colour.brightness(AMOUNTS),
        colour.luma_flip(jnp.array([True, False])),
        colour.hue(AMOUNTS * 5),
        colour.contrast(AMOUNTS + 1),
        colour.saturation(AMOUNTS + 1),
    )
    grey = IMAGES[..., :1]
    coloured = colour.recolour(jnp.repeat(grey, 3, axis=-1), maps)
    np.testing.assert_allclose(coloured, jnp.repeat(colour.recolour(grey, maps), 3, axis=-1), atol=1e-6)


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(ValueError, match="of 1 or 3 channels, not 4"):
        colour.recolour(jnp.zeros((2, 4, 4, 4)), colour.brightness(AMOUNTS))


@pytest.mark.parametrize(
    ("build", "neutral"),
    [
        (colour.brightness, 0.0),
        (colour.contrast, 1.0),
        (colour.luma_flip, 0.0),
        (colour.hue, 0.0),
        (colour.saturation, 1.0),
    ],
)
def test_neutral_amounts_are_the_identity_bit_for_bit(build, neutral):
    np.testing.assert_array_equal(build(jnp.full(2, neutral)), np.tile(np.eye(4), (2, 1, 1)))
