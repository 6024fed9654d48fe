"""The options of a command about a run folder, which comes first."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

import tyro

from gan_jax.config import recipes
from gan_jax.config.options import check_options
from gan_jax.config.schema import wrong_values
from gan_jax.errors import ConfigError
from gan_jax.run.files import RunFolder
from gan_jax.show.examples import is_exported

if TYPE_CHECKING:
    from gan_jax.run.sampling import Source


@dataclass(frozen=True)
class AboutRun:
    """Options of which the first is a run folder."""

    of_exports: ClassVar[bool] = False  # whether the folder may hold an exported generator as well

    run: tyro.conf.Positional[Path]
    """The run folder, or, where one generator will do, what gan-jax export wrote, or example:NAME."""


Options = TypeVar("Options", bound=AboutRun)


def options_of(schema: type[Options], arguments: list[str]) -> Options:
    """The options as they were typed, all of them right, and a run in the folder. Raises ConfigError or RunError."""
    command = schema.__name__.lower()
    if not arguments:
        raise ConfigError(f"{command} which run? gan-jax {command} RUN_FOLDER; --help says more")
    named = [f.name for f in dataclasses.fields(schema) if f.name not in ("run", "input")]
    check_options(arguments, named, schema(Path()))
    options = tyro.cli(schema, args=arguments, prog=f"gan-jax {command}")
    if wrong := wrong_values(options):
        raise ConfigError("\n".join(wrong))
    exported = schema.of_exports and is_exported(recipes.expand(options.run))
    return dataclasses.replace(options, run=recipes.expand(options.run) if exported else run_at(options.run))


def holds_one_generator(folder: Path, *, raw: bool, best: bool) -> bool:
    """Whether a folder is exported, and no run. Raises ConfigError if so, and a choice is asked for that it has not."""
    exported = is_exported(folder)
    if exported and (raw or best):
        which = "raw" if raw else "best"
        raise ConfigError(f"{which}: {folder} holds one generator alone, no run; leave out --{which}")
    return exported


def source_at(folder: Path, *, raw: bool, best: bool) -> "Source":
    """The generator of a run, or the one that a folder holds by itself. Loads JAX. Raises as these are opened."""
    exported = holds_one_generator(folder, raw=raw, best=best)

    from gan_jax.run import programs
    from gan_jax.run.sampling import of_run
    from gan_jax.show.exported import source_of

    programs.prepare()
    return source_of(folder) if exported else of_run(str(folder), averaged=not raw, best=best)


def run_at(path: Path) -> Path:
    """The folder that somebody typed, its `~` spelled out. Raises ConfigError if no run is there, RunError."""
    run = recipes.expand(path)
    RunFolder(run)  # says what can be none
    if not recipes.is_run(run):
        meant = Path("runs") / run
        hint = f"did you mean {meant}?" if recipes.is_run(meant) else "gan-jax train makes one"
        raise ConfigError(f"{run} is not a run folder: no config.json in it; {hint}")
    return run
