"""Which page a generator has, by what it makes: pictures, text, or pictures of pictures."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gan_jax.run.sampling import Source
from gan_jax.show.drawn import Say
from gan_jax.show.explore import texts
from gan_jax.show.explore.chosen import Chosen
from gan_jax.show.explore.found import Found
from gan_jax.show.explore.page import Desk, lay
from gan_jax.show.explore.samples import Samples
from gan_jax.show.explore.search import finds, make_finder
from gan_jax.show.explore.shelf import Shelf
from gan_jax.show.explore.studio import open_studio
from gan_jax.show.explore.texts import make_write
from gan_jax.show.explore.translating import at_hand, open_translator
from gan_jax.show.explore.translator_page import TranslatorPage

Fill = Callable[[Desk], object]
"""Puts all that it has on a page, for each visitor anew."""


def page_of(source: Source, moved: Mapping[str, str], say: Say) -> Fill:
    """What fills the page of a generator; `moved` names where the data are, by config key."""
    if source.config.task.given:
        return _translator(source, moved, say)
    return _writer(source) if source.config.data.kind == "text" else _generator(source)


def _translator(source: Source, moved: Mapping[str, str], say: Say) -> Fill:
    """What fills the page of a translator."""
    translator = open_translator(source)
    examples, why = at_hand(source.config, moved)
    if why:
        say(why)
    return lambda at: TranslatorPage(at, source, translator, examples)


def _writer(source: Source) -> Fill:
    """What fills the page of a generator of text."""
    write = make_write(source)
    return lambda at: texts.fill(at, source, write)


def _generator(source: Source) -> Fill:
    """What fills the page of a generator of pictures, or of clips."""
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
