"""Differentiable augmentation: what each policy may do, and nothing else."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax.augment.diffaugment import colour, cutout, diff_augment, translation

KEY = jax.random.key(3)
POLICIES = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
    "all": diff_augment(colour, translation, cutout),
}
each = pytest.mark.parametrize("name", POLICIES)


def images(shape=(8, 8, 8, 3), seed=0):
    return jax.random.uniform(jax.random.key(seed), shape, minval=-1.0)


@each
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shape_and_dtype_stay(name, channels):
    for dtype in (jnp.float32, jnp.bfloat16):
        source = images((8, 8, 8, channels)).astype(dtype)
        result = jax.eval_shape(POLICIES[name], KEY, source)
        assert (result.shape, result.dtype) == (source.shape, source.dtype)


@each
def test_the_key_decides_each_image_has_a_draw_of_its_own_and_jit_changes_nothing(name):
    source = jnp.tile(images((1, 16, 16, 3)), (64, 1, 1, 1))
    compiled = jax.jit(POLICIES[name])
    result = compiled(KEY, source)
    np.testing.assert_allclose(result, POLICIES[name](KEY, source), atol=1e-6)
    assert len(np.unique(np.asarray(result).reshape(64, -1), axis=0)) > 20  # translations have but 25
    assert not np.array_equal(compiled(jax.random.key(4), source), result)


@each
def test_gradient_is_that_of_finite_differences(name):
    augment = jax.jit(partial(POLICIES[name], KEY))
    check_grads(augment, (images((3, 6, 6, 3)),), order=1, modes=["rev"], rtol=1e-2, atol=1e-2)


def test_grey_images_get_brighter_and_contrast_around_their_mean():
    source = jnp.repeat(images((500, 2, 2, 1)), 3, axis=-1)
    result = np.asarray(colour(KEY, source))
    mean = lambda x: np.mean(x, axis=(1, 2, 3), keepdims=True)
    brighter = (mean(result) - mean(source)).ravel()
    factor = np.std(result, axis=(1, 2, 3)) / np.std(source, axis=(1, 2, 3))
    np.testing.assert_allclose(result, mean(result) + factor[:, None, None, None] * (source - mean(source)), atol=1e-5)
    for drawn, low, high in ((brighter, -0.5, 0.5), (factor, 0.5, 1.5)):
        assert low - 1e-5 < np.min(drawn) < low + 0.05
        assert high - 0.05 < np.max(drawn) < high + 1e-5


def test_saturation_moves_colours_along_their_ray_from_grey():
    flat = jnp.array([0.6, -0.3, 0.0])[None, None, None] * jnp.ones((500, 2, 2, 3))
    result = np.asarray(colour(KEY, flat))
    chroma = result - np.mean(result, axis=-1, keepdims=True)
    factor = chroma[..., :1] / 0.5  # saturation times contrast, red being 0.5 above grey
    np.testing.assert_allclose(chroma, factor * np.array([0.5, -0.4, -0.1]), atol=1e-5)
    assert np.min(factor) < 0.1
    assert 1.9 < np.max(factor) <= 3


def test_translations_are_all_the_shifts_of_an_eighth_with_zeros_behind():
    source = np.asarray(images((1, 16, 8, 2)))
    padded = np.pad(source[0], [(2, 2), (1, 1), (0, 0)])
    shifts = {padded[i : i + 16, j : j + 8].tobytes() for i in range(5) for j in range(3)}
    result = np.asarray(translation(KEY, jnp.tile(source, (400, 1, 1, 1))))
    assert {image.tobytes() for image in result} == shifts


def test_halves_of_pixels_are_rounded_up():
    shifted = translation(KEY, jnp.ones((300, 20, 4, 1)))  # an eighth of 20 is 2.5
    assert np.min(np.sum(shifted[:, :, :, 0].max(axis=2), axis=1)) == 17


@pytest.mark.parametrize(("ratio", "height", "width"), [(0.5, 4, 3), (0.375, 3, 2)])
def test_cutout_is_one_rectangle_of_zeros_that_may_hang_over_the_edge(ratio, height, width):
    result = np.asarray(cutout(KEY, jnp.ones((500, 8, 6, 2)), ratio=ratio))
    assert set(np.unique(result)) == {0.0, 1.0}
    sizes = set()
    for hole in result == 0:
        rows, columns = np.flatnonzero(hole.any(axis=(1, 2))), np.flatnonzero(hole.any(axis=(0, 2)))
        assert hole.sum() == 2 * len(rows) * len(columns)
        assert np.all(np.diff(rows) == 1)
        assert np.all(np.diff(columns) == 1)
        sizes.add((len(rows), len(columns)))
    assert max(sizes) == (height, width)
    assert min(sizes) == (height // 2, width // 2) or min(sizes) == (-(-height // 2), -(-width // 2))
    assert np.all(np.mean(result == 0, axis=0) > 0)


def test_policies_are_applied_in_their_order_each_with_a_key_of_its_own():
    add = lambda key, x: x + jax.random.uniform(key)
    double = lambda key, x: 2 * x
    first, second = jax.random.split(KEY)
    expected = 2 * add(first, images())
    np.testing.assert_allclose(diff_augment(add, double)(KEY, images()), expected, rtol=1e-6)
    np.testing.assert_allclose(diff_augment(double, add)(KEY, images()), add(second, 2 * images()), rtol=1e-6)
    np.testing.assert_array_equal(diff_augment()(KEY, images()), images())
