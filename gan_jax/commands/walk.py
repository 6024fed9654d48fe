"""gan-jax walk: ways through a generator's latent space, its directions, and mixtures of its styles."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.config.ranges import Count, OptionalCount, Positive, Seed, Weight
from gan_jax.errors import ConfigError


@dataclass(frozen=True)
class Walk(AboutGenerator):
    """Walks through a generator's latent space, from picture to picture and back to the first; or, with --along or
    --mix, draws a sheet of it. Of a run, of what gan-jax export wrote, or of example:NAME.
    """

    out: Path | None = None
    """A .gif or .mp4 that moves, or a .png of film strips; of a sheet a .png. Default: a .gif in the run folder, or, of
    an exported folder or an example, in drawn/NAME, here."""
    count: Count = 9
    """How many walks, side by side; with --mix, how many pictures on each edge."""
    stops: Count = 6
    """How many pictures each walk passes."""
    frames: Count = 90
    """How many frames a walk has."""
    seconds: Positive = 6.0
    """How long it takes."""
    seed: Seed = 0
    """The same seed draws the same pictures."""
    labels: str | None = None
    """Classes that pictures show in turn, of a conditional run: 0-9, or 3,1,4, or names. Default: all."""
    through: Path | None = None
    """An .npz of gan-jax project: pass what it has found, in place of what is drawn."""
    along: OptionalCount = None
    """Draw a sheet of so many directions, the strongest first: a row each, the picture itself in the middle."""
    by: Literal["covariance", "jacobian", "weights"] | None = None
    """What finds directions: the principal components of styles (GANSpace), what changes pictures most, or the weights
    that styles meet first (SeFa). Default: covariance where there are styles, else jacobian."""
    reach: Positive = 3.0
    """How many deviations a direction is shown to, on both sides."""
    mix: OptionalCount = None
    """Of stylegan2: draw a sheet of pictures whose first so many layers have the style of the one on the left, and the
    others that of the one above."""
    truncation: Weight = 1.0
    """Of stylegan2 and gat: draw styles to their mean, as gan-jax sample does."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""


def _idle(options: Walk) -> dict[str, str]:
    """What is asked for and does nothing, and beside what."""
    of_walks = ("stops", "frames", "seconds")
    found: dict[str, str] = {}
    if options.through:
        found |= dict.fromkeys(("seed", "labels", "count", "stops", "truncation"), "beside --through")
    if options.along:
        found |= dict.fromkeys(("count", *of_walks), "beside --along")
    elif options.mix:
        found |= dict.fromkeys(of_walks, "beside --mix")
    if not options.along:
        found |= dict.fromkeys(("by", "reach"), "without --along")
    usual = Walk(options.run)
    return {key: why for key, why in found.items() if getattr(options, key) != getattr(usual, key)}


def main(arguments: list[str]) -> None:
    """Draws what the arguments ask for, and says where it is."""
    options = options_of(Walk, arguments)
    if options.along and options.mix:
        raise ConfigError("mix: is one sheet, and --along another; ask for one of them")
    for key, instead in _idle(options).items():
        raise ConfigError(f"{key}: does nothing {instead}; drop it")
    check_ending(options.out, ENDINGS["sheet" if options.along or options.mix else "walk"])
    source = source_at(options.run, raw=options.raw, best=options.best)

    from gan_jax.run import walking
    from gan_jax.run.latents import open_space

    opened = open_space(source, {"truncation": options.truncation}, "walk")
    asked = walking.Asked(options.seed, options.labels, options.through and recipes.expand(options.through))
    out, count = options.out and recipes.expand(options.out), options.count
    if options.along:
        lines = walking.sheet_of_directions(opened, asked, out, count=options.along, by=options.by, reach=options.reach)
    elif options.mix:
        lines = walking.sheet_of_mixtures(opened, asked, out, first=options.mix, count=count)
    else:
        lines = walking.walk(
            opened, asked, out, count=count, stops=options.stops, frames=options.frames, seconds=options.seconds
        )
    screen.tell("\n".join(lines))
