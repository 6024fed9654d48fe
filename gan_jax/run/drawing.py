"""What is drawn to be judged, and beside what: samples beside the data, or a task's images beside the truth."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from gan_jax.config import Config
from gan_jax.data.clusters import labels_by_frequency
from gan_jax.data.dataset import Dataset
from gan_jax.data.views import Seen
from gan_jax.gan import GAN
from gan_jax.images import to_bytes, to_float
from gan_jax.metrics.fidelity import WINDOW, l1, squared_error, ssim
from gan_jax.run import decoding
from gan_jax.run.media import medium_of
from gan_jax.run.sampling import CHUNK, Counts, latents_by_index, make_drawer
from gan_jax.tasks.task import Task, made
from gan_jax.types import Batch, Bytes, Images, PRNGKey, Weights

Scored = dict[str, np.ndarray]
"""What each image is worth beside its truth, `[N]`, by name."""


class Drawing(NamedTuple):
    """Images that a generator draws for a judge, by their numbers."""

    data: Dataset  # what they are compared with
    images: int
    draw: Callable[[Weights, range], tuple[np.ndarray, Scored]]
    asked: np.ndarray | None = None  # the class that each was to show
    without: Callable[[range], tuple[np.ndarray, Scored]] | None = None  # what can be drawn without a network
    truth: Callable[[range], np.ndarray] | None = None  # what each should have been, uint8, where that is known


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
    """Samples, of labels as often as they are in the data; latents decoded. The keys are consumed."""
    latents = np.asarray(latents_by_index(gan, latent_key, count))
    told = None if counts is None else np.asarray(labels_by_frequency(label_key, jnp.asarray(counts), count))
    drawer = make_drawer(gan, medium_of(config, data.alphabet).kept, mesh)
    decode: decoding.Decode = decoding.of_data(data) or np.asarray

    def draw(weights: Weights, rows: range) -> tuple[np.ndarray, Scored]:
        part = slice(rows.start, rows.stop)
        labels = None if told is None else jnp.asarray(told[part])
        return decode(drawer(weights, jnp.asarray(latents[part]), labels)), {}

    asked = told if config.conditional else None  # nobody can say whether an image shows a cluster
    return Drawing(as_made(config, data), count, draw, asked)


def of_a_task(config: Config, gan: GAN, data: Dataset, key: PRNGKey, count: int, mesh: Mesh) -> Drawing:
    """What a task makes of images that were held out, each beside its truth, if it is known. The key is consumed."""
    task, test = config.task.build(), data.test
    assert test is not None
    drawer = make_drawer(gan, to_bytes, mesh, task.shown)
    given = _given(task, key)
    baseline = jax.jit(lambda condition: to_bytes(task.baseline(condition)))

    def batch(rows: range) -> Batch:
        """What is drawn for an image depends on its number alone."""
        return given(jnp.arange(rows.start, rows.stop), jnp.asarray(test.images[rows.start : rows.stop]))

    def scored(images: np.ndarray, truth: Batch) -> tuple[np.ndarray, Scored]:
        return images, {} if truth.images is None else _fidelity(images, truth, task.marked)

    def draw(weights: Weights, rows: range) -> tuple[np.ndarray, Scored]:
        truth = batch(rows)
        latents = jnp.zeros((len(rows), gan.latent_size))
        return scored(drawer(weights, latents, truth.condition), truth)

    def without(rows: range) -> tuple[np.ndarray, Scored]:
        truth = batch(rows)
        return scored(np.asarray(baseline(truth.condition)), truth)

    truly = task.truth and jax.jit(partial(_in_bytes, task.truth))
    known = truly and (lambda rows: np.asarray(truly(jnp.asarray(test.images[rows.start : rows.stop]))))
    labels = _labels(test, int(config.task.reverse))
    real = as_made(config, test)
    real = replace(real, images=real.images[:]) if test.in_memory else real
    return Drawing(real, count, draw, None if labels is None else labels[:count], without, known)


def _in_bytes(truth: Callable[[Images], Images], images: Images | Bytes) -> Bytes:
    return to_bytes(truth(to_float(images)))


def in_all(parts: Sequence[Scored]) -> dict[str, float]:
    """The scores of all images: means, and the PSNR of the mean squared error, since an image's own may be infinite."""
    means = {name: float(np.mean(np.concatenate([part[name] for part in parts]))) for name in parts[0]}
    if "squared" not in means:
        return means
    return {"psnr": 10 * math.log10(4 / max(means.pop("squared"), SMALLEST_ERROR))} | means


SMALLEST_ERROR = 1e-10
"""Mean square that still has a PSNR: 106 dB, far more than bytes can have."""


@partial(jax.jit, static_argnums=2)
def _of_some(images: Bytes, truth: Batch, marked: Callable[[Any], Any]) -> dict[str, jax.Array]:
    """Scores of bytes beside their truth: within what was to be made alone, but for SSIM, which is of whole windows."""
    found = to_float(images)
    where = jnp.broadcast_to(marked(truth.condition), (*found.shape[:3], 1))
    scores = {"squared": squared_error(found, truth.images, where), "l1": l1(found, truth.images, where)}
    return scores | ({"ssim": ssim(found, truth.images)} if min(found.shape[1:3]) >= len(WINDOW) else {})


def _fidelity(images: np.ndarray, truth: Batch, marked: Callable[[Any], Any]) -> Scored:
    """Some at a time: SSIM's windows take memory."""
    parts = [slice(start, start + CHUNK) for start in range(0, len(images), CHUNK)]
    found = [_of_some(jnp.asarray(images[k]), jax.tree.map(lambda a, k=k: a[k], truth), marked) for k in parts]
    return jax.tree.map(lambda *scores: np.concatenate(scores), *found)


def _given(task: Task, key: PRNGKey) -> Callable[[Array, Images | Bytes], Batch]:
    """What a task gives, which depends on an image's number alone, beside the truth, or None where nobody knows it."""

    def one(each: tuple[Array, Images | Bytes]) -> Batch:
        number, image = each
        condition = made(task, jax.random.fold_in(key, number), image[None]).condition
        truth = None if task.truth is None else task.truth(to_float(image[None]))
        return jax.tree.map(lambda leaf: leaf[0], Batch(truth, condition))

    # In parts: a hole of many strokes takes memory.
    return jax.jit(lambda numbers, images: jax.lax.map(one, (numbers, images), batch_size=CHUNK))


def as_made(config: Config, data: Dataset) -> Dataset:
    """Real images of the kind that is made, where each of the data holds another, too; of latents pictures."""
    if data.pictures is not None:
        return replace(data, images=data.pictures, scaling=None, pictures=None, decoder=None, features=None)
    size = (*config.data.image_size, config.data.image_channels)
    if not config.task.given or data.images.shape[1:] == size:
        return data
    task = config.task.build()
    look = jax.jit(lambda images: to_bytes(task.shown(made(task, jax.random.key(0), images).images)))
    seen = Seen(data.images, lambda images: np.asarray(look(images)), size)
    return replace(data, images=seen, labels=_labels(data, 1 - config.task.reverse), test=None)


def _labels(data: Dataset, domain: int) -> np.ndarray | None:
    """The labels of images; of those of two domains, of one."""
    return data.labels if data.labels is None or data.labels.ndim == 1 else data.labels[:, domain]


def held_out(config: Config, data: Dataset, count: int) -> Batch:
    """What is given for some images that were held out, and the truth, if it is known: for grids."""
    task, test = config.task.build(), data.test
    assert test is not None
    rows = np.linspace(0, len(test) - 1, min(count, len(test))).astype(int)
    key, *_ = jax.random.split(jax.random.key(0), 3)  # that of a judge of seed 0
    return _given(task, key)(jnp.asarray(rows), jnp.asarray(test.images[rows]))
