"""gan-jax explore: a page on the loopback address that draws from a generator, live, by Bokeh's server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gan_jax.errors import ConfigError
from gan_jax.run.sampling import Source
from gan_jax.show.drawn import Say
from gan_jax.show.explore.chosen import Chosen
from gan_jax.show.explore.found import Found
from gan_jax.show.explore.page import Desk, desk, lay
from gan_jax.show.explore.samples import Samples
from gan_jax.show.explore.search import finds, make_finder
from gan_jax.show.explore.serving import ADDRESS, listen
from gan_jax.show.explore.shelf import Shelf
from gan_jax.show.explore.studio import open_studio
from gan_jax.show.explore.translating import at_hand, open_translator
from gan_jax.show.explore.translator_page import TranslatorPage
from gan_jax.show.explore.turns import Turns


def explore(source: Source, *, port: int, moved: Mapping[str, str], say: Say) -> None:
    """Serves the page of a generator until the process ends. Raises ConfigError for a port that is taken.

    `moved` names where the data are, by config key.
    """
    for remark in source.remarks:
        say(remark)
    fill = _translator(source, moved, say) if source.config.task.given else _generator(source)
    turns = Turns()
    server, port = listen(lambda document: fill(desk(document, turns)), port)
    server.start()
    say(f"{source.called}: http://{ADDRESS}:{port}/ (Ctrl-C ends it)")
    server.io_loop.start()


def _translator(source: Source, moved: Mapping[str, str], say: Say) -> Callable[[Desk], Any]:
    """What fills the page of a translator."""
    translator = open_translator(source)
    examples, why = at_hand(source.config, moved)
    if why:
        say(why)
    return lambda at: TranslatorPage(at, source, translator, examples)


def _generator(source: Source) -> Callable[[Desk], Any]:
    """What fills the page of a generator. Raises ConfigError of text."""
    if source.config.data.kind == "text":
        raise ConfigError(f"run: {source.run} writes text; gan-jax sample {source.run} prints some")
    studio, name = open_studio(source), Path(source.run).name
    finder = make_finder(studio) if finds(studio) else None

    def fill(at: Desk) -> None:
        samples = Samples(at, studio, name, lambda point: chosen.choose(point))
        chosen = Chosen(at, studio, name, samples.truncation)
        shelf = Shelf(at, studio, chosen, samples.truncation)
        found = Found(at, studio, finder, samples, chosen).roots if finder else []

        def truncated(attribute: str, old: float, new: float) -> None:
            del attribute, old, new
            for part in (chosen, samples, shelf):
                part.draw()

        samples.truncation.on_change("value", truncated)
        lay(at, [*samples.roots, *chosen.roots, *shelf.roots, *found], "samples.html", title=name, about=source.called)
        samples.ask()

    return fill
