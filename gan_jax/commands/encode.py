"""gan-jax encode: latents, from a trained autoencoder."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, holds_one_generator, options_of, source_at
from gan_jax.config import Config, recipes
from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.config.ranges import OptionalSize
from gan_jax.errors import ConfigError
from gan_jax.show.examples import called, place_of
from gan_jax.storage import absolute


@dataclass(frozen=True)
class Encode(AboutGenerator):
    """Has an autoencoder encode the pictures that it was trained on, or others, for a GAN that is trained on latents.

    The autoencoder is a run's, or one that gan-jax export or gan-jax import wrote.

    The file has their labels, the pictures and the decoder beside the latents: a run that is trained on it shows and
    scores what is decoded.
    """

    input: tyro.conf.Positional[Path | None] = None
    """A folder or .zip of pictures, or an .npz or .npy of bytes, to be encoded in place of those that the run was
    trained on. Sub-folders become classes."""
    size: OptionalSize = None
    """Pixels that pictures of your own are brought to: on a side, or height x width. Default: those of the training;
    of an imported autoencoder 256."""
    out: Path | None = None
    """An .npz, or an images.npy, beside which the other arrays become files of their own: for what does not fit into
    memory. Default: latents.npz, in the run folder, or of an exported folder in drawn/NAME, here."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""
    data_dir: Path | None = None
    """Where tensorflow-datasets keeps the prepared data now, if they have moved."""


def main(arguments: list[str]) -> None:
    """Encodes what the arguments name, and says where it is."""
    options = options_of(Encode, arguments)
    exported = holds_one_generator(options.run, raw=False, best=options.best)
    usual = place_of(options.run, "latents.npz") if exported else options.run / "latents.npz"
    out = recipes.expand(options.out or usual)
    check_ending(out, ENDINGS["latents"])
    if options.input and options.data_dir:
        raise ConfigError("data_dir: is of named data, and pictures of your own are to be encoded; drop --data-dir")
    if options.size and not options.input:
        raise ConfigError("size: is of pictures of your own; name them: encode RUN PICTURES")
    if exported and not options.input:
        raise ConfigError(f"encode which pictures? gan-jax encode {called(options.run)} PICTURES --out {out}")
    if not exported:
        _check(options, recipes.load_run(options.run))

    from gan_jax.run.encoding import encode

    source = source_at(options.run, raw=False, best=options.best)
    if exported:
        _check(options, source.config)
    moved = {"data.path": options.input, "data.data_dir": options.data_dir}
    lines = encode(
        source,
        out,
        moved={key: str(absolute(recipes.expand(path))) for key, path in moved.items() if path},
        size=options.size,
    )
    screen.tell("\n".join(lines))


def _check(options: Encode, config: Config) -> None:
    """Raises ConfigError for what is no autoencoder, or has no named data that could have moved."""
    if (task := config.task.called) != "reconstruction":
        raise ConfigError(
            f"run: {called(options.run)} is no autoencoder, its task is {task}; "
            "gan-jax train mnist_autoencoder trains one"
        )
    if options.data_dir and config.data.path:
        raise ConfigError(f"data_dir: {options.run} was trained on your own pictures; name them: encode RUN PICTURES")
