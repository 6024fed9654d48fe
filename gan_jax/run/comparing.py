"""Judges a run by its images: draws them, and compares with the real ones, in features of both."""

import hashlib
import warnings
from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.data.reading import read_ahead
from gan_jax.gan import GAN, GANState
from gan_jax.memory import require_memory
from gan_jax.metrics.extractor import Extractor, Features, extract_all
from gan_jax.metrics.feature_distance import feature_distance
from gan_jax.metrics.moments import Moments, moments, update
from gan_jax.metrics.scores import Reference, scores, subset_size
from gan_jax.run import cache, features, hosts
from gan_jax.run.classifying import make_examiner
from gan_jax.run.drawing import Drawing, Scored, as_made, in_all, of_a_task
from gan_jax.run.drawing import samples as drawn
from gan_jax.run.features import Say
from gan_jax.run.judging import WATCHED, Asked, Judge, protocol, samples_of
from gan_jax.run.sampling import Counts, bytes_to_draw, compiled_weights
from gan_jax.run.scoreboard import Evaluation, name_of
from gan_jax.types import PRNGKey

PART = 1024
"""Images drawn, and held, at once."""


def make_judge(config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Say) -> Judge:
    """The judge of a run whose images are compared in what `features.make` makes, or finds.

    The real images are looked at once, or found in the cache; `say` is told warnings.
    """
    extractor = features.make(
        asked.kind, config, as_made(config, data), weights=asked.weights, download=asked.download, say=say
    )
    samples = asked.samples
    latent_key, label_key, score_key = jax.random.split(jax.random.key(asked.seed), 3)
    examine = make_examiner(config, gan, data, mesh)
    if config.task.given:
        drawing = of_a_task(config, gan, data, latent_key, samples, mesh)
    else:
        drawing = drawn(config, gan, data, counts, latent_key, label_key, samples, mesh)
    whole, data, samples = data, drawing.data, drawing.images
    compared = min(samples, len(data))
    features.check_count(data, compared, held_out=config.task.given and compared == len(data))
    shapes = jax.eval_shape(extractor.extract, extractor.params, data.images[:1])
    check_samples(config, samples, width=sum(leaf.size for leaf in jax.tree.leaves(shapes)))
    extractor = extractor._replace(params=parallel.whole(mesh, extractor.params))
    reference = _reference(data, extractor, compared, mesh)
    truth = _truth(drawing, extractor, mesh)
    told = protocol(
        asked,
        features=extractor.name,
        about=extractor.about,
        sha256=extractor.fingerprint,
        reference=_reference_is(config, data),
        data=data.fingerprint,
        compared=compared,
        samples=samples,
        conventions=_conventions(config, whole, compared, samples),
    )

    compare = partial(_compare, drawing, extractor, reference, truth, score_key, mesh=mesh, say=say)
    baseline = {} if drawing.without is None else {f"baseline_{k}": v for k, v in compare(drawing.without).items()}

    weigh = compiled_weights(gan, counts, averaged=asked.averaged)

    def evaluate(state: GANState) -> Evaluation:
        weights = weigh(state)
        found = examine(state) | compare(partial(drawing.draw, weights)) | baseline
        return Evaluation(int(state.step), found, told)

    return Judge(told, evaluate)


def _compare(
    drawing: Drawing,
    extractor: Extractor,
    reference: Reference,
    truth: np.ndarray | None,
    score_key: PRNGKey,
    draw: Callable[[range], tuple[np.ndarray, Scored]],
    *,
    mesh: Mesh,
    say: Say,
) -> dict[str, float]:
    """The scores of what `draw` draws; every time over the same subsets."""
    parts = []
    beside: list[Scored] = []
    for start in range(0, drawing.images, PART):
        images, scored = draw(range(start, min(start + PART, drawing.images)))
        parts.append(extract(extractor, images, mesh))
        beside.append(scored)
    fake: Features = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
    key, classes = jax.random.clone(score_key), len(drawing.data.classes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = hosts.by_first(
            lambda: (
                scores(reference, fake, key, classes=classes, asked=drawing.asked) | _to_truth(fake, truth, reference)
            )
        )
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        say(f"warning: {message}")
    return in_all(beside) | {name_of(extractor.name, k): v for k, v in found.items()}


def _to_truth(fake: Features, truth: np.ndarray | None, reference: Reference) -> dict[str, float]:
    """The mean distance to the truth, where it is known, and where real images vary, by which it is measured."""
    if truth is None or not np.any(reference.moments.scatter):
        return {}
    return {"feature_distance": float(np.mean(feature_distance(fake.values, truth, reference.moments)))}


def _truth(drawing: Drawing, extractor: Extractor, mesh: Mesh) -> np.ndarray | None:
    """Features `[N, D]` of what each image should have been; None where nobody knows it."""
    if drawing.truth is None:
        return None
    starts = range(0, drawing.images, PART)
    parts = [drawing.truth(range(start, min(start + PART, drawing.images))) for start in starts]
    return np.concatenate([np.asarray(extract(extractor, images, mesh).values) for images in parts])


def _reference_is(config: Config, data: Dataset) -> str:
    which = f"held-out {config.task.called}" if config.task.given else "training"
    real = "pictures" if config.data.path else data.name  # a folder may be renamed: its images' hash is what counts
    return f"{real}, the {len(data)} {which} images, {'x'.join(map(str, data.images.shape[1:]))}"


def _conventions(config: Config, data: Dataset, compared: int, samples: int) -> str:
    of_errors = (
        "PSNR of the mean squared error; mean feature distance, in the root mean square one of two real images; "
        if config.task.given
        else ""
    )
    if config.task.classifies and data.test is not None:
        of_errors = (
            f"error of the discriminator, not averaged, over {len(data.test):,} test images, baseline: the nearest "
            "labelled image in pixels; "
        )
    return (
        f"{of_errors}KID over 100 subsets of {subset_size(compared, samples)}, precision and recall with k = 3, "
        "density and coverage with k = 5, IS over 10 splits of shuffled images"
    )


def check_beforehand(config: Config, data: Dataset) -> None:
    """Raises ConfigError or DataError where a run could not be scored as it trains, before it does."""
    features.check(config.evaluate.features, as_made(config, data), config.evaluate.weights)
    check_samples(config, samples_of(config, data, config.evaluate.samples, WATCHED))
    if data.test is not None:
        features.check_count(data.test, len(data.test), held_out=config.task.given)


def check_samples(config: Config, samples: int, *, width: int = 1) -> None:
    """Raises ConfigError for more samples than memory holds, with `width` features each, and of the real images too."""
    needed = bytes_to_draw(config, samples, held=PART) + 4 * (5 if config.task.given else 4) * width * samples
    require_memory(needed, f"samples: {samples:,} images and their features", "take fewer")


def extract(extractor: Extractor, images: np.ndarray, mesh: Mesh) -> Features:
    """Features of uint8 images `[N, H, W, C]`, made on all devices of the mesh."""
    batch_size = -(-256 // mesh.devices.size) * mesh.devices.size
    return extract_all(extractor, images, batch_size=batch_size, sharding=parallel.split_batch(mesh))


def _reference(data: Dataset, extractor: Extractor, compared: int, mesh: Mesh) -> Reference:
    """Moments of all real images, and the features of a fixed random choice of them."""
    chosen = np.sort(np.random.Generator(np.random.Philox(key=0)).permutation(len(data))[:compared])
    labels = None if data.labels is None else data.labels[chosen]
    told = f"{data.fingerprint} {extractor.fingerprint} {compared} v1"
    name = f"references/{extractor.name}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
    if hosts.all_of((arrays := cache.load(name)) is not None) and arrays is not None:
        known = Moments(int(arrays["count"]), arrays["mean"], arrays["scatter"])
        return Reference(known, Features(arrays["values"]), labels)
    found: Moments | None = None
    kept = []
    with read_ahead(lambda k: data.images[k * PART : (k + 1) * PART], 0, -(-len(data) // PART), ahead=2) as parts:
        for start, images in zip(range(0, len(data), PART), parts, strict=True):
            values = np.asarray(extract(extractor, images, mesh).values)
            found = moments(values) if found is None else update(found, values)
            kept.append(values[chosen[(chosen >= start) & (chosen < start + PART)] - start])
    assert found is not None
    values = np.concatenate(kept)
    cache.save(name, {"count": np.array(found.count), "mean": found.mean, "scatter": found.scatter, "values": values})
    return Reference(found, Features(values), labels)
