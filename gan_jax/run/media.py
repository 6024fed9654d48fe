"""How each kind of what a GAN makes leaves the program: what a person is shown of it, and in which file."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config import Config
from gan_jax.data.text import lines
from gan_jax.images import to_bytes, to_frames, to_picture
from gan_jax.run.animation import MOVING, save_animation, save_moving
from gan_jax.run.decoding import Decode
from gan_jax.run.files import write_atomically
from gan_jax.run.pictures import save_grid, save_strips
from gan_jax.tasks.text import likeliest

Save = Callable[[Path, np.ndarray, int], None]
"""Writes what is shown, so many in a row."""


class Medium(NamedTuple):
    """What many of them are shown by, `[N, ...]`."""

    kept: Callable[[Any], Any]  # what leaves the device of what was made
    look: Callable[[Any], Any]  # what a person is shown of that, and of real ones
    save: Save
    suffix: str  # of the file
    more: Mapping[str, Save] = MappingProxyType({})  # what else shows them, by the suffixes
    things: str = "images"  # what they are called
    animate: Callable[[Path, list[Path]], None] | None = None  # joins such files
    lines: Callable[[np.ndarray], list[str]] | None = None  # what a screen can show


def medium_of(config: Config, alphabet: str, decode: Decode | None = None) -> Medium:
    """That of the kind of a run's data; of text, in the alphabet of the data, of latents by what makes pictures."""
    media = {"pictures": _pictures, "text": _text, "clips": _clips}
    return media[config.data.kind](config, alphabet, decode)


def _pictures(config: Config, alphabet: str, decode: Decode | None) -> Medium:
    """Grids. Floats are kept as they are."""
    del alphabet
    kept = jax.nn.identity if config.data.floats else to_bytes
    look = decode or partial(to_picture, deviation=config.data.deviation)
    return Medium(kept, look, save_grid, ".png", animate=save_animation)


def _text(config: Config, alphabet: str, decode: Decode | None) -> Medium:
    """A line for each, of its likeliest characters."""
    del config, decode
    read = partial(lines, alphabet=alphabet)

    def save(path: Path, numbers: np.ndarray, columns: int) -> None:
        del columns
        write_atomically(path, "".join(f"{line}\n" for line in read(numbers)).encode())

    return Medium(likeliest, likeliest, save, ".txt", things="pieces", lines=read)


def _clips(config: Config, alphabet: str, decode: Decode | None) -> Medium:
    """Film strips, `[N, T, H, W, C]`; asked for by its suffix, a grid that moves."""
    del alphabet, decode

    def parted(clips: Any) -> Any:
        return clips if clips.ndim == 5 else to_frames(jnp.asarray(to_picture(clips)), config.data.frames)

    return Medium(parted, parted, save_strips, ".png", dict.fromkeys(MOVING, save_moving), "clips")
