"""Judges the discriminator of a run that is a classifier, by images that no step has seen."""

from collections.abc import Callable

import numpy as np
from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.config import Config, FewLabels
from gan_jax.data.dataset import Dataset
from gan_jax.data.labelled import HIDDEN, few
from gan_jax.gan import GAN, GANState
from gan_jax.images import to_float
from gan_jax.metrics.extractor import Extractor, Features, extract_all
from gan_jax.network import evaluate
from gan_jax.types import Bytes, Source, Weights

AT_ONCE = 256
"""Images classified in one program, which fills the last part up."""


def make_classifier(gan: GAN, mesh: Mesh) -> Callable[[Weights, Source], np.ndarray]:
    """Builds `classify(weights, images)`: the discriminator's logits, float32 `[N, K]`, of images `[N, H, W, C]`.

    The class that it takes an image for has the largest; softmax makes of them what each class is likely to be, of an
    image that is real. Compiled once, for all devices of the mesh.
    """

    def logits(weights: Weights, images: Bytes) -> Features:
        return Features(evaluate(gan.discriminator, weights, to_float(images), None).logits)

    size = -(-AT_ONCE // mesh.devices.size) * mesh.devices.size
    layout = parallel.split_batch(mesh)

    def classify(weights: Weights, images: Source) -> np.ndarray:
        classifier = Extractor("logits", "the discriminator's", "", weights, logits)
        return np.asarray(extract_all(classifier, images, batch_size=size, sharding=layout).values)

    return classify


def make_examiner(config: Config, gan: GAN, data: Dataset, mesh: Mesh) -> Callable[[GANState], dict[str, float]]:
    """Builds `examine(state)`: the error, the share of test images that the discriminator takes for another class.

    baseline_error is that of the labelled images alone, without a network: each test image is taken for what the
    nearest of them is, in pixels. Of a discriminator that is no classifier there is nothing to tell.
    """
    test, task = data.test, config.task
    if not isinstance(task, FewLabels) or test is None:
        return lambda state: {}
    classify = make_classifier(gan, mesh)
    wrong = lambda weights: np.argmax(classify(weights, test.images), axis=-1) != test.labels
    shown = few(data, task.labels, config.seed)
    rows = np.flatnonzero(shown != HIDDEN)
    without = shown[rows][nearest_in_pixels(test.images, data.images[rows])] != test.labels
    baseline = {"baseline_error": float(np.mean(without))}
    return lambda state: {"error": float(np.mean(wrong(state.discriminator.weights)))} | baseline


def nearest_in_pixels(images: Source, known: np.ndarray) -> np.ndarray:
    """The place, int `[N]`, of the nearest of uint8 images `known` `[K, H, W, C]` to each of as large ones `[N, ...]`.

    By the sum of squared differences of pixels; the first of several. Whole numbers in float64, so that they are exact.
    """
    columns = known.reshape(len(known), -1).T.astype(np.float64)
    squares = np.sum(columns**2, axis=0)

    def places(start: int) -> np.ndarray:
        part = images[start : start + AT_ONCE]
        return np.argmin(squares - 2 * part.reshape(len(part), -1).astype(np.float64) @ columns, axis=1)

    return np.concatenate([places(start) for start in range(0, len(images), AT_ONCE)])
