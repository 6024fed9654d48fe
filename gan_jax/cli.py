"""The command line: gan-jax train | sample | apply | evaluate | configs. JAX is imported once arguments are right."""

import dataclasses
import difflib
import importlib.util
import os
import re
import signal
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from gan_jax import __version__, screen
from gan_jax.config import AnyModel, Config, recipes
from gan_jax.config.checks import MAY_CHANGE, check, check_new, check_same
from gan_jax.config.commands import Apply, Evaluate, Sample
from gan_jax.config.hosts import HostsConfig
from gan_jax.config.options import check_options, check_out, read_steps, without_no
from gan_jax.config.schema import flatten, kinds, name_of, with_values, wrong_values
from gan_jax.errors import ConfigError, GanJaxError
from gan_jax.run.files import RunFolder
from gan_jax.storage import absolute

USAGE = f"""gan-jax {__version__}: train GANs in JAX, and draw from them.

  gan-jax train RECIPE [--run FOLDER] [--KEY VALUE ...]   train; on an existing run folder, go on
  gan-jax train RUN_FOLDER                                go on with a run as it was begun
  gan-jax sample RUN_FOLDER [--out FILE]                  draw images from a trained generator
  gan-jax apply RUN_FOLDER PICTURES [--out FOLDER]        have a run with a task make something of your own pictures
  gan-jax evaluate RUN_FOLDER [--features KIND]           score it: FID, KID, precision and recall, ...
  gan-jax configs                                         the recipes that come with it

gan-jax train --help, and so for sample, apply and evaluate, lists every option.
"""


@dataclass(frozen=True)
class Train:
    """Trains a GAN by a recipe: a name from `gan-jax configs`, a .py file with get_config(), or a run folder.

    Every field of the recipe can be set anew, for instance --steps 500 --generator.learning-rate 1e-4. The name of a
    group stands for its name's field: --data mnist, --augment ada.
    """

    run: Path | None = None
    """Folder for the config, metrics, pictures and checkpoints. Default: runs/RECIPE. If it holds a run, goes on."""
    dry_run: bool = False
    """Print the resolved config, parameter counts, FLOPs and memory of a step; write nothing."""
    model: Annotated[str | None, tyro.conf.arg(metavar="|".join(kinds(AnyModel)))] = None
    """Networks in place of the recipe's, with their own settings: --help behind it lists those."""
    profile: str | None = None
    """Trace these steps, such as 100:110, with JAX's profiler, into the run folder."""
    hosts: HostsConfig = dataclasses.field(default_factory=HostsConfig)
    config: Annotated[Config, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Config)


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code (0, 2 config, 3 data, 4 diverged, 5 run folder, 128 + signal)."""
    screen.prepare()
    arguments = sys.argv[1:] if argv is None else argv
    commands = {"train": _train, "sample": _sample, "apply": _apply, "evaluate": _evaluate, "configs": _configs}
    if not arguments or arguments[0] in ("-h", "--help"):
        screen.tell(USAGE.rstrip())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        screen.tell(__version__)
        return 0
    try:
        if arguments[0] not in commands:
            close = difflib.get_close_matches(arguments[0], commands, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"no command {arguments[0]!r}, there are {', '.join(commands)}{hint}")
        commands[arguments[0]](arguments[1:])
        sys.stdout.flush()
    except BrokenPipeError as error:
        screen.abandon(sys.stdout, error)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        screen.tell("gan-jax: stopped", sys.stderr)
        return 130
    except GanJaxError as error:
        screen.tell(f"gan-jax: {error}", sys.stderr)
        return error.exit_code
    return 0


def _train(arguments: list[str]) -> None:
    if not arguments:
        raise ConfigError(f"train what? Recipes are {', '.join(recipes.names())}; gan-jax train --help says more")
    recipe, *rest = arguments
    if recipe.startswith("-"):
        if "-h" not in arguments and "--help" not in arguments:
            raise ConfigError(f"the recipe comes first: gan-jax train RECIPE {' '.join(arguments)}")
        recipe, rest = "RECIPE", arguments
        default = Config()
    else:
        default = recipes.load(recipe)
    rest = _named(rest, default)
    if (model := _value_of("model", rest)) in kinds(AnyModel) and model != name_of(default.model):
        default = with_values(default, {"model": model})
    others = [f"hosts.{f.name}" for f in dataclasses.fields(HostsConfig)]
    check_options(rest, [*flatten(default), *others, "run", "dry_run", "profile"], default)
    options = tyro.cli(
        Train, args=rest, default=Train(config=default), prog=f"gan-jax train {recipe}", config=_ONE_KIND_A_GROUP
    )
    if wrong := [*wrong_values(options.hosts), *options.hosts.wrong(options.config)]:
        raise ConfigError("\n".join(wrong))
    profile = read_steps(options.profile) if options.profile is not None else None
    config = _absolute(options.config)
    path = recipes.expand(recipe)
    resumes = recipe not in recipes.names() and recipes.is_run(path)
    run = recipes.expand(options.run) if options.run else path if resumes else Path("runs") / path.stem
    _check_paths(RunFolder(run).path, config)
    if recipes.is_run(run):
        stored = recipes.load_run(run)
        config = with_values(config, _kept(stored, config, rest))
        if not options.dry_run:
            check_same(stored, check(config), str(run))
    (check if recipes.is_run(run) else check_new)(config)
    if config.tensorboard and importlib.util.find_spec("tensorboardX") is None:
        raise ConfigError("tensorboard: needs tensorboardX; pip install tensorboardX, or go without --tensorboard")
    if config.data.path:
        screen.tell(f"reading the {config.data.kind} of {config.data.path}", sys.stderr)
    from gan_jax.run import programs

    programs.prepare()
    if options.dry_run:
        from gan_jax.run.preview import preview

        if options.hosts.coordinator:
            screen.tell("of this process alone: a run of several hosts has the devices of all", sys.stderr)
        screen.tell("compiling one step, to count its work", sys.stderr)
        screen.tell(preview(config))
        return
    from gan_jax.run.joining import joined
    from gan_jax.run.loop import train

    with joined(options.hosts):
        train(config, run, profile=profile)


def _check_paths(run: Path, config: Config) -> None:
    """Says at once what would be found out minutes later."""
    if os.path.exists(run) and not os.path.isdir(run):
        raise ConfigError(f"run: {run} is a file, and a run is a folder; choose another with --run")
    if config.evaluate.weights and os.path.isdir(config.evaluate.weights):
        raise ConfigError(f"evaluate.weights: {config.evaluate.weights} is a folder; name the file in it")


_ONE_KIND_A_GROUP = (tyro.conf.AvoidSubcommands,)
"""A group that could be of several kinds has the options of the one that it is."""


def _named(arguments: list[str], config: Config) -> list[str]:
    """Spells `--augment ada` out, as `--augment.name ada`, for all groups with a name."""
    named = [f.name for f in dataclasses.fields(config) if hasattr(getattr(config, f.name), "name")]
    return [re.sub(rf"^--({'|'.join(named)})(?=$|=)", r"--\1.name", argument) for argument in arguments]


def _value_of(key: str, arguments: list[str]) -> str | None:
    """The text given for an option, the last one if there are several."""
    pairs = (flag.partition("=")[::2] if "=" in flag else (flag, text) for flag, text in pairwise([*arguments, ""]))
    return dict(pairs).get(f"--{key}")


def _kept(stored: Config, config: Config, arguments: list[str]) -> dict[str, object]:
    """What a run keeps although it may change: all that the command line does not mention, and its greater length."""
    given = {without_no(a[2:].partition("=")[0].replace("-", "_")) for a in arguments if a[:2] == "--"}
    kept = {key: value for key, value in flatten(stored).items() if key in MAY_CHANGE - given}
    return kept | {"steps": max(stored.steps, config.steps)} if "steps" in kept else kept


_PATHS = ("data.path", "data.data_dir", "evaluate.weights")


def _absolute(config: Config) -> Config:
    """Paths as they are from anywhere: the run may be resumed from another folder."""
    paths = {key: value for key, value in flatten(config).items() if key in _PATHS and value}
    return with_values(config, {key: str(absolute(recipes.expand(path))) for key, path in paths.items()})


def _sample(arguments: list[str]) -> None:
    options = _options_of(Sample, arguments)
    check_out(options.out, recipes.load_run(options.run).data.kind)

    from gan_jax.run import programs
    from gan_jax.run.sampling import sample

    programs.prepare()
    lines = sample(
        str(options.run),
        out=options.out and recipes.expand(options.out),
        count=options.count,
        seed=options.seed,
        labels=options.labels,
        interpolate=options.interpolate,
        averaged=not options.raw,
        best=options.best,
        styles={"truncation": options.truncation, "guidance": options.guidance},
    )
    screen.tell("\n".join(lines))


def _apply(arguments: list[str]) -> None:
    options = _options_of(Apply, arguments)
    if options.input is None:
        raise ConfigError("apply to what? gan-jax apply RUN_FOLDER PICTURES: a picture, or a folder or .zip of them")

    from gan_jax.run import programs
    from gan_jax.run.applying import apply

    programs.prepare()
    lines = apply(
        str(options.run),
        recipes.expand(options.input),
        out=options.out and recipes.expand(options.out),
        mask=options.mask and recipes.expand(options.mask),
        reverse=options.reverse,
        averaged=not options.raw,
        best=options.best,
        seed=options.seed,
    )
    screen.tell("\n".join(lines))


def _evaluate(arguments: list[str]) -> None:
    options = _options_of(Evaluate, arguments)
    if options.weights and options.features != "inception":
        raise ConfigError("weights: only Inception features are read from a file; add --features inception")
    if options.download and options.features != "inception":
        raise ConfigError("download: only Inception features are downloaded; add --features inception")
    config = recipes.load_run(options.run)
    if options.data_path and not config.data.path:
        raise ConfigError(f"data_path: {options.run} was trained on {config.data.name}, not on your own pictures")
    if options.data_dir and config.data.path:
        raise ConfigError(f"data_dir: {options.run} was trained on your own pictures; say where with --data-path")

    weights = recipes.expand(options.weights) if options.weights else None

    from gan_jax.run import programs
    from gan_jax.run.evaluation import evaluate

    programs.prepare()
    moved = {"data.path": options.data_path, "data.data_dir": options.data_dir}
    lines = evaluate(
        str(options.run),
        kind=options.features,
        samples=options.samples,
        seed=options.seed,
        averaged=not options.raw,
        best=options.best,
        weights=str(weights) if weights else None,
        download=options.download,
        moved={key: str(absolute(recipes.expand(path))) for key, path in moved.items() if path},
        say=screen.tell,
    )
    screen.tell("\n".join(lines))


AboutRun = TypeVar("AboutRun", Sample, Apply, Evaluate)


def _options_of(schema: type[AboutRun], arguments: list[str]) -> AboutRun:
    """Reads the options of a command about a run folder, which comes first."""
    command = schema.__name__.lower()
    if not arguments:
        raise ConfigError(f"{command} which run? gan-jax {command} RUN_FOLDER; --help says more")
    check_options(
        arguments, [f.name for f in dataclasses.fields(schema) if f.name not in ("run", "input")], schema(Path())
    )
    options = tyro.cli(schema, args=arguments, prog=f"gan-jax {command}")
    if wrong := wrong_values(options):
        raise ConfigError("\n".join(wrong))
    options = dataclasses.replace(options, run=recipes.expand(options.run))
    RunFolder(options.run)  # says what can be none
    if not recipes.is_run(options.run):
        meant = Path("runs") / options.run
        hint = f"did you mean {meant}?" if recipes.is_run(meant) else "gan-jax train makes one"
        raise ConfigError(f"{options.run} is not a run folder: no config.json in it; {hint}")
    return options


def _configs(arguments: list[str]) -> None:
    if arguments:
        raise ConfigError(f"configs takes no arguments, got {' '.join(arguments)}")
    found = recipes.names()
    widest = max(map(len, found))
    for name, line in found.items():
        screen.tell(f"{name:{widest}}  {line}")


if __name__ == "__main__":
    sys.exit(main())
