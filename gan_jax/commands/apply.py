"""gan-jax apply: what a run with a task makes of one's own pictures."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, holds_one_generator, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.options import ENDINGS, check_applied, check_ending
from gan_jax.config.ranges import OptionalSeed
from gan_jax.errors import ConfigError


@dataclass(frozen=True)
class Apply(AboutGenerator):
    """Has a run with a task, or what gan-jax export wrote of one, make of your own pictures what it was trained to."""

    input: tyro.conf.Positional[Path | None] = None
    """A picture, or a folder or .zip of them, of any size: small ones for super_resolution, any for colouring, drawings
    in white on black for from_edges, the given half alone for pairs, those of domain A for unpaired, dark outlines on
    grey for restyled, any for segmentation, which makes masks, their pixels the numbers of classes; for inpainting
    see --mask. Animated ones (GIF, WebP, APNG) are made frame by frame, transparent parts on white, masks in colours.
    For few_labels those that are to be named."""
    out: Path | None = None
    """A .png for one picture, a .gif or .mp4 for one that moves, or a folder, in which names stay; no file is
    overwritten. Default: applied, in the run folder, or, of an exported folder, in drawn/NAME, here. For few_labels a
    .tsv: the table that is printed else."""
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
    """Makes something of the pictures that the arguments name, and says where it is; or what they are."""
    options = options_of(Apply, arguments)
    if options.input is None:
        raise ConfigError("apply to what? gan-jax apply RUN_FOLDER PICTURES: a picture, or a folder or .zip of them")
    given, out = recipes.expand(options.input), options.out and recipes.expand(options.out)
    exported = holds_one_generator(options.run, raw=options.raw, best=options.best)
    if not exported and recipes.load_run(options.run).task.classifies:
        screen.tell("\n".join(_named(options, given, out)))
        return
    check_applied(out)
    source = source_at(options.run, raw=options.raw, best=options.best)

    from gan_jax.run.applying import apply

    mask = options.mask and recipes.expand(options.mask)
    lines = apply(source, given, out=out, mask=mask, reverse=options.reverse, seed=options.seed)
    screen.tell("\n".join(lines))


def _named(options: Apply, given: Path, out: Path | None) -> list[str]:
    """What a classifier takes pictures for. Raises ConfigError for what is asked of translators alone."""
    usual = Apply(options.run)
    for key in ("mask", "reverse", "raw", "seed"):
        if getattr(options, key) != getattr(usual, key):
            raise ConfigError(f"{key}: does nothing of a run that names pictures, which makes none; drop --{key}")
    check_ending(out, ENDINGS["named"])

    from gan_jax.run import programs
    from gan_jax.run.recognising import recognise

    programs.prepare()
    return recognise(str(options.run), given, out=out, best=options.best)
