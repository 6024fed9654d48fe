"""Finds recipes: those of the repository's `configs`, which a wheel has beside the package's files, or anybody's."""

import ast
import dataclasses
import difflib
import os
import re
import runpy
import shlex
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import gan_jax.config
from gan_jax.config import Config
from gan_jax.config.checks import check_values, from_json
from gan_jax.config.schema import name_of
from gan_jax.errors import ConfigError, RunError
from gan_jax.storage import is_remote, place, reached

_PACKAGE = Path(__file__).parents[1]
FOLDER = next(folder for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if folder.is_dir())

FIRST = "digits"
"""The recipe to begin with."""


@cache
def names() -> Mapping[str, str]:
    """The recipes that come with the package: name to the first line of its docstring."""
    files = sorted(FOLDER.glob("*.py"))
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0] for path in files}


def of_model(model: str) -> list[str]:
    """The recipes that come with the package and have these networks."""
    return [name for name in names() if name_of(load(name).model) == model]


def load(recipe: str) -> Config:
    """Reads a recipe by name, from a .py file, or from a run folder's config.json.

    Raises ConfigError where there is none, or where it gives no Config. Whether the values can work is left to
    `checks.check`: a recipe may leave some for the command line to fill in.
    """
    path = expand(recipe)
    if recipe in names():
        return _from_python(FOLDER / f"{recipe}.py")
    if path.suffix == ".py" and os.path.isfile(path):
        return _from_python(path)
    if is_run(path):
        return load_run(path)
    close = difflib.get_close_matches(recipe, names(), n=3) or [name for name in names() if recipe in name][:3]
    folder = os.sep in recipe and path.suffix != ".py"
    begin = f"A run begins with gan-jax train RECIPE --run {recipe}. " if folder else ""
    if recipe and os.path.isdir(path):
        begin = "That folder holds no config.json; the command that began a run there goes on with it. "
        begin += f"To train on pictures that lie there: gan-jax train pictures --data.path {shlex.quote(recipe)}. "
    hint = begin + (f"Did you mean {' or '.join(close)}? " if close else "")
    raise ConfigError(f"no recipe, .py file or run folder named {recipe!r}. {hint}{which()}")


def which() -> str:
    """What there is, in a sentence: the list of all is a screen long."""
    return (
        f"gan-jax configs describes the {len(names())} recipes; {FIRST}, which needs no download, is one to begin with"
    )


def expand(path: Path | str) -> Path:
    """The path with its `~` spelled out, or that of an object. Raises ConfigError where it means nobody's home."""
    try:
        return place(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such user, whose home ~ could be; write the folder out") from None


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run. Raises RunError for a bucket that cannot be asked."""
    file = expand(folder) / "config.json"
    if not is_remote(file):
        return os.path.isfile(file)
    if str(file).startswith("s3:"):  # where orbax keeps no checkpoints
        return False
    try:
        with reached(file):
            return bool(file.read_bytes())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}") from None


def load_run(folder: Path) -> Config:
    """Reads the config that a run folder was begun with. Raises ConfigError if it cannot be read."""
    file = expand(folder) / "config.json"
    try:
        with reached(file):
            text = file.read_text("utf-8")
        return from_json(text)
    except (ConfigError, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}") from None


def _from_python(path: Path) -> Config:
    get_config = _ran(lambda: runpy.run_path(str(path)).get("get_config"), f"{path}:")
    if not callable(get_config):
        raise ConfigError(f"{path}: no get_config(); a recipe is a file with `def get_config() -> Config`")
    config = _ran(get_config, f"{path}: get_config() raised")
    if type(config) is not Config:
        raise ConfigError(f"{path}: get_config() gave a {type(config).__name__}, not a gan_jax.config.Config")
    try:
        return check_values(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _ran(run: Callable[[], Any], where: str) -> Any:
    """What a user's code gives, whatever it may raise."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ConfigError(f"{where} {type(error).__name__}: {error}{_meant(error)}") from None


def _meant(error: BaseException) -> str:
    """The field that a misspelt one of a group may have been, where Python does not say so itself, as 3.13 does."""
    if "Did you mean" in str(error):
        return ""
    found = re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    group = getattr(gan_jax.config, found[1], None) if found else None
    if not found or not dataclasses.is_dataclass(group):
        return ""
    close = difflib.get_close_matches(found[2], [f.name for f in dataclasses.fields(group)], n=1)
    return f"; did you mean {close[0]}?" if close else ""
