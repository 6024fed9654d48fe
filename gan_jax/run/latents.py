"""The latent space of a trained generator, opened to draw from, and what is found in it, kept in files."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gan_jax.config import Config
from gan_jax.errors import ConfigError, DataError
from gan_jax.latents.spaces import Space, space_of
from gan_jax.latents.walks import Points
from gan_jax.run import cache
from gan_jax.run.files import write_atomically
from gan_jax.run.labels import read_labels
from gan_jax.run.media import Medium, medium_of
from gan_jax.run.named_arrays import to_arrays
from gan_jax.run.sampling import Source, in_chunks, latents_by_index, styled
from gan_jax.types import Attributes, Weights


class Opened(NamedTuple):
    """A generator's latent space."""

    source: Source
    space: Space
    weights: Weights
    medium: Medium
    draw: Callable[[Points, Attributes | None], np.ndarray]
    """Points `[N, D]` or `[N, layers, D]`, and what they are told, to what a person is shown, uint8 `[N, H, W, C]`."""

    def points(self, seed: int, count: int, told: Attributes | None) -> Points:
        """Those of so many latents, `[count, D]`; the i-th depends on the seed, i and what it is told alone."""
        latents = latents_by_index(self.source.gan, jax.random.key(seed), count)
        return jax.jit(self.space.map)(self.weights, latents, told)

    def in_turn(self, labels: str | None, count: int) -> Attributes | None:
        """What so many pictures are told, one-hot `[count, classes]`: labels that are asked for in turn, or all.

        None of a generator that is told nothing. Raises ConfigError for labels that there are not.
        """
        classes = self.source.labels
        chosen = read_labels(labels, classes) if labels is not None else range(len(classes))
        return one_hot([chosen[i % len(chosen)] for i in range(count)], len(classes)) if classes else None

    @property
    def sha256(self) -> str:
        """Of the weights: points of other ones say nothing here."""
        return cache.sha256(to_arrays(self.weights))


def one_hot(labels: Sequence[int] | np.ndarray, classes: int) -> Attributes:
    """Rows of classes, which mix where labels do not."""
    return jax.nn.one_hot(jnp.array(labels), classes)


def open_space(source: Source, styles: Mapping[str, float], command: str) -> Opened:
    """Opens it. `styles` are fields of the generator, as in `sampling.styled`.

    Raises ConfigError for a generator that makes no pictures, or that makes them of something given.
    """
    config = source.config
    _check(config, source.run, command)
    moved = {field: value for field, value in styles.items() if value != 1}
    space = space_of(styled(config, len(source.notes["classes"]), moved))
    medium = medium_of(config, "", source.decode)
    weights, drawer = source.weights(), in_chunks(space.draw, medium.kept)
    draw = lambda points, told: np.asarray(medium.look(drawer(weights, points, told)))
    return Opened(source, space, weights, medium, draw)


def _check(config: Config, run: str, command: str) -> None:
    if config.task.given:
        raise ConfigError(
            f"run: {run} was trained for {config.task.called} of something given; use gan-jax apply {run}"
        )
    if config.data.kind != "pictures":
        raise ConfigError(
            f"run: {run} makes {config.data.kind}, and gan-jax {command} shows pictures; use gan-jax sample {run}"
        )


class Found(NamedTuple):
    """Points that are kept in a file."""

    points: Array  # [N, D]
    told: Attributes | None  # [N, classes]


def save_found(path: Path, opened: Opened, found: Found, names: Sequence[str], psnr: np.ndarray) -> None:
    """Writes an .npz: points float32 `[N, D]`, labels, names and PSNR of each, and the SHA-256 of the weights."""
    arrays = {"points": np.asarray(found.points), "names": np.array(names), "psnr": psnr, "sha256": opened.sha256}
    if found.told is not None:
        arrays["labels"] = np.argmax(np.asarray(found.told), axis=1).astype(np.int32)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def load_found(path: Path, opened: Opened) -> Found:
    """Reads it. Raises DataError for what is no such file, or of points in another generator's space."""
    classes = len(opened.source.labels)
    try:
        with np.load(path, allow_pickle=False) as file:
            points, sha256 = file["points"], str(file["sha256"])
            told = one_hot(file["labels"], classes) if classes else None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or 'no .npz'}; gan-jax project writes such files") from None
    except (ValueError, TypeError, KeyError, AttributeError, EOFError, zipfile.BadZipFile):
        raise DataError(f"{path}: not as gan-jax project writes it") from None
    if sha256 != opened.sha256:
        raise DataError(
            f"{path}: found with other weights than {opened.source.called} of {opened.source.run}; "
            f"find it here with gan-jax project {opened.source.run}"
        )
    return Found(jnp.asarray(points), told)
