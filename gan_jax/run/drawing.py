"""What is drawn to be judged, and beside what: samples beside the data, or a task's images beside the truth."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config
from gan_jax.data.clusters import labels_by_frequency
from gan_jax.data.dataset import Dataset
from gan_jax.data.pairs import Half
from gan_jax.gan import GAN
from gan_jax.images import to_bytes, to_float
from gan_jax.metrics.fidelity import l1, psnr, ssim
from gan_jax.run.sampling import CHUNK, Counts, kept_as, latents_by_index, make_drawer
from gan_jax.tasks.task import made
from gan_jax.types import Batch, Images, PRNGKey, Weights

Scored = dict[str, np.ndarray]
"""A score's name, and its value for each image, `[N]`."""


class Drawing(NamedTuple):
    """Images that a generator draws for a judge, by their numbers."""

    data: Dataset  # what they are compared with
    images: int
    draw: Callable[[Weights, range], tuple[np.ndarray, Scored]]
    asked: np.ndarray | None = None  # the class that each was to show
    without: Callable[[range], tuple[np.ndarray, Scored]] | None = None  # what can be drawn without a network


def samples(
    config: Config,
    gan: GAN,
    data: Dataset,
    counts: Counts,
    latent_key: PRNGKey,
    label_key: PRNGKey,
    count: int,
    mesh: Mesh,
) -> Drawing:
    """Samples, of labels as often as they are in the data. The keys are consumed."""
    latents = np.asarray(latents_by_index(gan, latent_key, count))
    told = None if counts is None else np.asarray(labels_by_frequency(label_key, jnp.asarray(counts), count))
    drawer = make_drawer(gan, kept_as(config), mesh)

    def draw(weights: Weights, rows: range) -> tuple[np.ndarray, Scored]:
        part = slice(rows.start, rows.stop)
        labels = None if told is None else jnp.asarray(told[part])
        return drawer(weights, jnp.asarray(latents[part]), labels), {}

    asked = told if config.conditional else None  # nobody can say whether an image shows a cluster
    return Drawing(data, count, draw, asked)


def of_a_task(config: Config, gan: GAN, data: Dataset, key: PRNGKey, count: int, mesh: Mesh) -> Drawing:
    """What a task makes of images that were held out, each beside its truth. The key is consumed."""
    task, test = config.task.build(), data.test
    assert test is not None
    drawer = make_drawer(gan, to_bytes, mesh)
    one = lambda number, image: jax.tree.map(
        lambda leaf: leaf[0], made(task, jax.random.fold_in(key, number), image[None])
    )
    # In parts: a hole of many strokes takes memory.
    given = jax.jit(lambda numbers, images: jax.lax.map(lambda each: one(*each), (numbers, images), batch_size=CHUNK))
    baseline = jax.jit(lambda condition: to_bytes(task.baseline(condition)))

    def batch(rows: range) -> Batch:
        """What is drawn for an image depends on its number alone."""
        return given(jnp.arange(rows.start, rows.stop), jnp.asarray(test.images[rows.start : rows.stop]))

    def scored(images: np.ndarray, truth: Batch) -> tuple[np.ndarray, Scored]:
        return images, {name: np.asarray(found) for name, found in _fidelity(images, truth, task.marked).items()}

    def draw(weights: Weights, rows: range) -> tuple[np.ndarray, Scored]:
        truth = batch(rows)
        latents = jnp.zeros((len(rows), gan.latent_size))
        return scored(drawer(weights, latents, truth.condition), truth)

    def without(rows: range) -> tuple[np.ndarray, Scored]:
        truth = batch(rows)
        return scored(np.asarray(baseline(truth.condition)), truth)

    beside = replace(test, images=Half(test.images, not config.task.reverse)) if config.task.name == "pairs" else test
    return Drawing(beside, min(count, len(test)), draw, without=without)


def _fidelity(images: np.ndarray, truth: Batch, marked: Callable[[Any], Any]) -> dict[str, jax.Array]:
    """Scores of bytes beside their truth: within what was to be made alone, but for SSIM, which is of whole windows."""
    found, where = to_float(jnp.asarray(images)), marked(truth.condition)
    where = jnp.broadcast_to(where, (*found.shape[:3], 1))
    scores = {"psnr": psnr(found, truth.images, where), "l1": l1(found, truth.images, where)}
    return scores | ({"ssim": ssim(found, truth.images)} if min(found.shape[1:3]) >= SMALLEST else {})


SMALLEST = 11
"""Pixels on a side that SSIM's windows need."""


def triples(config: Config, data: Dataset, count: int) -> tuple[Batch, Images]:
    """Some held-out images as a task has them, and what is given as a person sees it: for grids."""
    task, test = config.task.build(), data.test
    assert test is not None
    rows = np.linspace(0, len(test) - 1, min(count, len(test))).astype(int)
    batch = made(task, jax.random.key(config.seed), jnp.asarray(test.images[rows]))
    return batch, task.look(batch.condition)
