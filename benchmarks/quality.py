"""Trains a recipe for some minutes where there is no network, and goes on when it is asked again.

    python benchmarks/quality.py RUN_FOLDER stacked_mnist_r3gan mnist.npz --seconds 540
    python benchmarks/quality.py RUN_FOLDER cifar10_r3gan cifar10.zip --seconds 540 steps=20000
    python benchmarks/quality.py --carry mnist mnist.npz --data-dir DIR     # once, where tensorflow-datasets is

The run is that of `gan-jax train`, and so is its folder; only the data come from a file at hand, and nothing of the
command line is needed. The data are pictures, in a folder or a .zip with a sub-folder for each class, or an .npz that
`--carry` made, which takes the place of what tensorflow-datasets would read. When the time is up the run is told to
stop, as a scheduler would tell it, and saves. Prints a row for the table: how far it came, and its last scores.
"""

import argparse
import json
import os
import signal
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.config import Config, recipes
from gan_jax.config.checks import check, check_new
from gan_jax.config.schema import flatten, with_values
from gan_jax.data import prepared
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, GanJaxError, Stopped


def carry(name: str, file: Path, data_dir: str | None) -> None:
    """Writes a prepared dataset, images and labels, to an .npz."""
    dataset = prepared.load(name, data_dir=data_dir)
    np.savez_compressed(
        file, images=np.asarray(dataset.images), labels=dataset.labels, classes=np.array(dataset.classes)
    )


def carried(file: Path) -> Any:
    """Reads what `carry` wrote, in place of `prepared.load`."""

    def load(name: str, **settings: Any) -> Dataset:
        del settings  # its caller resizes what has another size
        with np.load(file) as arrays:
            return Dataset(name, arrays["images"], arrays["labels"], tuple(map(str, arrays["classes"])))

    return load


def configured(run: Path, recipe: str, data: Path, settings: list[str]) -> Config:
    """The config of a run that is there, or of a new one. Raises ConfigError for what cannot work."""
    goes_on = recipes.is_run(run)
    config = recipes.load_run(run) if goes_on else recipes.load(recipe)
    changes = {key: _value(text) for key, _, text in (setting.partition("=") for setting in settings)}
    if unknown := [key for key in changes if key not in flatten(config)]:
        raise ConfigError(f"no setting {', '.join(unknown)}; {recipe} has {', '.join(flatten(config))}")
    changes["every.keep"] = 1  # what is carried away and back shall be small
    if data.suffix != ".npz":
        changes |= {"data.path": str(data.absolute()), "data.size": config.data.size or config.data.image_size[0]}
    config = with_values(config, changes)
    return check(config) if goes_on else check_new(config)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def row(run: Path, config: Config) -> str:
    """The table's: the last step, and the last scores."""
    metrics = run / "metrics.jsonl"  # not there where the time was up before the first row
    rows = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
    step = max((one["step"] for one in rows), default=0)
    scored = [one for one in rows if "scores" in one]
    told = [f"{name} {value:.4g}" for name, value in scored[-1]["scores"].items()] if scored else ["not scored yet"]
    at = f", at step {scored[-1]['step']:,}" if scored else ""
    return f"| {run.name} | trained to step {step:,} of {config.steps:,} | {', '.join(told)}{at} | | | |"


def main() -> None:
    """Trains until the time is up, or the run at its end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="the run folder; with --carry, the name of a dataset")
    parser.add_argument("recipe", help="as gan-jax configs lists them; with --carry, the file to write")
    parser.add_argument("data", type=Path, nargs="?", help="a folder or .zip of pictures, or an .npz")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="in place of the recipe's, in a new run")
    parser.add_argument("--seconds", type=float, default=540, help="until it is told to stop (default 540)")
    parser.add_argument("--carry", action="store_true", help="write a dataset to a file, and train nothing")
    parser.add_argument("--data-dir", help="where tensorflow-datasets keeps prepared data")
    options = parser.parse_intermixed_args()
    if options.carry:
        carry(str(options.run), Path(options.recipe), options.data_dir)
        return
    if options.data is None or not options.data.exists():
        parser.error(f"data: there is no {options.data}; name a folder or .zip of pictures, or an .npz of --carry")
    if options.data.suffix == ".npz":
        prepared.load = carried(options.data)
    alarm = threading.Timer(options.seconds, os.kill, (os.getpid(), signal.SIGTERM))
    alarm.daemon = True
    try:
        config = configured(options.run, options.recipe, options.data, options.settings)

        from gan_jax.run import programs
        from gan_jax.run.loop import train

        programs.prepare()
        alarm.start()
        with redirect_stdout(sys.stderr):  # the table is to have the row alone
            train(config, options.run)
    except Stopped:
        pass
    except GanJaxError as error:
        sys.exit(f"quality.py: {error}")
    finally:
        alarm.cancel()
    print(row(options.run, config))


if __name__ == "__main__":
    main()
