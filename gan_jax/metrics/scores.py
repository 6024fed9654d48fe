"""All the scores of a set of generated images, from features alone."""

from typing import Any, NamedTuple

import numpy as np

from gan_jax.metrics.extractor import Features
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kernel_distance
from gan_jax.metrics.modes import mode_coverage
from gan_jax.metrics.moments import Moments, moments
from gan_jax.metrics.neighbours import density_coverage, precision_recall
from gan_jax.types import PRNGKey

LOWER_IS_BETTER = {
    *("fid", "kid", "intra_fid", "class_kl", "l1", "error", "js1", "js2", "js3", "js4"),
    "feature_distance",
    *("speed_w1", "direction_w1", "turn_w1"),
}
"""The others grow as samples improve."""


class Reference(NamedTuple):
    """What generated images are compared with."""

    moments: Moments  # of all real images
    features: Features  # of as many of them as are compared one by one
    labels: np.ndarray | None = None  # the true classes of those, int [N]


def subset_size(real: int, fake: int) -> int:
    """Samples in each of KID's subsets: 1,000, or half of the smaller set."""
    return min(1000, min(real, fake) // 2)


def scores(
    reference: Reference, fake: Features, key: PRNGKey, *, classes: int = 0, asked: np.ndarray | None = None
) -> dict[str, float]:
    """Every score that the features allow, by name.

    Always: fid, kid, kid_std (over subsets of 1,000, or of half the smaller set), precision and recall (k = 3), density
    and coverage (k = 5). With logits: inception_score, inception_score_std (ten splits of shuffled images). Where the
    extractor knows the data's `classes`: classes (how many of them were drawn) and class_kl (of their shares to
    uniform, nats). For conditional generators, with the labels `asked`, int [N]: label_accuracy, and intra_fid, the
    mean FID over the classes with enough images of both kinds. The key picks KID's subsets, and is consumed.
    """
    real = reference.features
    size = subset_size(len(real.values), len(fake.values))
    kid, kid_std = kernel_distance(real.values, fake.values, key, size=size)
    precision, recall = precision_recall(real.values, fake.values, k=3)
    density, coverage = density_coverage(real.values, fake.values, k=5)
    found = {
        "fid": frechet_distance(reference.moments, moments(fake.values)),
        "kid": kid,
        "kid_std": kid_std,
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }
    if fake.logits is not None:
        # What is made of held-out images comes in their order, class by class: a part of it would be of one class.
        shuffled = np.asarray(fake.logits)[np.random.default_rng(0).permutation(len(fake.logits))]
        found["inception_score"], found["inception_score_std"] = inception_score(shuffled)
    if fake.labels is not None and classes:
        found["classes"], found["class_kl"] = mode_coverage(fake.labels, classes)
        if asked is not None:
            found["label_accuracy"] = np.mean(np.asarray(fake.labels) == asked)
    if asked is not None and reference.labels is not None:
        found |= _intra_fid(real.values, reference.labels, fake.values, asked)
    return {name: float(value) for name, value in found.items()}


def _intra_fid(real: Any, real_labels: np.ndarray, fake: Any, fake_labels: np.ndarray) -> dict[str, float]:
    """Mean over classes of the FID within them (Miyato & Koyama 2018, arXiv:1802.05637, section 5).

    Only if every class has more images than features, on either side: else a covariance says nothing.
    """
    width = real.shape[1]
    shown = np.unique(real_labels)
    counts = [np.sum(labels == c) for labels in (real_labels, fake_labels) for c in shown]
    if min(counts) <= width:
        return {}
    of_class = lambda values, labels, c: moments(np.asarray(values)[labels == c])
    distances = [frechet_distance(of_class(real, real_labels, c), of_class(fake, fake_labels, c)) for c in shown]
    return {"intra_fid": float(np.mean(distances))}
