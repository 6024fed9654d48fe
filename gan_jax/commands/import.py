"""gan-jax import: a folder to draw from, of weights that others have published."""  # noqa: N999 - as the command

from dataclasses import dataclass
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.reading import read
from gan_jax.config import recipes
from gan_jax.config.options import check_options
from gan_jax.errors import ConfigError
from gan_jax.run.files import check_empty


@dataclass(frozen=True)
class Import:
    """Writes what gan-jax export writes, of what others have saved; runs nothing in it.

    R3GAN's and StyleGAN2-ADA's generators, mimicry's of SNGAN, and Stable Diffusion's autoencoder, as diffusers saves
    it.

    gan-jax sample draws from the folder, and gan_jax.show.exported.load reads it.
    """

    input: tyro.conf.Positional[Path]
    """The .pkl, mimicry's .pth, or an AutoencoderKL's .safetensors. It says itself which network it is."""
    out: Path
    """The folder, new or empty."""


def main(arguments: list[str]) -> None:
    """Writes what the arguments ask for, and says where it is."""
    if not arguments:
        raise ConfigError("import which file? gan-jax import FILE --out FOLDER; --help says more")
    check_options(arguments, ["out"], Import(Path(), Path()))
    if not {"-h", "--help"} & {*arguments} and not any(argument.split("=")[0] == "--out" for argument in arguments):
        raise ConfigError("out: into which folder? gan-jax import FILE --out FOLDER")
    options = read(Import, arguments, "gan-jax import")
    out = recipes.expand(options.out)
    check_empty(out)

    from gan_jax.run import programs
    from gan_jax.show.imported import import_

    programs.prepare()
    screen.tell("\n".join(import_(recipes.expand(options.input), out)))
