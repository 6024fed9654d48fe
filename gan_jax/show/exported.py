"""A generator that has left the house: its weights as safetensors, and as JSON all that its network is built from.

`load(folder)` reads what `gan-jax export` wrote, and draws the images that `gan-jax sample` drew of the run.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp
import numpy as np

from gan_jax import __version__
from gan_jax.config import Config
from gan_jax.config.build import build_gan
from gan_jax.config.checks import check_values, from_json
from gan_jax.config.schema import to_json
from gan_jax.data.scaling import Scaling
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.gan import GAN
from gan_jax.published import tensors
from gan_jax.run.applying import make_translation
from gan_jax.run.checkpoints import Notes
from gan_jax.run.media import medium_of
from gan_jax.run.named_arrays import from_arrays, to_arrays
from gan_jax.run.sampling import (
    Counts,
    Source,
    label_names,
    labels_in_turn_or_by_frequency,
    latents_by_index,
    make_drawer,
)
from gan_jax.run.training import abstract_state
from gan_jax.show import examples
from gan_jax.types import Labels, PRNGKey, Weights

WEIGHTS, FIELDS = "generator.safetensors", "generator.json"

GROUPS = ("conditional", "data", "task", "model")
"""Of a config, those that say what network a generator is."""


class Exported(NamedTuple):
    """A generator by itself."""

    config: Config  # its groups that are not of `GROUPS` have their defaults
    gan: GAN
    weights: Weights
    labels: tuple[str, ...]  # what the labels that it is told are called; () if it is told none
    fields: dict[str, Any]  # all of generator.json
    draw: Callable[..., np.ndarray]
    """`(key, count, labels=None)` to images `[N, H, W, C]`: uint8, or floats in the data's own range; of text numbers
    of characters `[N, 1, T, 1]`. Labels are integers `[N]`; by default as `gan-jax sample` has them. Image i does not
    depend on the count. Raises ConfigError for labels that there are not, and of a translator."""
    translate: Callable[[np.ndarray], np.ndarray]
    """Pictures uint8 `[N, h, w, C]`, of inpainting `[N, h, w, C + 1]`, the last channel 255 where a pixel is known and
    0 in a hole, to uint8 `[N, H, W, C]`, at any size, as `gan-jax apply` does. Raises ConfigError of what is no
    translator, ValueError for pictures of another kind."""


def packed(weights: Weights, fields: dict[str, Any]) -> dict[str, bytes]:
    """Both files, by name. Arrays are called as in Flax's variables, "params.project.kernel"."""
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in to_arrays(variables(weights)).items()}
    told = json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
    return {WEIGHTS: save(arrays, {"format": "flax"}), FIELDS: told.encode()}


def variables(weights: Weights) -> dict[str, Any]:
    """What Flax's `apply` takes: {"params": ..., "batch_stats": ...}."""
    return {"params": weights.params, **weights.stats}


def fields(config: Config, notes: Notes, *, step: int, which: str) -> dict[str, Any]:
    """All that a generator is built and used by, of a checkpoint's notes; `which` are "averaged" weights, or "raw".

    Of paths only names are told: what leaves the house has no others. Raises ConfigError for networks that JSON cannot
    say, such as somebody's own.
    """
    check_values(config)
    whole = json.loads(to_json(config))
    config_of = {group: whole[group] for group in GROUPS}
    path = config.data.path
    config_of["data"] |= {"path": path and Path(path).name, "data_dir": None}
    if features := config_of["task"].get("vgg"):
        config_of["task"]["vgg"] = Path(features).name
    data = config.data
    return {
        "made_by": f"gan_jax {__version__}",
        "step": step,
        "weights": which,
        "latent_size": config.model.latent_size,
        "size": list(data.image_size),
        "channels": data.image_channels,
        "range": None if data.floats else [0, 1] if data.kind == "text" else [-1, 1],
        "scaling": notes.get("scaling"),
        "classes": list(notes["classes"]),
        "labels": list(label_names(config, notes["classes"])),
        "counts": notes["counts"],
        "alphabet": notes.get("alphabet", ""),
        "config": config_of,
    }


def load(folder: str | Path) -> Exported:
    """Opens what `gan-jax export` wrote. Raises DataError for what else the folder holds; executes nothing of it."""
    folder = Path(folder).expanduser()
    _require_files(folder)
    told = _fields(folder / FIELDS)
    try:
        config = from_json(json.dumps(told["config"]))
        labels = _labels(told, config)
        scaling = Scaling(*told["scaling"]) if config.data.floats else None
        gan = build_gan(config, len(told["classes"]))
        template = variables(abstract_state(config, len(told["classes"])).generator.weights)
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise DataError(f"{folder / FIELDS}: not as gan-jax export writes it: {said}") from None
    try:
        found = from_arrays(template, _arrays(folder / WEIGHTS), where=f"{folder / WEIGHTS}")
    except RunError as error:
        raise DataError(str(error)) from None
    weights = Weights(found.pop("params"), found)
    draw: Callable[..., np.ndarray] = partial(_refuse, "draws nothing: it is given pictures; use translate(pictures)")
    translate: Callable[..., np.ndarray] = partial(_refuse, "is given nothing; use draw(key, count)")
    if config.task.given:
        translate = _make_translate(config, gan, weights)
    else:
        draw = _make_draw(config, gan, weights, told["counts"], len(labels), told["alphabet"], scaling)
    return Exported(config, gan, weights, labels, told, draw, translate)


def _make_translate(config: Config, gan: GAN, weights: Weights) -> Callable[[np.ndarray], np.ndarray]:
    task, channels = config.task.build(), config.data.image_channels
    make = make_translation(config, gan, task, weights).make
    expected = f"pictures uint8 [N, h, w, {channels + task.has_holes}]"
    expected += ", the last channel 255 where they are known, else 0" if task.has_holes else ""

    def translate(pictures: np.ndarray) -> np.ndarray:
        given = np.asarray(pictures)
        bare = given.shape[-1:] == (channels,) and not task.has_holes
        if given.ndim != 4 or given.dtype != np.uint8 or not (bare or given.shape[-1] == channels + 1):
            raise ValueError(f"expected {expected}, got {given.dtype} {list(given.shape)}")
        return make(np.concatenate([given, np.full_like(given[..., :1], 255)], axis=-1) if bare else given)

    return translate


def source_of(folder: Path) -> Source:
    """What `gan-jax sample` draws from, or `gan-jax apply` applies, where such a folder is named. Raises DataError."""
    config, gan, weights, labels, told, *_ = load(folder)
    of = f"of {told['imported']['file']}" if told.get("imported") else f"of step {told['step']}"
    called = f"the {told['weights']} weights {of}"
    place = partial(examples.place_of, folder)
    return Source(
        examples.called(folder), config, gan, lambda: weights, told, labels, told["counts"], called, place, []
    )


def _make_draw(
    config: Config, gan: GAN, weights: Weights, counts: Counts, classes: int, alphabet: str, scaling: Scaling | None
) -> Callable[..., np.ndarray]:
    drawer = make_drawer(gan, medium_of(config, alphabet).kept)

    def draw(key: PRNGKey, count: int, labels: Labels | None = None) -> np.ndarray:
        chosen = labels_in_turn_or_by_frequency(config, key, counts, count)
        if labels is not None:
            chosen = _checked(labels, classes, count)
        images = drawer(weights, latents_by_index(gan, key, count), chosen)
        return images if scaling is None else scaling.back(images)

    return draw


def _checked(labels: Labels, classes: int, count: int) -> Labels:
    """Raises ConfigError for labels that the generator is not told, or not one for each image."""
    given = np.asarray(labels)
    if not classes:
        raise ConfigError("labels: this generator is told none; leave them out")
    if given.shape != (count,) or not np.issubdtype(given.dtype, np.integer):
        raise ConfigError(f"labels: expected {count} whole numbers, got {given.dtype} {list(given.shape)}")
    if np.any((given < 0) | (given >= classes)):
        raise ConfigError(f"labels: there are 0 to {classes - 1}, not {given[(given < 0) | (given >= classes)][0]}")
    return jnp.asarray(given, jnp.int32)


def _refuse(why: str, *unused: Any, **more: Any) -> NoReturn:
    raise ConfigError(f"this generator {why}")


def _labels(told: dict[str, Any], config: Config) -> tuple[str, ...]:
    """What the labels are called, of fields of the right kinds. Raises KeyError, ValueError for others."""
    for key, (expected, holds) in _EXPECTED.items():
        if not holds(told[key]):
            raise ValueError(f"{key}: expected {expected}, got {told[key]!r:.60}")
    match told.get("imported"):
        case None:
            pass
        case {"file": str(name)} if name.isprintable():
            pass
        case other:
            raise ValueError(f"imported: expected the name of a file, got {other!r:.60}")
    labels, counts = label_names(config, told["classes"]), told["counts"]
    if labels and not (
        _are(counts, int) and len(counts) == len(labels) and min(counts) >= 0 and 0 < sum(counts) < 2**31
    ):
        raise ValueError(f"counts: expected one for each of {len(labels)} labels, got {counts!r:.60}")
    if not labels and counts is not None:
        raise ValueError(f"counts: expected null, as no labels are told, got {counts!r:.60}")
    if config.data.floats and np.shape(told["scaling"]) != (2, config.data.image_channels):
        raise ValueError(f"scaling: expected two numbers for each of {config.data.image_channels} channels")
    return labels


def _are(them: Any, kind: type) -> bool:
    return isinstance(them, list) and all(type(it) is kind for it in them)


_EXPECTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "step": ("a whole number from 0", lambda it: type(it) is int and it >= 0),
    "weights": ("averaged or raw", lambda it: it in ("averaged", "raw")),
    "classes": ("a list of names", lambda it: _are(it, str)),
    "alphabet": ("a text", lambda it: isinstance(it, str)),
}


def _require_files(folder: Path) -> None:
    """Raises DataError for a folder that there is not, or in which a file is missing."""
    for name in (FIELDS, WEIGHTS):
        if not (folder / name).is_file():
            raise DataError(
                f"{folder}: {f'no {name} in it' if folder.is_dir() else 'no such folder'}; expected one with {FIELDS} "
                f"and {WEIGHTS} in it, as gan-jax export RUN --out FOLDER makes it"
            )


def _fields(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}") from None
    if not isinstance(told, dict) or "made_by" not in told:
        raise DataError(f"{path}: of another make: gan-jax export has not written it")
    return told


def _arrays(path: Path) -> dict[str, np.ndarray]:
    arrays = tensors.read(path)
    # In half precision a file is half as large, and networks are as wide as they were.
    return {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}
