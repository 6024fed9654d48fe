"""Pictures from a trained generator: for the grids of a run, and for `gan-jax sample`."""

import io
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from gan_jax import parallel
from gan_jax.config import Config
from gan_jax.config.build import build_gan
from gan_jax.config.options import check_out, drawn_in
from gan_jax.config.recipes import load_run
from gan_jax.config.schema import name_of
from gan_jax.data.clusters import labels_by_frequency
from gan_jax.data.scaling import Scaling
from gan_jax.errors import ConfigError, RunError
from gan_jax.gan import GAN, GANState, generate
from gan_jax.images import to_bytes
from gan_jax.latents.walks import slerp
from gan_jax.memory import require_memory
from gan_jax.run import decoding
from gan_jax.run.checkpoints import Notes, newest
from gan_jax.run.files import RunFolder, write_atomically
from gan_jax.run.labels import read_labels, row_of_labels
from gan_jax.run.media import Medium, medium_of
from gan_jax.run.pictures import enlargement, save_image
from gan_jax.run.training import abstract_state
from gan_jax.statistics import standing_statistics
from gan_jax.types import Bytes, Condition, Images, Labels, Latents, Made, PRNGKey, Weights

Counts = Sequence[int] | None


class Trained(NamedTuple):
    """A run, opened to draw from."""

    config: Config
    gan: GAN
    state: GANState
    notes: Notes
    classes: tuple[str, ...]  # what labels are called; empty if the networks are not told any
    counts: Counts  # how many real images have each label
    remarks: list[str]  # about checkpoints that were passed over


def open_run(path: str, *, best: bool = False) -> Trained:
    """Opens the newest good checkpoint of a run, or the best one; changes nothing. Raises ConfigError, RunError."""
    folder = RunFolder(path)
    folder.refuse_links()
    config = load_run(folder.path)
    kept = folder.best if best else folder.checkpoints
    found = newest(kept, lambda notes: abstract_state(config, len(notes["classes"])))
    if found is None and best:
        raise RunError(
            f"{folder.path} has kept no best checkpoint; a run trained with --evaluate.every N keeps one, this one was "
            "not, or has not come so far"
        )
    if found is None:
        raise RunError(f"{folder.path} has no checkpoint yet; gan-jax train {shlex.quote(path)} makes one")
    classes = tuple(found.notes["classes"])
    remarks = [f"checkpoint {name} is damaged ({why}); passed over" for name, why in found.bad.items()]
    gan = build_gan(config, len(classes))
    return Trained(config, gan, found.state, found.notes, label_names(config, classes), found.notes["counts"], remarks)


def label_names(config: Config, classes: Sequence[str]) -> tuple[str, ...]:
    """What the labels that the networks are told are called, of data with such classes; () if they are told none."""
    clusters = tuple(f"cluster {i}" for i in range(config.data.clusters or 0))
    return clusters or (tuple(classes) if config.conditional else ())


def sampling_weights(gan: GAN, state: GANState, counts: Counts = None, *, averaged: bool = True) -> Weights:
    """The generator to draw with: averaged, its batch statistics measured anew; or as the step left it.

    `counts` is how often each label is in the data, `[classes]`, if the generator is told labels.
    """
    if not averaged:
        return state.generator.weights
    labels = None if counts is None else jnp.asarray(_typical(np.asarray(counts), 128))
    return standing_statistics(gan, state.average, jax.random.fold_in(jax.random.key(0), 2**31), labels, batch_size=128)


def compiled_weights(gan: GAN, counts: Counts = None, *, averaged: bool = True) -> Callable[[GANState], Weights]:
    """`sampling_weights` as one program, for whoever asks more than once."""
    return jax.jit(lambda state: sampling_weights(gan, state, counts, averaged=averaged))


def _typical(counts: np.ndarray, count: int) -> np.ndarray:
    """So many labels, each as often as it is in the data, as far as they go."""
    until = np.cumsum(counts)
    return np.searchsorted(until, (np.arange(count) + 0.5) / count * until[-1], side="right").astype(np.int32)


def labels_in_turn_or_by_frequency(config: Config, key: PRNGKey, counts: Counts, count: int) -> Labels | None:
    """Labels `[count]` where nobody asks for any: all classes in turn, or clusters as often as they are in the data."""
    if counts is None:
        return None
    if config.data.clusters is None:
        return jnp.arange(count) % len(counts)
    return labels_by_frequency(jax.random.fold_in(key, 2**31), jnp.asarray(counts), count)


def latents_by_index(gan: GAN, key: PRNGKey, count: int) -> Latents:
    """Standard normal latents `[count, L]`; the i-th depends on (key, i) only, not on how many there are."""
    keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.arange(count))
    return jax.vmap(lambda k: jax.random.normal(k, (gan.latent_size,)))(keys)


CHUNK = 64
"""Images drawn at once, always: another size could round differently. As many more as devices need to share them."""


def bytes_to_draw(config: Config, count: int, *, copies: int = 2, held: int | None = None) -> int:
    """Memory that so many images take, in some copies, with their latents; of the images, only `held` at once."""
    pixels = math.prod(config.data.image_size) * config.data.image_channels * (4 if config.data.floats else 1)
    return 4 * 4 * config.model.latent_size * count + copies * pixels * (count if held is None else min(held, count))


Drawer = Callable[[Weights, Latents, Labels | None], np.ndarray]
"""`(weights, latents, labels)`, or points of its space and conditions, to images `[N, H, W, C]`."""


def make_drawer(
    gan: GAN,
    finish: Callable[[Images], Images | Bytes] = to_bytes,
    mesh: Mesh | None = None,
    shown: Callable[[Made], Images] = jax.nn.identity,
) -> Drawer:
    """Builds `draw(weights, latents, labels)`: images `[N, H, W, C]` as `finish` leaves them, compiled once.

    On all devices of a mesh, if one is given. `shown` is what of all that the generator makes is drawn.

    Each depends on its own latent and label only, bit for bit. Raises RunError if an image is not finite.
    """
    return in_chunks(lambda weights, latents, labels: shown(generate(gan, weights, latents, labels)), finish, mesh)


def in_chunks(
    make: Callable[[Weights, Any, Condition], Images],
    finish: Callable[[Images], Images | Bytes] = to_bytes,
    mesh: Mesh | None = None,
) -> Drawer:
    """The same of what else makes images of weights, arrays of as many rows, and conditions."""
    size = CHUNK if mesh is None else -(-CHUNK // mesh.devices.size) * mesh.devices.size
    lay = (lambda rows: rows) if mesh is None else partial(parallel.spread, mesh)

    @partial(jax.jit, out_shardings=None if mesh is None else parallel.replicated(mesh))
    def chunk(weights: Weights, latents: Latents, labels: Labels | None) -> tuple[Images | Bytes, Array]:
        images = make(weights, latents, labels)
        return finish(images), jnp.all(jnp.isfinite(images))

    def draw(weights: Weights, latents: Latents, labels: Labels | None) -> np.ndarray:
        count = len(latents)
        pad = -count % size
        padded: Any = jax.tree.map(lambda a: jnp.concatenate([a, a[:1].repeat(pad, 0)]), (latents, labels))
        parts = [
            chunk(weights, *lay(jax.tree.map(lambda a, i=i: a[i : i + size], padded)))
            for i in range(0, count + pad, size)
        ]
        if not all(finite for _, finite in parts):
            raise RunError("the generator draws images that are not finite; an earlier checkpoint may do better")
        return np.concatenate([np.asarray(images) for images, _ in parts])[:count]

    return draw


USUAL = 64
"""Images drawn where nobody says how many."""


class Source(NamedTuple):
    """A generator to draw from, or to apply, and what is known of it."""

    run: str  # as it was named; or an exported folder
    config: Config
    gan: GAN
    weights: Callable[[], Weights]  # made once all that is asked for is right
    notes: Notes  # those of its checkpoint
    labels: tuple[str, ...]  # what the labels that it is told are called
    counts: Counts
    called: str  # such as "the averaged weights of step 3000"
    place: Callable[[str], Path]  # where what is drawn goes, by its name
    remarks: list[str]
    decode: decoding.Decode | None = None  # what makes pictures of latents


def of_run(run: str, *, averaged: bool, best: bool) -> Source:
    """The generator of a run. Raises ConfigError, RunError."""
    config, gan, state, notes, labels, counts, remarks = open_run(run, best=best)
    weights = lambda: sampling_weights(gan, state, counts, averaged=averaged)
    called = f"the {'averaged' if averaged else 'raw'} weights of step {int(state.step)}"
    kind = "_raw" * (not averaged) + "_best" * best
    place = lambda name: RunFolder(run).path / f"{Path(name).stem}{kind}{Path(name).suffix}"
    decode = decoding.of_run(RunFolder(run), notes)
    return Source(run, config, gan, weights, notes, labels, counts, called, place, remarks, decode)


def draw_from(
    source: Source,
    *,
    out: Path | None,
    count: int | None,
    seed: int,
    labels: str | None,
    interpolate: int | None,
    styles: Mapping[str, float] = MappingProxyType({}),
) -> list[str]:
    """Draws, writes, and returns what to tell. Raises ConfigError for what the generator cannot be asked.

    A `count` of None is `USUAL`, or as many whole rows of labels as come next to it. `styles` are fields of the
    generator that do nothing at 1.
    """
    run, config, notes = source.run, source.config, source.notes
    if config.task.given:
        raise ConfigError(
            f"run: {run} was trained for {config.task.called} of something given; use gan-jax apply {run}"
        )
    moved = {field: value for field, value in styles.items() if value != 1}
    gan = styled(config, len(notes["classes"]), moved) if moved else source.gan
    check_out(out, config.data.kind)
    medium = medium_of(config, notes.get("alphabet", ""), source.decode)
    asked = read_labels(labels, source.labels) if labels is not None else []
    cycle = row_of_labels(len(asked) or (len(source.labels) if config.conditional else 0))
    count = count or (USUAL if interpolate or not cycle else cycle * round(USUAL / cycle))
    each = interpolate or 1
    _require_memory(config, count * each, grid=out is None or out.suffix == ".png")
    told = _told(source, seed, count, asked)
    told = None if told is None else jnp.repeat(told, each)  # all pictures of a strip have one label
    labelled = None if told is None else np.asarray(told)
    if out is not None and not out.suffix:
        _check_alone(out, _names(count * each, labelled))
    images = make_drawer(gan, medium.kept)(source.weights(), _latents(gan, seed, count, interpolate), told)
    drawn = f"{len(images)} {medium.things} from {source.called}"
    if out is None and medium.lines:
        return [*source.remarks, *medium.lines(images), drawn]
    columns = interpolate or min(len(images), cycle or round(len(images) ** 0.5))
    path = out or source.place(_file_name(seed, len(images), labels, interpolate, moved))
    if config.data.floats and path.suffix == ".npz":
        images = Scaling(*notes["scaling"]).back(images)
    elif config.data.floats:
        images = np.asarray(medium.look(images))
    _write(medium, path, images, labelled, columns)
    return [*source.remarks, f"{drawn}: {path}"]


def _require_memory(config: Config, count: int, *, grid: bool) -> None:
    copies = 4 + enlargement(config.data.image_size) ** 2 if grid else 3
    needed = bytes_to_draw(config, count, copies=copies)
    require_memory(needed, f"count: {count:,} images", "draw fewer, and more of them with another --seed")


def _latents(gan: GAN, seed: int, count: int, interpolate: int | None) -> Latents:
    """Those of so many images, or of as many strips, each from one latent to the next."""
    latents = latents_by_index(gan, jax.random.key(seed), count + bool(interpolate))
    if not interpolate:
        return latents
    ends, share = (latents[:-1, None], latents[1:, None]), jnp.linspace(0.0, 1.0, interpolate)[None]
    return slerp(*ends, share).reshape(-1, gan.latent_size)


def _told(source: Source, seed: int, count: int, asked: Sequence[int]) -> Labels | None:
    """Labels `[count]`: those that are asked for in turn, or the usual ones."""
    if asked:
        return jnp.array([asked[i % len(asked)] for i in range(count)])
    return labels_in_turn_or_by_frequency(source.config, jax.random.key(seed), source.counts, count)


def styled(config: Config, classes: int, fields: Mapping[str, float]) -> GAN:
    """The GAN of a config, its generator with other fields: by how much it moves styles to or from their means.

    Raises ConfigError for a generator that has no such field, or means of labels that it is not told.
    """
    # The network itself, without what spares memory.
    gan = build_gan(replace(config, remat=False, accumulate=1), classes)
    for field in fields:
        if not hasattr(gan.generator, field):
            raise ConfigError(f"{field}: model {name_of(config.model)} has no styles to move so; drop --{field}")
    if "guidance" in fields and not config.tells:
        raise ConfigError("guidance: is away from the mean over labels, and this run is told none; drop --guidance")
    return replace(gan, generator=gan.generator.clone(**fields))  # type: ignore[attr-defined]


def _file_name(seed: int, count: int, labels: str | None, interpolate: int | None, styles: Mapping[str, float]) -> str:
    """A name that tells what is on the picture, so that another does not overwrite it."""
    parts = ["interpolation" if interpolate else "samples", f"seed{seed}", f"{count}"]
    parts += [re.sub(r"[^\w,-]", "_", f"labels{labels}")] if labels else []
    return "_".join(parts + [f"{field}{value:g}" for field, value in styles.items()]) + ".png"


def _write(medium: Medium, path: Path, images: np.ndarray, labels: np.ndarray | None, columns: int) -> None:
    """What shows them all, an .npz of arrays, or a folder of single images, by the suffix."""
    if save := ({medium.suffix: medium.save} | {**medium.more}).get(path.suffix):
        save(path, images, columns)
    elif path.suffix == ".npz":
        buffer = io.BytesIO()
        arrays = {"images": images} if labels is None else {"images": images, "labels": labels}
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        write_atomically(path, buffer.getvalue())
    else:
        for name, image in zip(_names(len(images), labels), images, strict=True):
            save_image(path / name, image)


def _names(count: int, labels: np.ndarray | None) -> list[str]:
    """Of single images, in a folder."""
    return [f"{i:06d}{'' if labels is None else f'_label{labels[i]}'}.png" for i in range(count)]


def _check_alone(folder: Path, names: Sequence[str]) -> None:
    """Raises ConfigError for a folder with images of an earlier draw, which nobody could tell from these."""
    if others := drawn_in(folder) - {*names}:
        raise ConfigError(
            f"out: {folder} holds {len(others)} images of another draw, such as {min(others)}, which would lie among "
            "these; name a new folder"
        )
