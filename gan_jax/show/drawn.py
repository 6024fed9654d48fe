"""What the newest checkpoint of a run draws for its report: samples beside their nearest real images, and by class."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import Config
from gan_jax.config.build import load_data
from gan_jax.config.schema import with_values
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.images import sheet
from gan_jax.metrics.extractor import extract_all
from gan_jax.metrics.neighbours import nearest
from gan_jax.run import decoding, features
from gan_jax.run.comparing import PART
from gan_jax.run.drawing import as_made
from gan_jax.run.files import RunFolder
from gan_jax.run.judging import Kind
from gan_jax.run.media import medium_of
from gan_jax.run.sampling import Trained, latents_by_index, make_drawer, open_run, sampling_weights
from gan_jax.show.account import Account
from gan_jax.show.frames import Picture, embedded


class Neighbours(NamedTuple):
    """A sample, and the real images nearest to it."""

    sample: Picture
    real: list[tuple[Picture, float]]  # nearest first, and how far each is

    @property
    def ratio(self) -> float:
        """How far the nearest is, of how far the second is: near 0 for a copy."""
        first, second = self.real[0][1], self.real[-1 if len(self.real) < 2 else 1][1]
        return first / second if second else 0.0


class Drawn(NamedTuple):
    """What a checkpoint has drawn."""

    step: int
    classes: list[tuple[str, Picture]]  # a class, and samples of it
    neighbours: list[Neighbours]
    measured: str  # what distances are between
    notes: list[str]


SAMPLES, NEAREST = 8, 3
"""Samples whose neighbours are shown, and how many of these."""

CLASSES = 100
"""Classes of which samples are shown, at most."""

Say = Callable[[str], None]


def draw(account: Account, moved: Mapping[str, str], say: Say) -> Drawn | None:
    """Draws from the newest good checkpoint; None where there is none, or nothing of this to draw.

    `moved` names where the data are, by config key: what somebody else's config names is not read, and no bucket asked
    for it. What cannot be had is said in the notes.
    """
    config = account.config
    if config is None or config.task.given or config.data.kind != "pictures" or not account.checkpoints:
        return None
    say(f"{account.name}: drawing from its newest checkpoint")
    try:
        trained = open_run(str(account.folder.path))
        samples = _drawer(trained, account.folder)
    except _UNHAPPY as error:
        return Drawn(0, [], [], "", [f"nothing could be drawn: {error}"])
    count = len(trained.classes)
    notes = [*trained.remarks, *[f"samples of the first {CLASSES} of {count:,} classes"] * (count > CLASSES)]
    drawn = Drawn(int(trained.state.step), [], [], "", notes)
    try:
        drawn = drawn._replace(classes=_by_class(trained, samples))
    except _UNHAPPY as error:
        notes.append(f"no samples by class: {error}")
    try:
        data = load_data(readable(config, moved))
        data.must_be(trained.notes["fingerprint"], trained.notes["images"])
        say(f"{account.name}: looking for the nearest of {len(data):,} real images")
        neighbours, measured = _neighbours(config, samples(SAMPLES, None), as_made(config, data), say)
        return drawn._replace(neighbours=neighbours, measured=measured)
    except _UNHAPPY as error:
        notes.append(f"no nearest real images: {error}")
    return drawn


_UNHAPPY = (ConfigError, DataError, RunError)


def readable(config: Config, moved: Mapping[str, str]) -> Config:
    """The config with data of the usual place, or of a folder that somebody names here; else raises DataError."""
    key, option = ("data.path", "--data-path") if config.data.path else ("data.data_dir", "--data-dir")
    named = config.data.path or config.data.data_dir
    if named and key not in moved:
        raise DataError(f"the config names {named!r}, which is read only if you do, too: {option}")
    return with_values(config, {"data.download": False, key: moved.get(key)})


Samples = Callable[[int, int | None], np.ndarray]
"""So many images `[N, H, W, C]`, of a class; of None of all in turn."""


def _drawer(trained: Trained, folder: RunFolder) -> Samples:
    """Of averaged weights; the same ones at every call. Latents are decoded, if they can be."""
    gan, labels = trained.gan, len(trained.classes)
    decode: decoding.Decode = decoding.of_run(folder, trained.notes) or np.asarray
    weights = sampling_weights(gan, trained.state, trained.counts)
    drawer = make_drawer(gan, medium_of(trained.config, "").kept)

    def samples(count: int, label: int | None) -> np.ndarray:
        latents = latents_by_index(gan, jax.random.key(0), count)
        told = jnp.arange(count) % labels if label is None and labels else jnp.full(count, label or 0)
        return decode(drawer(weights, latents, told.astype(jnp.int32) if labels else None))

    return samples


def _by_class(trained: Trained, samples: Samples) -> list[tuple[str, Picture]]:
    """A sheet for each label that the generator is told; one row of it if there are many."""
    look = medium_of(trained.config, "").look
    count, columns = (16, 4) if len(trained.classes) <= 20 else (6, 6)
    show = lambda label: embedded(_grey_flat(sheet(look(samples(count, label)), columns)))
    return [(name, show(label)) for label, name in enumerate(trained.classes[:CLASSES])]


def _neighbours(config: Config, fake: np.ndarray, data: Dataset, say: Say) -> tuple[list[Neighbours], str]:
    """In the features of the data's classifier if that was trained once, else in pixels."""
    kind: Kind = "classifier" if features.has_classifier(data) else "pixels"
    extractor = features.make(kind, config, data, weights=None, download=False, say=say)
    extracted = lambda images: np.asarray(extract_all(extractor, images).values)

    def parts() -> Iterator[np.ndarray]:
        for start in range(0, len(data), PART):
            yield extracted(data.images[start : start + PART])

    places, distances = nearest(parts(), extracted(fake), min(NEAREST, len(data)))
    look = medium_of(config, "").look
    show = lambda image: embedded(_grey_flat(np.asarray(look(image[None]))[0]))
    found = [
        Neighbours(
            show(one), [(show(data.images[i]), float(far)) for i, far in zip(its_places, its_distances, strict=True)]
        )
        for one, its_places, its_distances in zip(fake, places, distances, strict=True)
    ]
    return found, extractor.about


def _grey_flat(pixels: np.ndarray) -> np.ndarray:
    """Without the axis of a single channel, `[H, W, 1]` to `[H, W]`."""
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
