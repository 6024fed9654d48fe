"""gan-jax report: a page that shows what runs were, and what has come of them."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import tyro

from gan_jax import screen
from gan_jax.commands.about_run import run_at
from gan_jax.commands.reading import read
from gan_jax.config import recipes
from gan_jax.config.options import check_ending, check_options
from gan_jax.errors import ConfigError
from gan_jax.storage import absolute, is_remote


@dataclass(frozen=True)
class Report:
    """Writes a page about a run, or one that compares several: a single HTML file, which needs no network.

    It only reads, and may be asked for while a run goes on.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """The run folders."""
    out: Path | None = None
    """The file, which ends in .html. Default: report.html, in the run folder; of several runs in the current one."""
    draw: bool = True
    """Have the newest checkpoint draw samples of each class, and look for the real images nearest to some. On a GPU
    that a run is using, rather leave it out: --no-draw."""
    data_path: Path | None = None
    """Where the runs' own pictures are. Without it none are read, wherever a config says that they are."""
    data_dir: Path | None = None
    """Where tensorflow-datasets keeps the prepared data. Default: its usual place, ~/tensorflow_datasets."""


def main(arguments: list[str]) -> None:
    """Writes the page of the runs that the arguments name, and says where it is."""
    if not arguments:
        raise ConfigError("report which runs? gan-jax report RUN_FOLDER ...; --help says more")
    check_options(arguments, ["out", "draw", "data_path", "data_dir"], Report(()))
    options = read(Report, arguments, "gan-jax report")
    if not options.runs:
        raise ConfigError("report which runs? name their folders: gan-jax report RUN_FOLDER ...")
    runs = [run_at(run) for run in options.runs]
    out = _checked(recipes.expand(options.out or (runs[0] if len(runs) == 1 else Path()) / "report.html"))
    if find_spec("bokeh") is None:
        raise ConfigError("report: its curves need bokeh; pip install 'gan-jax[report]'")

    from gan_jax.run import programs
    from gan_jax.show.report import report

    programs.prepare()
    moved = {"data.path": options.data_path, "data.data_dir": options.data_dir}
    lines = report(
        runs,
        out,
        drawing=options.draw,
        moved={key: str(absolute(recipes.expand(path))) for key, path in moved.items() if path},
        say=screen.tell,
    )
    screen.tell("\n".join(lines))


def _checked(out: Path) -> Path:
    """Raises ConfigError for what can be no page."""
    if not is_remote(out) and out.is_dir():
        raise ConfigError(f"out: {out} is a folder; name a file in it, such as --out {out / 'report.html'}")
    check_ending(out, {".html": "", ".htm": ""})
    return out
