"""What a run says as it ends: where things are, and what to try next."""

import shlex
from collections.abc import Sequence

from gan_jax.config import Config
from gan_jax.config.recipes import load_run
from gan_jax.config.translators import Autoencoder
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError
from gan_jax.run import hosts
from gan_jax.run.files import RunFolder
from gan_jax.run.labels import read_labels
from gan_jax.run.media import medium_of
from gan_jax.run.scoreboard import curve, read_all


def again(folder: RunFolder) -> str:
    """The command that goes on with a run."""
    return f"gan-jax train {shlex.quote(str(folder.path))}" + (
        " on all hosts, --hosts as before" if hosts.several() else ""
    )


def going_on(config: Config, folder: RunFolder, start: int) -> str:
    """What a run that was begun before, and is after step `start`, is about to do; asked before its config changes."""
    if start >= config.steps:
        return f"step {start} is done"
    shorter = f", no longer to {was}" if (was := load_run(folder.path).steps) > config.steps else ""
    return f"going on from step {start} to {config.steps}{shorter}"


def farewell(config: Config, data: Dataset, folder: RunFolder, start: int) -> list[str]:
    """The last lines of a run that began after step `start`."""
    path = shlex.quote(str(folder.path))
    first = f"trained to step {config.steps}"
    if start >= config.steps:
        first = f"already at step {start}, and {config.steps} were asked for; --steps {2 * start} makes it longer"
    labels = f" --labels {shlex.quote(_two_of(data.classes))}" if config.conditional else ""
    medium = medium_of(config, data.alphabet)
    return [
        f"{first}. Look at:",
        f"  {folder.sample(config.steps, medium.suffix) if start < config.steps else folder.samples}",
        *([f"  {folder.animation}"] if medium.animate else []),
        f"  {folder.curves}",
        *([f"  {folder.scores}"] if curve(read_all(folder.metrics)) else []),
        *([f"  {folder.best} (gan-jax sample and evaluate: --best)"] if folder.best.is_dir() else []),
        "Try next:",
        *([f"  gan-jax encode {path} --out latents.npz"] if isinstance(config.model, Autoencoder) else []),
        *(
            [f"  gan-jax apply {path} PICTURES{' --mask MASKS' if config.task.has_holes else ''}"]
            if config.task.given
            else [
                *([f"  gan-jax apply {path} PICTURES"] if config.task.classifies else []),
                f"  gan-jax sample {path} --count 100 --seed 1{labels}",
                f"  gan-jax sample {path} --interpolate 10 --count 8",
            ]
        ),
        f"  gan-jax train {path} --steps {2 * max(config.steps, start)}",
    ]


def _two_of(classes: Sequence[str]) -> str:
    """The first two classes as `--labels` takes them: by their names, or by numbers where a name holds a comma."""
    wanted = list(range(len(classes)))[:2]
    for text in (",".join(classes[:2]), ",".join(map(str, wanted))):
        try:
            if read_labels(text, classes) == wanted:
                return text
        except ConfigError:
            continue
    return f"0-{len(classes) - 1}"
