"""Small generators that come with the package, trained by its own recipes: `example:digits`. Imports nothing of JAX."""

import difflib
import os
from pathlib import Path

from gan_jax.errors import ConfigError
from gan_jax.storage import is_remote

PREFIX = "example:"

FOLDER = Path(__file__).parents[1] / "examples"
"""One folder for each, as `gan-jax export` writes them; `benchmarks/examples.py` makes them of runs."""

DRAWN = Path("drawn")
"""In the current folder: a folder in it for each generator."""


def names() -> list[str]:
    """What examples there are."""
    return sorted(path.name for path in FOLDER.iterdir() if is_exported(path))


def folder_of(text: str) -> str:
    """The folder of an example that is named, as in "example:digits"; what else it may be, as it is.

    Raises ConfigError for an example that there is not.
    """
    if not text.startswith(PREFIX):
        return text
    name = text.removeprefix(PREFIX)
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {PREFIX}{close[0]}?" if close else ""
        raise ConfigError(f"no example {name!r}, there are {', '.join(names())}{hint}")
    return str(FOLDER / name)


def called(folder: Path) -> str:
    """A folder as a person names it: of an example "example:digits"."""
    return f"{PREFIX}{folder.name}" if folder.parent == FOLDER else str(folder)


def place_of(folder: Path, name: str) -> Path:
    """Where what is drawn by an exported folder goes: it is to hand on, and an example's is the package's own."""
    return DRAWN / folder.resolve().name / name


def is_exported(folder: Path) -> bool:
    """Whether a folder of this machine holds what `gan-jax export` wrote, and no run."""
    return not is_remote(folder) and os.path.isfile(folder / "generator.json")
