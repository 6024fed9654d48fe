"""gan-jax encode: latents, from a trained autoencoder."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import AboutRun, options_of
from gan_jax.config import recipes
from gan_jax.errors import ConfigError
from gan_jax.storage import absolute


@dataclass(frozen=True)
class Encode(AboutRun):
    """Has an autoencoder encode the pictures that it was trained on, or others, for a GAN that is trained on latents.

    The file has their labels, the pictures and the decoder beside the latents: a run that is trained on it shows and
    scores what is decoded.
    """

    input: tyro.conf.Positional[Path | None] = None
    """A folder or .zip of pictures, or an .npz or .npy of bytes, to be encoded in place of those that the run was
    trained on; they are brought to the same size. Sub-folders become classes."""
    out: Path | None = None
    """The .npz. Default: latents.npz, in the run folder."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""
    data_dir: Path | None = None
    """Where tensorflow-datasets keeps the prepared data now, if they have moved."""


def main(arguments: list[str]) -> None:
    """Encodes what the arguments name, and says where it is."""
    options = options_of(Encode, arguments)
    config = recipes.load_run(options.run)
    if (task := config.task.called) != "reconstruction":
        raise ConfigError(
            f"run: {options.run} is no autoencoder, its task is {task}; gan-jax train mnist_autoencoder trains one"
        )
    out = recipes.expand(options.out or options.run / "latents.npz")
    if out.suffix != ".npz":
        raise ConfigError(f"out: {out} should end in .npz")
    if options.input and options.data_dir:
        raise ConfigError("data_dir: is of named data, and pictures of your own are to be encoded; drop --data-dir")
    if options.data_dir and config.data.path:
        raise ConfigError(f"data_dir: {options.run} was trained on your own pictures; name them: encode RUN PICTURES")

    from gan_jax.run import programs
    from gan_jax.run.encoding import encode

    programs.prepare()
    moved = {"data.path": options.input, "data.data_dir": options.data_dir}
    lines = encode(
        str(options.run),
        out,
        moved={key: str(absolute(recipes.expand(path))) for key, path in moved.items() if path},
        best=options.best,
    )
    screen.tell("\n".join(lines))
