import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.metrics.fidelity import l1, psnr, ssim

similarity = jax.jit(ssim)


def images(shape=(2, 12, 14, 2), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def flat(*values):
    return np.tile(np.array(values, np.float32).reshape(-1, 1, 1, 1), (1, 12, 14, 2))


@pytest.mark.parametrize(("away", "decibels"), [(2, 0), (0.2, 20), (0.02, 40)])
def test_a_tenth_of_the_error_is_20_decibels(away, decibels):
    truth = flat(-1, 0.5 - away)
    np.testing.assert_allclose(psnr(truth + away, truth), decibels, atol=1e-3)
    np.testing.assert_allclose(l1(truth, truth + away), away, rtol=1e-5)


def test_equal_images_have_no_error_and_each_image_its_own():
    truth = images()
    other = truth.copy()
    other[1] = -truth[1]
    far = 10 * np.log10(1 / np.mean(truth[1] ** 2))
    np.testing.assert_allclose(psnr(other, truth), [np.inf, far], rtol=1e-5)
    np.testing.assert_allclose(l1(other, truth), [0, 2 * np.mean(np.abs(truth[1]))], rtol=1e-5)
    assert similarity(other, truth)[0] == 1


def test_of_marked_pixels_alone():
    truth, hole = images(), np.zeros((2, 12, 14, 1), np.float32)
    hole[0, 3:5, 2:9] = 1
    filled = truth + np.where(hole == 1, 0.2, 7.0).astype(np.float32)
    for marked in (hole, hole == 1):
        np.testing.assert_allclose(psnr(filled, truth, marked), [20, np.nan], rtol=1e-5)
        np.testing.assert_allclose(l1(filled, truth, marked), [0.2, np.nan], rtol=1e-5)


def test_flat_images_differ_in_luminance_alone():
    a, b = np.array([0.0, 0.3, 1.0]), np.array([1.0, 0.6, 0.9])
    expected = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    np.testing.assert_allclose(similarity(flat(*2 * a - 1), flat(*2 * b - 1)), expected, rtol=1e-3)


def test_a_negative_has_the_opposite_structure():
    x = images()
    assert np.all(similarity(-x, x) < -0.9)


def test_ssim_is_what_its_definition_says_of_bytes_in_every_window():
    x, y = images(), images(seed=1)
    y = 0.7 * x + 0.3 * y
    offsets = np.arange(11) - 5
    weights = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()

    def of_window(a, b):
        mean = lambda values: np.sum(weights * values)
        variance = lambda values: mean((values - mean(values)) ** 2)
        covariance = mean((a - mean(a)) * (b - mean(b)))
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        luminance = (2 * mean(a) * mean(b) + c1) / (mean(a) ** 2 + mean(b) ** 2 + c1)
        return luminance * (2 * covariance + c2) / (variance(a) + variance(b) + c2)

    a, b = ((np.float64(array) + 1) * 127.5 for array in (x, y))
    windows = [
        (n, slice(i, i + 11), slice(j, j + 11), c) for n in (0, 1) for i in (0, 1) for j in range(4) for c in (0, 1)
    ]
    expected = np.reshape([of_window(a[window], b[window]) for window in windows], (2, -1)).mean(axis=1)
    np.testing.assert_allclose(similarity(x, y), expected, atol=1e-5)


def test_bytes_are_scored_as_their_floats_and_scores_are_float32():
    x, y = (np.random.default_rng(i).integers(0, 256, (1, 11, 11, 1), np.uint8) for i in (0, 1))
    for score in (psnr, l1, ssim):
        np.testing.assert_allclose(score(x, y), score(x / np.float32(127.5) - 1, y / np.float32(127.5) - 1), rtol=1e-4)
        assert jax.eval_shape(score, *2 * [jnp.zeros((3, 16, 16, 1), jnp.bfloat16)]).dtype == jnp.float32


def test_what_cannot_be_compared_is_refused():
    for score in (psnr, l1, ssim):
        with pytest.raises(ValueError, match=r"images \[2, 12, 14, 1\] and their truth \[2, 12, 14, 2\] differ"):
            score(images()[..., :1], images())
    with pytest.raises(ValueError, match="windows of 11x11 pixels; images are 12x10"):
        ssim(images((1, 12, 10, 1)), images((1, 12, 10, 1)))
