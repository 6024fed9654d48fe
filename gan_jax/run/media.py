"""How each kind of what a GAN makes leaves the program: what a person is shown of it, and in which file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from gan_jax.config import Config
from gan_jax.data.text import lines
from gan_jax.images import to_bytes, to_picture
from gan_jax.run.decoding import Decode
from gan_jax.run.files import write_atomically
from gan_jax.run.pictures import save_animation, save_grid
from gan_jax.tasks.text import likeliest


class Medium(NamedTuple):
    """What many of them are shown by, `[N, ...]`."""

    kept: Callable[[Any], Any]  # what leaves the device of what was made
    look: Callable[[Any], Any]  # what a person is shown of that, and of real ones
    save: Callable[[Path, np.ndarray, int], None]  # writes what is shown, so many in a row
    suffix: str  # of the file
    animate: Callable[[Path, list[Path]], None] | None = None  # joins such files
    lines: Callable[[np.ndarray], list[str]] | None = None  # what a screen can show


def medium_of(config: Config, alphabet: str, decode: Decode | None = None) -> Medium:
    """That of the kind of a run's data; of text, in the alphabet of the data, of latents by what makes pictures."""
    return {"pictures": _pictures, "text": _text}[config.data.kind](config, alphabet, decode)


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

    return Medium(likeliest, likeliest, save, ".txt", lines=read)
