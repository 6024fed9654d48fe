"""gan-jax export: a folder that leaves the house, with weights, a program, and a model card."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from gan_jax import screen
from gan_jax.commands.about_run import AboutRun, options_of
from gan_jax.config import recipes
from gan_jax.errors import ConfigError
from gan_jax.run.files import check_empty


@dataclass(frozen=True)
class Export(AboutRun):
    """Writes a folder to hand on: weights and fields, a program that JAX alone runs, and a model card."""

    out: Path | None = None
    """The folder, new or empty. Default: exported_step_N, in the run folder."""
    raw: bool = False
    """Take the generator as the last step left it, not its average."""
    best: bool = False
    """Take the best checkpoint that a run with --evaluate.every has kept."""
    push: str | None = None
    """OWNER/NAME on the Hugging Face hub, where all of it goes (needs pip install huggingface_hub, and hf auth login).
    What there is not yet begins as private."""


def main(arguments: list[str]) -> None:
    """Writes what the arguments ask for, and says where it is."""
    options = options_of(Export, arguments)
    out = options.out and recipes.expand(options.out)
    if out:
        check_empty(out)
    if importlib.util.find_spec("flatbuffers") is None:
        raise ConfigError("export: needs flatbuffers; pip install 'gan-jax[export]'")

    from gan_jax.run import programs
    from gan_jax.show.export import export

    programs.prepare()
    lines = export(
        str(options.run),
        out=out,
        averaged=not options.raw,
        best=options.best,
        repository=options.push,
    )
    screen.tell("\n".join(lines))
