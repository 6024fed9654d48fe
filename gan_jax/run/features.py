"""Finds or makes what a run's images are compared in: a trained classifier, the Inception weights, or pixels."""

import hashlib
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import Config
from gan_jax.config.build import load_data
from gan_jax.config.schema import with_values
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError, Stopped
from gan_jax.metrics import classifier, extractor, inception, torch_file, weights_file
from gan_jax.metrics.extractor import Extractor
from gan_jax.run import cache, hosts, signals
from gan_jax.run.judging import Kind
from gan_jax.run.named_arrays import from_arrays, to_arrays
from gan_jax.run.speed import time_left

Say = Callable[[str], None]


def check(kind: Kind | None, data: Dataset, weights: str | None) -> None:
    """Raises ConfigError if a kind of features needs what the data do not have, DataError for too few or no file."""
    check_count(data, len(data))
    if kind == "classifier" and data.labels is None:
        raise ConfigError(
            f"features: {data.name} has no classes to train a classifier on; choose pixels or inception, or put the "
            "pictures in one sub-folder a class"
        )
    if _kind(kind, data) == "classifier" and (len(data) < classifier.LEAST or len(data.classes) < 2):
        raise DataError(
            f"{data.name}: a classifier is trained on {classifier.LEAST} images and 2 classes or more, not on "
            f"{len(data)} and {len(data.classes)}; choose other features, such as pixels"
        )
    if kind == "inception" and data.images.dtype != np.uint8:
        raise ConfigError(
            f"features: inception looks at pictures, and {data.name} holds floats of a range of their own; choose "
            "pixels, or classifier"
        )
    if kind == "inception" and not os.path.exists(path := _inception_file(weights)):
        raise DataError(
            f"{path}: no such file. The Inception weights are {inception.URL}; name the file with --weights (for "
            "train: --evaluate.weights), or fetch it with gan-jax evaluate RUN --features inception --download (95 MB; "
            "any run will do)"
        )


def check_count(data: Dataset, compared: int, *, held_out: bool = False) -> None:
    """Raises DataError for too few images to be compared; whether those are what is held out says what would help."""
    if compared < LEAST:
        mend = " held out; raise --task.test in another run, or add images" * held_out
        raise DataError(
            f"{data.name}: scores need {LEAST} {data.things} or more, real and drawn; there are {compared}{mend}"
        )


LEAST = 20
"""Real and drawn images that scores need: more than neighbours, and than splits."""


def _kind(kind: Kind | None, data: Dataset) -> Kind:
    return kind or ("classifier" if data.labels is not None else "pixels")


def make(
    kind: Kind | None, config: Config, data: Dataset, *, weights: str | None, download: bool, say: Say
) -> Extractor:
    """The extractor of a kind; of None: a classifier if the data have classes, else pixels.

    Raises ConfigError if the kind needs what the data do not have, DataError for weights that cannot be read.
    """
    if kind == "inception" and download and not weights and not os.path.exists(path := _inception_file(None)):
        fetch(inception.URL, path, say)
    check(kind, data, weights)
    kind = _kind(kind, data)
    if kind == "pixels":
        return extractor.pixels()
    if kind == "inception":
        return extractor.from_inception(_inception(weights))
    if config.data.name == "stacked_mnist" and not config.data.path:
        digits = load_data(with_values(config, {"data.name": "mnist", "data.channels": 1}))
        return extractor.from_digit_classifier(_classifier(digits, say))
    return extractor.from_classifier(_classifier(data, say), len(data.classes))


def has_classifier(data: Dataset) -> bool:
    """Whether a classifier of a dataset is in the cache."""
    return data.labels is not None and cache.load(_name(data)) is not None


def _name(data: Dataset) -> str:
    """A classifier's, in the cache: not by the data's name, which may be that of a folder."""
    return f"classifiers/{data.fingerprint[:16]}-v2"


def _classifier(data: Dataset, say: Say) -> classifier.Trained:
    """The classifier of a dataset, from the cache or trained now."""
    name = _name(data)
    network = classifier.Classifier(len(data.classes))
    template = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros((1, *data.images.shape[1:]))))["params"]
    arrays = hosts.arrays_by_first(lambda: cache.load(name) or _trained(name, data, say))
    mean, deviation, accuracy = (arrays.pop(key) for key in ("mean", "deviation", "accuracy"))
    return classifier.Trained(from_arrays(template, arrays, where=name), mean, deviation, float(accuracy))


def _trained(name: str, data: Dataset, say: Say) -> cache.Arrays:
    assert data.labels is not None
    say(
        f"training a classifier on {data.name}, once: its features are what images are compared in "
        "(on a CPU seconds to minutes; training by itself needs none: --evaluate.every None)"
    )

    begun = spoken = time.monotonic()

    def tell(done: int, steps: int) -> None:
        nonlocal spoken
        if stop := signals.wished():
            raise Stopped(f"stopped at step {done} of the classifier, which will begin anew", stop)
        if (now := time.monotonic()) - spoken > 10:
            spoken = now
            say(f"  step {done}/{steps} of the classifier{time_left(now - begun, done, steps - done)}")

    trained = classifier.train(data.images, data.labels, len(data.classes), tell=tell)
    rest = {"mean": trained.mean, "deviation": trained.deviation, "accuracy": np.array(trained.accuracy)}
    arrays = to_arrays(trained.params) | jax.tree.map(np.asarray, rest)
    kept = cache.save(name, arrays)
    where = f"kept in {cache.folder()}" if kept else f"not kept: {cache.folder()} cannot be written to"
    say(f"classifier of {data.name}: held-out accuracy {100 * trained.accuracy:.2f} %, {where}")
    return arrays


def _inception_file(weights: str | None) -> Path:
    return Path(weights).expanduser() if weights else cache.folder() / inception.FILE


def _inception(weights: str | None) -> object:
    """The variables of the FID's InceptionV3, from a file that pytorch-fid and torch-fidelity read too."""
    path = _inception_file(weights)
    if not weights:  # a file that the user names may be any; the published one must be itself
        weights_file.verify(path, weights_file.promised(path.name))
    return inception.params_from_torch(torch_file.read(path))


def fetch(url: str, path: Path, say: Say) -> None:
    """Downloads a file whose name ends in the first hex digits of its SHA-256, as PyTorch's do; whole or not at all.

    Raises DataError if the network fails, or if other bits came than the name promises.
    """
    say(f"downloading {url}")
    promised = weights_file.promised(path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, neighbour = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
    try:
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=30) as answer:
            while part := answer.read(1 << 20):
                digest.update(part)
                file.write(part)
        if not digest.hexdigest().startswith(promised):
            raise DataError(f"{url}: its SHA-256 is {digest.hexdigest()}, its name promises {promised}; not kept")
        os.replace(neighbour, path)
    except OSError as error:  # URLError is one
        reason = getattr(error, "reason", None) or error.strerror or error
        raise DataError(f"could not download {url}: {reason}. Fetch it elsewhere and name it with --weights") from None
    finally:
        Path(neighbour).unlink(missing_ok=True)
