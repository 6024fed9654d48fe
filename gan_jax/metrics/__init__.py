"""Scores of generated images: pure functions of features, and the extractors that features come from."""

from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kernel_distance, squared_mmd
from gan_jax.metrics.modes import mixture_quality, mode_coverage
from gan_jax.metrics.moments import Moments, merge, moments, update
from gan_jax.metrics.neighbours import density_coverage, precision_recall, radii

__all__ = [
    "Moments",
    "density_coverage",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "merge",
    "mixture_quality",
    "mode_coverage",
    "moments",
    "precision_recall",
    "radii",
    "squared_mmd",
    "update",
]
