"""gan-jax evaluate: the scores of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gan_jax import screen
from gan_jax.commands.about_run import AboutRun, options_of
from gan_jax.config import recipes
from gan_jax.config.ranges import OptionalSamples, Seed
from gan_jax.errors import ConfigError
from gan_jax.storage import absolute


@dataclass(frozen=True)
class Evaluate(AboutRun):
    """Scores the newest good checkpoint of a run against the data it was trained on, in a row of its metrics.jsonl."""

    features: Literal["classifier", "inception", "pixels"] | None = None
    """What images are compared in. Default: classifier (trained on the data) if the data have classes, else pixels. Of
    text leave it out: that is compared by its n-grams."""
    samples: OptionalSamples = None
    """Images to draw; as many real ones at most are compared with them one by one (FID sees all of the real ones).
    Default: 10,000, or ten for each real image where there are fewer than 1,000."""
    seed: Seed = 0
    """Decides the latents, and the labels of a conditional run."""
    raw: bool = False
    """Judge the generator as the last step left it, not its average."""
    best: bool = False
    """Judge the best checkpoint that a run with --evaluate.every has kept."""
    weights: Path | None = None
    """The Inception weights file (pt_inception-2015-12-05-6726825d.pth)."""
    download: bool = False
    """Download the Inception weights if they are not there yet (95 MB)."""
    data_path: Path | None = None
    """Where the run's own pictures are now, if they have moved."""
    data_dir: Path | None = None
    """Where tensorflow-datasets keeps the prepared data now, if they have moved."""


def main(arguments: list[str]) -> None:
    """Scores the run that the arguments name, and prints the table."""
    options = options_of(Evaluate, arguments)
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
