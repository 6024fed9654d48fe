"""The command line: gan-jax train | sample | configs. Imports JAX only once all arguments are known to be right."""

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
from typing import Annotated

import tyro

from gan_jax import __version__, recipes
from gan_jax.config import MAY_CHANGE, Config, check, check_same, flatten, with_values, wrong_text
from gan_jax.errors import ConfigError, GanJaxError

USAGE = f"""gan-jax {__version__}: train GANs in JAX, and draw from them.

  gan-jax train RECIPE [--run FOLDER] [--KEY VALUE ...]   train; on an existing run folder, go on
  gan-jax train RUN_FOLDER                                go on with a run as it was begun
  gan-jax sample RUN_FOLDER [--out FILE]                  draw images from a trained generator
  gan-jax configs                                         the recipes that come with it

gan-jax train --help and gan-jax sample --help list every option.
"""


@dataclass(frozen=True)
class Train:
    """Trains a GAN by a recipe: a name from `gan-jax configs`, a .py file with get_config(), or a run folder.

    Every field of the recipe can be set anew, for instance --steps 500 --generator.learning-rate 1e-4.
    """

    config: Annotated[Config, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Config)
    run: Path | None = None
    """Folder for the config, metrics, pictures and checkpoints. Default: runs/RECIPE. If it holds a run, goes on."""
    dry_run: bool = False
    """Print the resolved config, parameter counts, FLOPs and memory of a step; write nothing."""


@dataclass(frozen=True)
class Sample:
    """Draws images from the newest good checkpoint of a run."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    out: Path | None = None
    """A .png (one grid), an .npz (arrays images and labels, uint8), or a folder. Default: a grid in the run folder."""
    count: int = 64
    """How many images; with --interpolate, how many strips."""
    seed: int = 0
    """The same seed draws the same images; image i does not depend on the count."""
    labels: str | None = None
    """Classes to draw in turn, of a conditional run: 0-9, or 3,1,4, or names. Default: all."""
    interpolate: int | None = None
    """Draw strips of so many images, each from one latent to the next."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code (0, 2 config, 3 data, 4 diverged, 5 run folder, 128 + signal)."""
    arguments = sys.argv[1:] if argv is None else argv
    commands = {"train": _train, "sample": _sample, "configs": _configs}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(__version__)
        return 0
    try:
        if arguments[0] not in commands:
            close = difflib.get_close_matches(arguments[0], commands, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ConfigError(f"no command {arguments[0]!r}, there are {', '.join(commands)}{hint}")
        commands[arguments[0]](arguments[1:])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more as it leaves
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        print("gan-jax: stopped", file=sys.stderr)
        return 130
    except GanJaxError as error:
        print(f"gan-jax: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _train(arguments: list[str]) -> None:
    if not arguments:
        raise ConfigError(f"train what? Recipes are {', '.join(recipes.names())}; gan-jax train --help says more")
    recipe, *rest = arguments
    if recipe.startswith("-"):
        if recipe not in ("-h", "--help"):
            raise ConfigError(f"the recipe comes first: gan-jax train RECIPE {' '.join(arguments)}")
        recipe, rest = "RECIPE", ["--help"]
        default = Config()
    else:
        default = recipes.load(recipe)
    _check_options(rest)
    options = tyro.cli(Train, args=rest, default=Train(default), prog=f"gan-jax train {recipe}")
    config = _absolute(options.config)
    path = Path(recipe).expanduser()
    resumes = recipe not in recipes.names() and recipes.is_run(path)
    run = options.run.expanduser() if options.run else path if resumes else Path("runs") / path.stem
    if recipes.is_run(run):
        stored = recipes.load_run(run)
        config = with_values(config, _kept(stored, config, rest))
        if not options.dry_run:
            check_same(stored, check(config), str(run))
    check(config)
    if config.tensorboard and importlib.util.find_spec("tensorboardX") is None:
        raise ConfigError("tensorboard: needs tensorboardX; pip install tensorboardX, or go without --tensorboard")
    if options.dry_run:
        from gan_jax.run.preview import preview

        print(preview(config))
        return
    from gan_jax.run.loop import train

    train(config, run)


def _kept(stored: Config, config: Config, arguments: list[str]) -> dict[str, object]:
    """What a run keeps although it may change: all that the command line does not mention, and its greater length."""
    given = {_without_no(a[2:].partition("=")[0].replace("-", "_")) for a in arguments if a[:2] == "--"}
    kept = {key: value for key, value in flatten(stored).items() if key in MAY_CHANGE - given}
    return kept | {"steps": max(stored.steps, config.steps)} if "steps" in kept else kept


def _check_options(arguments: list[str]) -> None:
    """Says what is wrong with an option before tyro does: shorter, and with the nearest right one."""
    for flag, follower in pairwise([*arguments, "--"]):
        if not flag.startswith("--") or flag in ("--", "--help"):
            continue
        name, inline, value = flag.removeprefix("--").partition("=")
        key, text = name.replace("-", "_"), value if inline else follower
        if _without_no(key) not in _OPTIONS:
            raise ConfigError(f"no option --{name}{_nearest_option(key)} (gan-jax train --help lists all)")
        if (inline or not text.startswith("--")) and (wrong := wrong_text(key, text)):
            raise ConfigError(wrong)


_OPTIONS = [*flatten(Config()), "run", "dry_run"]


def _without_no(key: str) -> str:
    """The key that a flag such as --data.no-download turns off."""
    return re.sub(r"(^|\.)no_(?=\w+$)", r"\1", key)


def _nearest_option(key: str) -> str:
    """The likeliest option: spelled alike, or of which the key is the last part, or its initials ("lr")."""
    typed = key.split(".")[-1]
    last = {option: option.split(".")[-1] for option in _OPTIONS}
    initials = {option: "".join(word[0] for word in part.split("_")) for option, part in last.items()}
    close = [option for option in _OPTIONS if typed in (last[option], initials[option])]
    close = difflib.get_close_matches(key, close, n=3, cutoff=0.0) or difflib.get_close_matches(key, _OPTIONS, n=1)
    return "; did you mean " + " or ".join(f"--{option.replace('_', '-')}" for option in close) + "?" if close else ""


def _absolute(config: Config) -> Config:
    """Paths as they are from anywhere: the run may be resumed from another folder."""
    absolute = lambda path: path and str(Path(path).expanduser().absolute())
    paths = {"data.path": config.data.path, "data.data_dir": config.data.data_dir}
    return with_values(config, {key: absolute(path) for key, path in paths.items()})


def _sample(arguments: list[str]) -> None:
    options = tyro.cli(Sample, args=arguments, prog="gan-jax sample")
    for key, value, least in (("count", options.count, 1), ("interpolate", options.interpolate, 2)):
        if value is not None and value < least:
            raise ConfigError(f"{key}: expected a whole number from {least}, got {value}")
    if not 0 <= options.seed < 2**32:
        raise ConfigError(f"seed: expected a whole number in [0, 2**32), got {options.seed}")
    if options.out and options.out.suffix not in (".png", ".npz", ""):
        raise ConfigError(f"out: {options.out} should end in .png (a grid), .npz (arrays), or nothing (a folder)")
    if not recipes.is_run(options.run):
        raise ConfigError(f"{options.run} is not a run folder: no config.json in it; gan-jax train makes one")

    from gan_jax.run.sampling import sample

    lines = sample(
        str(options.run),
        out=options.out and options.out.expanduser(),
        count=options.count,
        seed=options.seed,
        labels=options.labels,
        interpolate=options.interpolate,
        averaged=not options.raw,
    )
    print("\n".join(lines))


def _configs(arguments: list[str]) -> None:
    if arguments:
        raise ConfigError(f"configs takes no arguments, got {' '.join(arguments)}")
    for name, line in recipes.names().items():
        print(f"{name:16} {line}")


if __name__ == "__main__":
    sys.exit(main())
