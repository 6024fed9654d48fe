import numpy as np
import pytest

from gan_jax.metrics.inception_score import inception_score


def test_sure_of_each_and_unsure_of_all_is_the_number_of_classes():
    logits = 100 * np.eye(5, dtype=np.float32)[np.arange(100) % 5]
    mean, std = inception_score(logits, splits=4)
    assert mean == pytest.approx(5, rel=1e-5)
    assert std == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("logits", [np.zeros((40, 7)), 50 * np.eye(7)[np.zeros(40, int)]])
def test_one_answer_to_all_is_one(logits):
    assert inception_score(logits.astype(np.float32))[0] == pytest.approx(1, rel=1e-5)


def test_it_is_the_mutual_information():
    logits = np.random.default_rng(0).normal(size=(30, 4)) * 3
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = lambda q: -np.sum(q * np.log(q), axis=-1)
    expected = [np.exp(entropy(part.mean(0)) - entropy(part).mean()) for part in np.split(p, 3)]
    mean, std = inception_score(logits.astype(np.float32), splits=3)
    assert mean == pytest.approx(np.mean(expected), rel=1e-5)
    assert std == pytest.approx(np.std(expected), rel=1e-4)


def test_a_constant_added_to_an_images_logits_changes_nothing():
    logits = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    shifted = logits + np.linspace(-300, 300, 30, dtype=np.float32)[:, None]
    assert inception_score(shifted)[0] == pytest.approx(inception_score(logits)[0], rel=1e-4)


def test_fewer_images_than_parts_are_refused():
    with pytest.raises(ValueError, match="9 images cannot be split into 10 parts"):
        inception_score(np.zeros((9, 3), np.float32))
    with pytest.raises(ValueError, match="into 0 parts"):
        inception_score(np.zeros((9, 3), np.float32), splits=0)


def test_logits_that_are_not_finite_are_named():
    logits = np.zeros((20, 3), np.float32)
    logits[4, 1] = -np.inf
    with pytest.raises(ValueError, match="logits of sample 4 are not finite"):
        inception_score(logits)


def test_logits_beyond_float32_are_refused_by_their_size():
    with pytest.raises(ValueError, match=r"logits: features as large as 1\.0e\+200 are beyond"):
        inception_score(np.tile([1e200, -1e200, 0.0], (10, 1)), splits=1)
