"""Scores of generated images: pure functions of features, or of images and their truth, and what features come from."""

from gan_jax.metrics.feature_distance import feature_distance
from gan_jax.metrics.fidelity import l1, psnr, ssim
from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kernel_distance, squared_mmd
from gan_jax.metrics.modes import mixture_quality, mode_coverage
from gan_jax.metrics.moments import Moments, merge, moments, update
from gan_jax.metrics.neighbours import density_coverage, precision_recall, radii

__all__ = [
    "Moments",
    "density_coverage",
    "feature_distance",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "l1",
    "merge",
    "mixture_quality",
    "mode_coverage",
    "moments",
    "precision_recall",
    "psnr",
    "radii",
    "squared_mmd",
    "ssim",
    "update",
]
