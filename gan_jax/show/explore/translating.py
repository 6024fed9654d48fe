"""A picture in, a picture out: what a translator makes of pictures that a visitor chooses, and paints over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from gan_jax.config import Config
from gan_jax.config.between import BothWays
from gan_jax.config.build import load_data
from gan_jax.data.listing import Files
from gan_jax.errors import ConfigError, DataError
from gan_jax.images import to_bytes
from gan_jax.run.applying import Translation, make_translation
from gan_jax.run.drawing import held_out
from gan_jax.run.sampling import Source
from gan_jax.show.drawn import readable
from gan_jax.show.explore.uploads import whole

MOST = 1 << 22
"""Pixels of a picture that the page shows, of what is made, too."""

EXAMPLES = 8
"""Pictures of the run's data that are shown to begin with, at most."""


class Translator(NamedTuple):
    """A network that makes a picture of a picture."""

    config: Config
    has_holes: bool
    ways: tuple[Translation, ...]  # the one that it was trained for; between two domains, the other way, too


def open_translator(source: Source) -> Translator:
    """Its networks, not compiled yet: they are for each size of pictures, when the first one comes."""
    config, weights = source.config, source.weights()
    tasks = [config.task]
    if isinstance(config.task, BothWays):
        tasks.append(replace(config.task, reverse=not config.task.reverse))
    ways = tuple(make_translation(config, source.gan, task.build(), weights) for task in tasks)
    return Translator(config, config.task.build().has_holes, ways)


class Given(NamedTuple):
    """A picture that something is to be made of."""

    name: str
    colours: np.ndarray  # uint8 [H, W, C]
    missing: np.ndarray  # bool [H, W]


def read(translator: Translator, file: Files) -> Given:
    """A picture that was uploaded; of inpainting its transparent pixels are missing. Raises DataError."""
    colours, alpha = whole(file, translator.config.data.image_channels, MOST // translator.ways[0].times ** 2)
    missing = np.zeros(colours.shape[:2], bool)
    if translator.has_holes and alpha is not None:
        missing = alpha[..., 0] == 0
    return Given("picture", colours, missing)


def translate(translator: Translator, colours: np.ndarray, missing: np.ndarray, way: int = 0) -> np.ndarray:
    """What is made of a picture, uint8 `[times · H, times · W, C]`, of which inpainting fills what is missing.

    `colours` are uint8 `[H, W, C]`, `missing` bool `[H, W]`. Raises DataError where nothing is missing, or everything;
    RunError if what is made is not finite.
    """
    if translator.has_holes and (missing.all() or not missing.any()):
        extent = "all of it" if missing.all() else "nothing"
        raise DataError(f"{extent} is painted over; paint over what is to be made anew, and only that")
    known = np.where(missing & translator.has_holes, 0, 255).astype(np.uint8)
    return translator.ways[way].make(np.concatenate([colours, known[..., None]], axis=-1)[None])[0]


def examples(config: Config, moved: Mapping[str, str]) -> list[np.ndarray]:
    """What is given for some images that were held out, uint8 `[H, W, C]`; of inpainting the whole images.

    `moved` names where the data are, by config key: what a config names is not read else. Raises ConfigError, DataError
    where they are not at hand.
    """
    task, channels = config.task.build(), config.data.image_channels
    batch = held_out(config, load_data(readable(config, moved)), EXAMPLES)
    found: Any = batch.images if task.has_holes else batch.condition
    if not hasattr(found, "ndim"):  # of each domain one
        found = task.look(found)
    pixels = np.asarray(to_bytes(found))
    return list(pixels if pixels.shape[-1] == channels else pixels.repeat(channels, axis=-1))


def at_hand(config: Config, moved: Mapping[str, str]) -> tuple[list[np.ndarray], str]:
    """The examples, and why there are none."""
    try:
        return examples(config, moved), ""
    except (ConfigError, DataError) as error:
        return [], f"no pictures of the run's data to begin with: {error}"
