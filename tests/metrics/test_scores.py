"""All scores of a set of images together: what depends on their order, and what must not."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.extractor import Features
from gan_jax.metrics.moments import moments
from gan_jax.metrics.scores import Reference, scores

RNG = np.random.default_rng(0)


def test_images_that_lie_class_by_class_have_the_inception_score_of_all_classes():
    """Ten contiguous parts of one class each would have 1."""
    values = RNG.normal(size=(400, 4)).astype(np.float32)
    labels = np.repeat(np.arange(4), 100)
    logits = (20 * np.eye(4)[labels] + RNG.normal(size=(400, 4))).astype(np.float32)
    reference = Reference(moments(values), Features(values, logits, labels))
    found = scores(reference, Features(values, logits, labels), jax.random.key(0), classes=4)
    assert found["inception_score"] == pytest.approx(4, rel=0.1)
    assert found["fid"] == pytest.approx(0, abs=1e-4)
    assert found["classes"] == 4
