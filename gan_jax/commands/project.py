"""gan-jax project: pictures, found in a generator's latent space."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.config.ranges import Count, Samples, Seed
from gan_jax.errors import ConfigError


@dataclass(frozen=True)
class Project(AboutGenerator):
    """Finds the points of a generator's latent space whose pictures are nearest to yours, in pixels at all scales. Of
    a run, of what gan-jax export wrote, or of example:NAME.
    """

    input: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Pictures, or folders or .zip of pictures; cropped and resized as training does."""
    out: Path | None = None
    """A .png: each picture above what was found. The points go into an .npz of the same name, which gan-jax walk
    --through takes. Default: projected_N.png, in the run folder, or, of an exported folder or an example, in
    drawn/NAME, here."""
    steps: Count = 300
    """How many steps of Adam each takes."""
    samples: Samples = 1000
    """Each begins at the nearest of so many samples."""
    seed: Seed = 0
    """Of these samples."""
    labels: str | None = None
    """Classes of these samples, of a conditional run: 0-9, or 3,1,4, or names; what is found keeps that of the nearest.
    Default: all."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""


def main(arguments: list[str]) -> None:
    """Finds the pictures that the arguments name, and says how near it came."""
    options = options_of(Project, arguments)
    if not options.input:
        raise ConfigError("project what? gan-jax project RUN_FOLDER PICTURE ...: pictures, or folders or .zip of them")
    check_ending(options.out, ENDINGS["found"])
    source = source_at(options.run, raw=options.raw, best=options.best)

    from gan_jax.run.latents import open_space
    from gan_jax.run.projecting import project

    lines = project(
        open_space(source, {}, "project"),
        [recipes.expand(path) for path in options.input],
        options.out and recipes.expand(options.out),
        steps=options.steps,
        samples=options.samples,
        seed=options.seed,
        labels=options.labels,
    )
    screen.tell("\n".join(lines))
