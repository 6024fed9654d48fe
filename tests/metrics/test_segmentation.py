"""What pixels are taken for, against counts by hand and scikit-learn's."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from gan_jax.metrics.segmentation import confusion, scores


def test_counts_and_scores_are_those_by_hand():
    told, true = jnp.array([[0, 1], [1, 2]]), jnp.array([[0, 1], [0, 2]])
    counts = confusion(told, true, 4)
    np.testing.assert_array_equal(counts, [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert scores(np.asarray(counts)) == {"miou": (1 / 2 + 1 / 2 + 1) / 3, "pixel_accuracy": 3 / 4}


def test_many_pixels_are_scored_as_scikit_learn_does():
    told, true = np.random.default_rng(0).integers(0, 5, (2, 7, 9, 11))
    counts = np.asarray(confusion(jnp.asarray(told), jnp.asarray(true), 5))
    np.testing.assert_array_equal(counts, confusion_matrix(true.ravel(), told.ravel()))
    expected = jaccard_score(true.ravel(), told.ravel(), average="macro")
    np.testing.assert_allclose(scores(counts)["miou"], expected, rtol=1e-6)


def test_pixels_of_no_known_class_count_nowhere():
    true = jnp.array([0, 7, 1, -1, 2])
    assert np.asarray(confusion(jnp.array([0, 1, 1, 0, 1]), true, 2)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="no pixel has a class that is known"):
        scores(np.asarray(confusion(jnp.array([0, 1]), jnp.array([2, 255]), 2)))


def test_more_pixels_than_float32_can_count_are_counted():
    zeros = jnp.zeros((2**24 + 3,), jnp.uint8)
    assert np.asarray(confusion(zeros, zeros, 2)).tolist() == [[2**24 + 3, 0], [0, 0]]
