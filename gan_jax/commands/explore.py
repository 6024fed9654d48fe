"""gan-jax explore: a page that draws from a generator while one looks."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gan_jax import screen
from gan_jax.commands.about_run import AboutGenerator, options_of, source_at
from gan_jax.config import recipes
from gan_jax.config.ranges import Port
from gan_jax.errors import ConfigError
from gan_jax.storage import absolute


@dataclass(frozen=True)
class Explore(AboutGenerator):
    """Opens a page, on this machine alone, that draws live from a run, from what gan-jax export wrote, or example:NAME.

    Samples, and what becomes of them along directions of the latent space; or what a translator makes of pictures. It
    needs no network. Ctrl-C ends it.
    """

    port: Port = 0
    """Of the address 127.0.0.1, where the page is; 0: a free one."""
    raw: bool = False
    """Use the generator as the last step left it, not its average."""
    best: bool = False
    """Use the best checkpoint that a run with --evaluate.every has kept."""
    data_path: Path | None = None
    """Where the pictures of a translator's run are, to begin with some that were held out. Without it none are read,
    wherever a config says that they are."""
    data_dir: Path | None = None
    """Where tensorflow-datasets keeps the prepared data. Default: its usual place, ~/tensorflow_datasets."""


def main(arguments: list[str]) -> None:
    """Serves the page until it is interrupted."""
    options = options_of(Explore, arguments)
    if find_spec("bokeh") is None:
        raise ConfigError("explore: its page needs bokeh; pip install 'gan-jax[report]'")
    source = source_at(options.run, raw=options.raw, best=options.best)

    from gan_jax.show.explore.pages import page_of
    from gan_jax.show.explore.serving import serve

    named = {"data.path": options.data_path, "data.data_dir": options.data_dir}
    moved = {key: str(absolute(recipes.expand(path))) for key, path in named.items() if path}
    screen.tell("\n".join([*source.remarks, f"drawing from {source.called}"]))
    serve(page_of(source, moved, screen.tell), options.port, screen.tell)
