"""gan-jax sample: images, or text, from a trained generator."""

from dataclasses import dataclass
from pathlib import Path

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, holds_one_generator, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.options import check_out
from gan_jax.config.ranges import OptionalCount, OptionalSteps, Seed, Weight


@dataclass(frozen=True)
class Sample(AboutGenerator):
    """Draws images from the newest good checkpoint of a run, from what gan-jax export wrote, or from example:NAME."""

    out: Path | None = None
    """A .png (one grid), an .npz (arrays images and labels: uint8, or floats in the data's own range), or a folder; of
    text a .txt, of clips a .gif or .mp4 that moves, a .png of film strips, or an .npz (uint8 [N, T, H, W, C]). Default:
    a grid in the run folder, or, of an exported folder or an example, in drawn/NAME, here; text is printed. What a file
    of that name held is lost; a folder that holds other drawn images is refused."""
    count: OptionalCount = None
    """How many images; with --interpolate, how many strips. Default: 64, or as many whole rows of labels as come next
    to it."""
    seed: Seed = 0
    """The same seed draws the same images; image i does not depend on the count."""
    labels: str | None = None
    """Classes to draw in turn, of a conditional run: 0-9, or 3,1,4, or names. Default: all."""
    interpolate: OptionalSteps = None
    """Draw strips of so many images, each from one latent to the next."""
    truncation: Weight = 1.0
    """Of stylegan2 and gat: draw styles to their mean, for images that are more alike, and mostly better: 1 not at all,
    0.7 is customary, 0 draws the mean alone."""
    guidance: Weight = 1.0
    """Of gat with labels: draw styles away from the mean over all labels, for images that show theirs more: 1 not at
    all."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Draw from the best checkpoint that a run with --evaluate.every has kept."""


def main(arguments: list[str]) -> None:
    """Draws what the arguments ask for, and says where it is."""
    options = options_of(Sample, arguments)
    exported = holds_one_generator(options.run, raw=options.raw, best=options.best)
    check_out(options.out, None if exported else recipes.load_run(options.run).data.kind)

    from gan_jax.run.sampling import draw_from

    source = source_at(options.run, raw=options.raw, best=options.best)
    lines = draw_from(
        source,
        out=options.out and recipes.expand(options.out),
        count=options.count,
        seed=options.seed,
        labels=options.labels,
        interpolate=options.interpolate,
        styles={"truncation": options.truncation, "guidance": options.guidance},
    )
    screen.tell("\n".join(lines))
