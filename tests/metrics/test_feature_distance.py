"""The distance of features to the truth's, beside numbers worked out by hand."""

import numpy as np
import pytest

from gan_jax.metrics import feature_distance, moments

RNG = np.random.default_rng(0)
REAL = moments(np.array([[0.0, 0.0], [0.0, 4.0], [2.0, 0.0], [2.0, 4.0]]))
"""Variances 4/3 and 16/3: two of them are at a mean squared distance of 40/3."""


def test_equal_features_are_at_no_distance():
    values = RNG.normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_array_equal(feature_distance(values, values, REAL), np.zeros(5))


def test_the_distance_is_in_units_of_that_of_two_real_images():
    truth = np.zeros((3, 2))
    found = np.array([[3.0, 4.0], [0.0, 1.0], [np.sqrt(40 / 3), 0.0]])
    expected = np.array([5, 1, np.sqrt(40 / 3)]) / np.sqrt(40 / 3)
    np.testing.assert_allclose(feature_distance(found, truth, REAL), expected)


def test_of_real_images_paired_at_random_the_mean_square_is_one_at_any_scale():
    for scale in (0.01, 100):
        values = scale * (RNG.normal(size=(4000, 8)) + 3)
        apart = feature_distance(values[:2000], values[2000:], moments(values))
        assert np.mean(apart**2) == pytest.approx(1, rel=0.05)
        assert np.mean(apart) < np.sqrt(np.mean(apart**2))  # what is reported


@pytest.mark.parametrize(
    ("found", "truth", "real", "said"),
    [
        (np.ones((3, 2)), np.ones((2, 2)), REAL, "3 images and 2 truths"),
        (np.ones((3, 2)), np.ones((3, 4)), REAL, "different extractors"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), REAL, "not finite"),
        (np.ones((3, 2)), np.ones((3, 2)), moments(np.ones((4, 2))), "the same features"),
    ],
)
def test_what_cannot_be_compared_is_refused(found, truth, real, said):
    with pytest.raises(ValueError, match=said):
        feature_distance(found, truth, real)
