"""Finds recipes: those in `gan_jax/configs`, or anybody's file with a `get_config`."""

import ast
import difflib
import os
import runpy
from pathlib import Path

from gan_jax.checks import check_values, from_json
from gan_jax.config import Config
from gan_jax.errors import ConfigError

FOLDER = Path(__file__).parent / "configs"


def names() -> dict[str, str]:
    """The recipes that come with the package: name to the first line of its docstring."""
    files = sorted(path for path in FOLDER.glob("*.py") if path.stem != "__init__")
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0] for path in files}


def load(recipe: str) -> Config:
    """Reads a recipe by name, from a .py file, or from a run folder's config.json.

    Raises ConfigError where there is none, or where it gives no Config. Whether the values can work is left to
    `checks.check`: a recipe may leave some for the command line to fill in.
    """
    path = Path(recipe).expanduser()
    if recipe in names():
        return _from_python(FOLDER / f"{recipe}.py")
    if path.suffix == ".py" and os.path.isfile(path):
        return _from_python(path)
    if is_run(path):
        return load_run(path)
    close = difflib.get_close_matches(recipe, names(), n=1)
    folder = f"A run begins with gan-jax train RECIPE --run {recipe}. " if os.sep in recipe else ""
    hint = folder + (f"Did you mean {close[0]}?" if close else f"Recipes are {', '.join(names())}")
    raise ConfigError(f"no recipe, .py file or run folder named {recipe!r}. {hint}; gan-jax configs describes them")


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return os.path.isfile(folder.expanduser() / "config.json")


def load_run(folder: Path) -> Config:
    """Reads the config that a run folder was begun with. Raises ConfigError if it cannot be read."""
    file = folder.expanduser() / "config.json"
    try:
        return from_json(file.read_text("utf-8"))
    except (ConfigError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from None


def _from_python(path: Path) -> Config:
    try:
        get_config = runpy.run_path(str(path)).get("get_config")
    except (Exception, SystemExit) as error:  # whatever a user's file may raise
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from None
    if not callable(get_config):
        raise ConfigError(f"{path}: no get_config(); a recipe is a file with `def get_config() -> Config`")
    try:
        config = get_config()
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path}: get_config() raised {type(error).__name__}: {error}") from None
    if not isinstance(config, Config):
        raise ConfigError(f"{path}: get_config() gave a {type(config).__name__}, not a gan_jax.config.Config")
    try:
        return check_values(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
