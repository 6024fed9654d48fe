"""gan-jax train: a run begun by a recipe, or gone on with."""

import dataclasses
import os
import re
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import tyro

from gan_jax import screen
from gan_jax.commands.reading import read
from gan_jax.config import AnyModel, AnyTask, Config, recipes
from gan_jax.config.checks import MAY_CHANGE, PLACES, as_begun, changed_keys, check, check_new, check_same
from gan_jax.config.hosts import HostsConfig
from gan_jax.config.options import check_options, read_steps, without_no
from gan_jax.config.schema import flatten, kinds, name_of, with_values, wrong_values
from gan_jax.errors import ConfigError
from gan_jax.run.files import RunFolder
from gan_jax.show.examples import folder_of, is_exported
from gan_jax.storage import absolute


@dataclass(frozen=True)
class Train:
    """Trains a GAN by a recipe: a name from `gan-jax configs`, a .py file with get_config(), or a run folder.

    Every field of the recipe can be set anew. Most often changed are --data mnist, or --data.path FOLDER --data.size 64
    for one's own pictures, --steps, --batch-size, --seed, --model, --loss, --penalty.r1, --augment ada, and
    --evaluate.every, to have scores; --from RUN begins with the networks of another run. --data, --task and --augment
    are short for --data.name and so on, --from for --start.run.
    """

    run: Path | None = None
    """Folder for the config, metrics, pictures and checkpoints. Default: runs/RECIPE. If it holds a run, goes on."""
    dry_run: bool = False
    """Print the resolved config, parameter counts, FLOPs and memory of a step; write nothing."""
    model: Annotated[str | None, tyro.conf.arg(metavar="|".join(kinds(AnyModel)))] = None
    """Networks in place of the recipe's, with their own settings: --help behind it lists those."""
    task: Annotated[str | None, tyro.conf.arg(metavar="|".join(kinds(AnyTask)))] = None
    """What the GAN is for beside samples, with settings of its own: --help behind it lists those. super_resolution,
    inpainting, colouring, from_edges: make an image of a smaller one, of one with a hole, of a grey one, of its edges;
    pairs: of the left one of your own pairs; unpaired, restyled: of one of another domain, and back; with
    _one_way behind either: that alone. few_labels: a classifier."""
    config: Annotated[Config, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Config)
    profile: str | None = None
    """Trace these steps, such as 100:110, with JAX's profiler, into the run folder."""
    hosts: HostsConfig = dataclasses.field(default_factory=HostsConfig)


def main(arguments: list[str]) -> None:
    """Trains as the arguments say, or shows what would be trained."""
    if not arguments:
        raise ConfigError(f"train what? expected a recipe or a run's folder; {recipes.which()}")
    recipe, rest = arguments[0], arguments[1:]
    if recipe.startswith("-"):
        if "-h" not in arguments and "--help" not in arguments:
            raise ConfigError(f"the recipe comes first: gan-jax train RECIPE {' '.join(arguments)}")
        _read("RECIPE", Config(), arguments)  # which says its help, and ends
    own = recipes.load(recipe)
    options = _read(recipe, own, rest)
    profile = read_steps(options.profile) if options.profile is not None else None
    run = _folder(recipe, options)
    config = _absolute(options.config)
    _check_paths(RunFolder(run).path, config)
    asked = config
    stored = recipes.load_run(run) if recipes.is_run(run) else None
    if stored:
        config = as_begun(with_values(config, _kept(stored, config, rest)), stored)
        if not options.dry_run:
            check_same(stored, check(config), str(run))
    else:
        _check_start(options.config)
        _tell_of_other_networks(recipe, own, options.config)
        RunFolder(run).refuse_strangers()
    (check if stored else check_new)(config)
    of = config.data.path or config.data.name
    screen.tell(f"reading the {config.data.kind} of {of}", sys.stderr)
    from gan_jax.run import programs

    programs.prepare()
    if options.dry_run:
        if stored and not _tell_of_run(RunFolder(run), stored, config):
            _check_start(asked)
            config = check_new(asked)
        _preview(config, options.hosts)
        return
    from gan_jax.run.joining import joined
    from gan_jax.run.loop import train

    with joined(options.hosts):
        train(config, run, profile=profile)


def _read(recipe: str, default: Config, arguments: list[str]) -> Train:
    """The options as they were typed, each of them right by itself, beside what the recipe says."""
    arguments = _named(arguments, default)
    default = of_kinds(default, arguments)
    if (begins_with := _value_of("start.run", arguments)) not in (None, default.start.run):
        default = with_values(default, {"start.run": begins_with, "start.sha256": None})
    others = [f"hosts.{f.name}" for f in dataclasses.fields(HostsConfig)]
    check_options(arguments, [*flatten(default), *others, "run", "dry_run", "profile", "from"], default)
    options = read(Train, arguments, f"gan-jax train {recipe}", Train(config=default))
    if wrong := [*wrong_values(options.hosts), *options.hosts.wrong(options.config)]:
        raise ConfigError("\n".join(wrong))
    return options


def of_kinds(config: Config, arguments: list[str]) -> Config:
    """The config with the model and the task that arguments name, and so with the options that these have."""
    for key, union in (("model", AnyModel), ("task", AnyTask)):
        if (kind := _value_of(key, arguments)) in kinds(union) and kind != name_of(getattr(config, key)):
            config = with_values(config, {key: kind})
    return config


def _folder(recipe: str, options: Train) -> Path:
    """Where the run is, or will be."""
    path = recipes.expand(recipe)
    resumes = recipe not in recipes.names() and recipes.is_run(path)
    return recipes.expand(options.run) if options.run else path if resumes else Path("runs") / path.stem


def _preview(config: Config, hosts: HostsConfig) -> None:
    from gan_jax.run.preview import preview

    if hosts.coordinator:
        screen.tell("of this process alone: a run of several hosts has the devices of all", sys.stderr)
    screen.tell(preview(config, lambda line: screen.tell(line, sys.stderr)))


def _tell_of_run(folder: RunFolder, stored: Config, config: Config) -> bool:
    """Says, in a dry run of a folder that holds a run, how far that is, and whether it can go on as it is asked to."""
    from gan_jax.run.checkpoints import committed
    from gan_jax.run.farewell import going_on

    if changed := list(changed_keys(stored, config)):
        others = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        screen.tell(
            f"{folder.path} holds a run with another config ({', '.join(changed[:_SHOWN])}{others}): what follows is "
            "of a new run, which needs another folder (--run)",
            sys.stderr,
        )
        return False
    step = max(committed(folder.checkpoints), default=0)
    screen.tell(f"{folder.path}: {going_on(config, folder, step)}", sys.stderr)
    return True


_SHOWN = 4
"""So many keys that differ are named."""


def _check_paths(run: Path, config: Config) -> None:
    """Says at once what would be found out minutes later."""
    if os.path.exists(run) and not os.path.isdir(run):
        raise ConfigError(f"run: {run} is a file, and a run is a folder; choose another with --run")
    if config.evaluate.weights and os.path.isdir(config.evaluate.weights):
        raise ConfigError(f"evaluate.weights: {config.evaluate.weights} is a folder; name the file in it")


def _tell_of_other_networks(recipe: str, own: Config, config: Config) -> None:
    """Says, where --model takes other networks than the recipe is for, that the rest of it is for those."""
    meant, taken = name_of(own.model), name_of(config.model)
    if taken != meant:
        others = f"; recipes for {taken}: {', '.join(of_these)}" if (of_these := recipes.of_model(taken)) else ""
        screen.tell(f"the loss, penalties and step sizes of {recipe} are chosen for {meant}{others}", sys.stderr)


def _check_start(config: Config) -> None:
    if not config.start.run:  # of an empty text the checks will say what it is
        return
    folder = recipes.expand(folder_of(config.start.run))
    if is_exported(folder):
        raise ConfigError(f"start.run: {config.start.run} holds a generator alone; name a run, which has both networks")
    if not recipes.is_run(folder):
        raise ConfigError(f"start.run: {config.start.run} is not a run folder: no config.json in it")


def _named(arguments: list[str], config: Config) -> list[str]:
    """Spells `--augment ada` out, as `--augment.name ada`, for all groups with a name, and `--from`."""
    spelled = [
        re.sub(rf"^--({'|'.join(groups_with_names(config))})(?=$|=)", r"--\1.name", argument) for argument in arguments
    ]
    return [re.sub(r"^--from(?=$|=)", "--start.run", argument) for argument in spelled]


def groups_with_names(config: Config) -> list[str]:
    """The groups whose own name is short for their field `name`."""
    return [f.name for f in dataclasses.fields(config) if hasattr(getattr(config, f.name), "name")]


def _value_of(key: str, arguments: list[str]) -> str | None:
    """The text given for an option, the last one if there are several."""
    pairs = (flag.partition("=")[::2] if "=" in flag else (flag, text) for flag, text in pairwise([*arguments, ""]))
    return dict(pairs).get(f"--{key}")


def _kept(stored: Config, config: Config, arguments: list[str]) -> dict[str, object]:
    """What a run keeps although it may change: all that the command line does not mention, and its greater length."""
    given = {without_no(a[2:].partition("=")[0].replace("-", "_")) for a in arguments if a[:2] == "--"}
    kept = {key: value for key, value in flatten(stored).items() if key in MAY_CHANGE - given}
    return kept | {"steps": max(stored.steps, config.steps)} if "steps" in kept else kept


def _absolute(config: Config) -> Config:
    """Paths as they are from anywhere: the run may be resumed from another folder."""
    paths = {key: value for key, value in flatten(config).items() if key in ("start.run", *PLACES) and value}
    return with_values(config, {key: str(absolute(recipes.expand(path))) for key, path in paths.items()})
