"""Judges a run: draws from its generator, compares with the real images, and says by which protocol."""

import hashlib
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import jax
import numpy as np
from jax.sharding import Mesh

from gan_jax import __version__, parallel
from gan_jax.config import Config
from gan_jax.config.build import load_data
from gan_jax.config.schema import with_values
from gan_jax.data.dataset import Dataset
from gan_jax.data.reading import read_ahead
from gan_jax.errors import DataError, RunError
from gan_jax.gan import GAN, GANState
from gan_jax.memory import require_memory
from gan_jax.metrics.extractor import Extractor, Features, extract_all
from gan_jax.metrics.moments import Moments, moments, update
from gan_jax.metrics.scores import Reference, scores, subset_size
from gan_jax.run import cache, features, hosts, language, segmenting
from gan_jax.run.classifying import make_examiner
from gan_jax.run.drawing import Scored, as_made, in_all, of_a_task
from gan_jax.run.drawing import samples as drawn
from gan_jax.run.features import Kind, Say
from gan_jax.run.files import RunFolder
from gan_jax.run.logs import ASKED, append, read_rows
from gan_jax.run.pictures import save_scores
from gan_jax.run.sampling import (
    Counts,
    bytes_to_draw,
    open_run,
    sampling_weights,
)
from gan_jax.run.scoreboard import Asked, Evaluation, Judge, as_row, curve, name_of, read_all, table

PART = 1024
"""Images drawn, and held, at once."""


def make_judge(config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Say) -> Judge:
    """Builds the judge of a run, who draws and compares on all devices of the mesh, as it is judged.

    Raises DataError where there is too little to compare, or weights that cannot be read; ConfigError for more samples
    than memory holds, and for features that such data do not have.
    """
    judges = {"features": _by_features, "ngrams": language.make_judge, "masks": segmenting.make_judge}
    judge = judges[config.judged_by](config, gan, data, counts, asked, mesh=mesh, say=say)
    same = {f"evaluate: {key}": str(value) for key, value in judge.protocol.items()}
    hosts.must_agree(same, mend="give all hosts the same files and versions")
    return judge


def _by_features(
    config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Say
) -> Judge:
    """Images, in what `features.make` makes, or finds.

    The real images are looked at once, or found in the cache; `say` is told warnings.
    """
    extractor = features.make(
        asked.kind, config, as_made(config, data), weights=asked.weights, download=asked.download, say=say
    )
    samples, seed, averaged = asked.samples, asked.seed, asked.averaged
    latent_key, label_key, score_key = jax.random.split(jax.random.key(seed), 3)
    examine = make_examiner(config, gan, data, mesh)
    if config.task.given:
        drawing = of_a_task(config, gan, data, latent_key, samples, mesh)
    else:
        drawing = drawn(config, gan, data, counts, latent_key, label_key, samples, mesh)
    data, samples = drawing.data, drawing.images
    compared = min(samples, len(data))
    features.check_count(data, compared)
    shapes = jax.eval_shape(extractor.extract, extractor.params, data.images[:1])
    check_samples(config, samples, width=sum(leaf.size for leaf in jax.tree.leaves(shapes)))
    extractor = extractor._replace(params=parallel.whole(mesh, extractor.params))
    reference = _reference(data, extractor, compared, mesh)
    which = f"held-out {config.task.called}" if config.task.given else "training"
    of_errors = "PSNR of the mean squared error; " if config.task.given else ""
    if config.task.classifies and data.test is not None:
        of_errors = f"error of the discriminator, not averaged, over {len(data.test):,} test images; "
    real = "pictures" if config.data.path else data.name  # a folder may be renamed: its images' hash is what counts
    protocol = {
        "features": extractor.name,
        "about": extractor.about,
        "features_sha256": extractor.fingerprint,
        "reference": f"{real}, the {len(data)} {which} images, {'x'.join(map(str, data.images.shape[1:]))}",
        "reference_sha256": data.fingerprint,
        "compared": compared,
        "samples": samples,
        "seed": seed,
        "weights": asked.weights_are,
        "conventions": of_errors
        + f"KID over 100 subsets of {subset_size(compared, samples)}, precision and recall with "
        "k = 3, density and coverage with k = 5, IS over 10 splits",
        "versions": {"gan-jax": __version__} | {name: version(name) for name in ("jax", "flax", "numpy")},
    }

    def judge(draw: Callable[[range], tuple[np.ndarray, Scored]]) -> dict[str, float]:
        parts = []
        beside: list[Scored] = []
        for start in range(0, samples, PART):
            images, scored = draw(range(start, min(start + PART, samples)))
            parts.append(_extract(extractor, images, mesh))
            beside.append(scored)
        fake: Features = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
        key = jax.random.clone(score_key)  # every step is compared over the same subsets
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            found = hosts.by_first(lambda: scores(reference, fake, key, classes=len(data.classes), asked=drawing.asked))
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            say(f"warning: {message}")
        return in_all(beside) | {name_of(extractor.name, k): v for k, v in found.items()}

    baseline = {} if drawing.without is None else {f"baseline_{k}": v for k, v in judge(drawing.without).items()}

    def evaluate(state: GANState) -> Evaluation:
        weights = sampling_weights(gan, state, counts, averaged=averaged)
        found = examine(state) | judge(partial(drawing.draw, weights)) | baseline
        return Evaluation(int(state.step), found, protocol)

    return Judge(protocol, evaluate)


def check_samples(config: Config, samples: int, *, width: int = 1) -> None:
    """Raises ConfigError for more samples than memory holds, with `width` features each, and of the real images too."""
    needed = bytes_to_draw(config, samples, held=PART) + 4 * 4 * width * samples
    require_memory(needed, f"samples: {samples:,} images and their features", "take fewer")


def _extract(extractor: Extractor, images: np.ndarray, mesh: Mesh) -> Features:
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
            values = np.asarray(_extract(extractor, images, mesh).values)
            found = moments(values) if found is None else update(found, values)
            kept.append(values[chosen[(chosen >= start) & (chosen < start + PART)] - start])
    assert found is not None
    values = np.concatenate(kept)
    cache.save(name, {"count": np.array(found.count), "mean": found.mean, "scatter": found.scatter, "values": values})
    return Reference(found, Features(values), labels)


def evaluate(
    run: str,
    *,
    kind: Kind | None,
    samples: int,
    seed: int,
    averaged: bool,
    best: bool,
    weights: str | None,
    download: bool,
    moved: dict[str, str],
    say: Say,
) -> list[str]:
    """`gan-jax evaluate`: judges a run, appends the row to its metrics.jsonl, and returns what to tell.

    `moved` names where the data are now, by config key. Raises ConfigError, DataError, RunError.
    """
    trained = open_run(run, best=best)
    folder, config = RunFolder(run), with_values(trained.config, moved)
    check_samples(config, samples)
    try:
        data = load_data(config)
    except DataError as error:
        raise DataError(f"{error}. If the data have moved, name them with --data-path or --data-dir") from None
    data.must_be(trained.notes["fingerprint"], trained.notes["images"])
    for remark in trained.remarks:
        say(remark)
    asked = Asked(samples, kind, weights, download, seed, averaged)
    mesh = parallel.make_mesh()
    judge = make_judge(config, trained.gan, data, trained.counts, asked, mesh=mesh, say=say)
    drawn_of = judge.protocol["samples"]
    beside = data if data.test is None or config.task.classifies else data.test
    say(f"comparing {drawn_of:,} {data.things} of step {int(trained.state.step)} with {len(beside):,} of {beside.name}")
    found = judge.evaluate(parallel.place(trained.state, mesh))
    row = as_row(found) | {ASKED: True}
    if row not in read_rows(folder.metrics):
        try:
            append(folder.metrics, row)
        except RunError:
            for line in table([found]):  # they may have taken an hour
                say(line)
            raise
    kept = read_all(folder.metrics)
    known = [e for e in kept if e.protocol == found.protocol]
    try:
        save_scores(folder.scores, kept)
    except Exception as error:  # whatever rows of another hand make Matplotlib raise: the scores are worth more
        say(f"no curves could be drawn: {error or type(error).__name__}")
    lines = [*table(known), ""]
    if config.conditional and not any("intra_fid" in name for name in found.scores):
        lines.append("no intra-FID: a class has no more images, real or drawn, than there are features")
    shown = curve(kept)
    lines.append(f"kept in {folder.metrics}" + (f"; curves in {folder.scores}" if found in shown else ""))
    return lines
