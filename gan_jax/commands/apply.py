"""gan-jax apply: what a run with a task makes of one's own pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import AboutRun, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.options import check_ending
from gan_jax.config.ranges import OptionalSeed
from gan_jax.data.listing import is_picture
from gan_jax.errors import ConfigError


@dataclass(frozen=True)
class Apply(AboutRun):
    """Has a run with a task, or what gan-jax export wrote of one, make of your own pictures what it was trained to."""

    of_exports: ClassVar[bool] = True

    input: tyro.conf.Positional[Path | None] = None
    """A picture, or a folder or .zip of them, of any size: small ones for super_resolution, any for colouring, drawings
    in white on black for from_edges, the given half alone for pairs, those of domain A for unpaired, dark outlines on
    grey for restyled, any for segmentation, which makes masks, their pixels the numbers of classes; for inpainting
    see --mask."""
    out: Path | None = None
    """A .png for one picture, or a folder, in which names stay; no file is overwritten. Default: applied, in the run
    folder, or, of an exported folder, in drawn/NAME, here."""
    mask: Path | None = None
    """What inpainting is to make: white in a picture of the same size; or a folder or .zip of such, of the same names.
    Default: where a picture is fully transparent. With a mask that counts for nothing: it lies on white."""
    reverse: bool = False
    """Of two domains: go the other way, from B to A where the run shows A to B."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""
    seed: OptionalSeed = None
    """Have a network with dropout draw at random, of the same seed the same. Default: no dropout."""


def main(arguments: list[str]) -> None:
    """Makes something of the pictures that the arguments name, and says where it is."""
    options = options_of(Apply, arguments)
    if options.input is None:
        raise ConfigError("apply to what? gan-jax apply RUN_FOLDER PICTURES: a picture, or a folder or .zip of them")
    if options.out and is_picture(options.out.name):  # a folder may have any name
        check_ending(options.out, {".png": "of one picture", "": "a folder"})
    source = source_at(options.run, raw=options.raw, best=options.best)

    from gan_jax.run.applying import apply

    lines = apply(
        source,
        recipes.expand(options.input),
        out=options.out and recipes.expand(options.out),
        mask=options.mask and recipes.expand(options.mask),
        reverse=options.reverse,
        seed=options.seed,
    )
    screen.tell("\n".join(lines))
