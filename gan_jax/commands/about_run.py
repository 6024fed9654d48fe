"""The options of a command about a run folder, which comes first."""

import dataclasses
import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import tyro

from gan_jax.commands.reading import read
from gan_jax.config import recipes
from gan_jax.config.options import check_options
from gan_jax.config.schema import wrong_values
from gan_jax.errors import ConfigError
from gan_jax.run.files import RunFolder
from gan_jax.show.examples import called, folder_of, is_exported, names
from gan_jax.storage import is_remote

if TYPE_CHECKING:
    from gan_jax.run.sampling import Source


@dataclass(frozen=True)
class AboutRun:
    """Options of which the first is a run folder."""

    run: tyro.conf.Positional[Path]
    """The run's folder."""


@dataclass(frozen=True)
class AboutGenerator(AboutRun):
    """The same, where the folder may hold a generator alone, without a run."""

    run: tyro.conf.Positional[Path]
    """The run's folder, or what gan-jax export wrote, or example:NAME."""


Options = TypeVar("Options", bound=AboutRun)


def options_of(schema: type[Options], arguments: list[str]) -> Options:
    """The options as they were typed, all of them right, and in the folder a run, or what else will do.

    Raises ConfigError or RunError.
    """
    command, or_exported = schema.__name__.lower(), issubclass(schema, AboutGenerator)
    if not arguments:
        raise ConfigError(f"{command} which run? gan-jax {command} RUN_FOLDER; --help says more")
    named = [f.name for f in dataclasses.fields(schema) if f.name not in ("run", "input")]
    arguments = [folder_of(argument) for argument in arguments] if or_exported else arguments
    check_options(arguments, named, schema(Path()))
    options = read(schema, arguments, f"gan-jax {command}")
    if wrong := wrong_values(options):
        raise ConfigError("\n".join(wrong))
    exported = or_exported and is_exported(run := recipes.expand(options.run))
    return dataclasses.replace(options, run=run if exported else run_at(options.run, or_exported=or_exported))


def holds_one_generator(folder: Path, *, raw: bool, best: bool) -> bool:
    """Whether a folder is exported, and no run. Raises ConfigError if so, and a choice is asked for that it has not."""
    exported = is_exported(folder)
    if exported and (raw or best):
        which = "raw" if raw else "best"
        raise ConfigError(f"{which}: {called(folder)} holds one generator alone, no run; leave out --{which}")
    return exported


def source_at(folder: Path, *, raw: bool, best: bool) -> "Source":
    """The generator of a run, or the one that a folder holds by itself. Loads JAX. Raises as these are opened."""
    exported = holds_one_generator(folder, raw=raw, best=best)

    from gan_jax.run import programs
    from gan_jax.run.sampling import of_run
    from gan_jax.show.exported import source_of

    programs.prepare()
    return source_of(folder) if exported else of_run(str(folder), averaged=not raw, best=best)


def run_at(path: Path, *, or_exported: bool = False) -> Path:
    """The folder that somebody typed, its `~` spelled out. Raises ConfigError if no run is there, RunError.

    Then it is said, too, what else would have done where `or_exported`.
    """
    run = recipes.expand(folder_of(str(path)))
    RunFolder(run)  # says what can be none
    if not recipes.is_run(run):
        missing = not is_remote(run) and not os.path.exists(run)
        why = "there is no such folder" if missing else "no config.json in it"
        raise ConfigError(f"{called(run)} is not a run folder: {why}; {_instead(run, or_exported=or_exported)}")
    return run


def _instead(run: Path, *, or_exported: bool) -> str:
    """What would have been right in place of what is no run."""
    meant = Path("runs") / run
    if recipes.is_run(meant):
        return f"did you mean {meant}?"
    if inside := _runs_in(run):
        return f"did you mean {' or '.join(str(run / name) for name in inside[:3])}?"
    if close := difflib.get_close_matches(run.name, _runs_in(run.parent), n=1):
        return f"did you mean {run.parent / close[0]}?"
    if is_exported(run):
        return "it holds a generator alone, for gan-jax sample, walk, project, apply, encode and explore"
    if not or_exported:
        return "gan-jax train makes one"
    return (
        "gan-jax train makes one. A folder of a generator alone will do, too, with generator.json and "
        f"generator.safetensors in it, which gan-jax export RUN --out FOLDER makes; or example:{names()[0]}"
    )


def _runs_in(folder: Path) -> list[str]:
    """The names of the runs in a folder, where one can look."""
    if is_remote(folder):
        return []
    try:
        return sorted(path.name for path in folder.iterdir() if recipes.is_run(path))
    except OSError:
        return []
