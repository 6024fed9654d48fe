"""The options of the commands about a run, as the command line reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from gan_jax.config.ranges import Count, OptionalSeed, OptionalSteps, Samples, Seed, Weight


@dataclass(frozen=True)
class Sample:
    """Draws images from the newest good checkpoint of a run."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    out: Path | None = None
    """A .png (one grid), an .npz (arrays images and labels: uint8, or floats in the data's own range), or a folder; of
    text a .txt. Default: a grid in the run folder; text is printed."""
    count: Count = 64
    """How many images; with --interpolate, how many strips."""
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


@dataclass(frozen=True)
class Apply:
    """Has a run with a task make of your own pictures what it was trained to make."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    input: tyro.conf.Positional[Path | None] = None
    """A picture, or a folder or .zip of them, of any size: small ones for super_resolution, any for colouring, drawings
    in white on black for from_edges, the given half alone for pairs, those of domain A for unpaired; for inpainting see
    --mask."""
    out: Path | None = None
    """A .png for one picture, or a folder, in which names stay. Default: applied, in the run folder."""
    mask: Path | None = None
    """What inpainting is to make: white in a picture of the same size; or a folder or .zip of such, of the same names.
    Default: where a picture is fully transparent."""
    reverse: bool = False
    """Of two domains: go the other way, from B to A where the run shows A to B."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""
    seed: OptionalSeed = None
    """Have a network with dropout draw at random, of the same seed the same. Default: no dropout."""


@dataclass(frozen=True)
class Evaluate:
    """Scores the newest good checkpoint of a run against the data it was trained on."""

    run: tyro.conf.Positional[Path]
    """The run folder; its metrics.jsonl gets a row with the scores and the protocol."""
    features: Literal["classifier", "inception", "pixels"] | None = None
    """What images are compared in. Default: classifier (trained on the data) if the data have classes, else pixels. Of
    text leave it out: that is compared by its n-grams."""
    samples: Samples = 10_000
    """Images to draw; as many real ones at most are compared with them one by one (FID sees all of the real ones)."""
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
