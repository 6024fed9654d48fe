"""The page of a generator of text: pieces of a seed, a line for each."""

from collections.abc import Callable
from pathlib import Path

import jax

from gan_jax.run.media import medium_of
from gan_jax.run.sampling import Source, labels_in_turn_or_by_frequency, latents_by_index, make_drawer
from gan_jax.show.explore.page import Desk, lay

PIECES = 32

Write = Callable[[int], list[str]]
"""Pieces of a seed, as `gan-jax sample` has them."""


def make_write(source: Source) -> Write:
    """Builds it, compiled once."""
    medium = medium_of(source.config, source.notes.get("alphabet", ""))
    assert medium.lines is not None
    lines, drawer, weights = medium.lines, make_drawer(source.gan, medium.kept), source.weights()

    def write(seed: int) -> list[str]:
        key = jax.random.key(seed)
        labels = labels_in_turn_or_by_frequency(source.config, key, source.counts, PIECES)
        return lines(drawer(weights, latents_by_index(source.gan, key, PIECES), labels))

    return write


def fill(at: Desk, source: Source, write: Write) -> None:
    """Fills a page."""
    from bokeh.models.widgets import Button, PreText, Spinner

    seed = Spinner(name="seed", title="Seed", low=0, high=2**32 - 1, step=1, value=0, width=110)
    another, text = Button(name="another", label="Another", width=80), PreText(name="text", text="")

    def ask() -> None:
        number = int(seed.value or 0)
        at.ask("text", lambda: "\n".join(write(number)), lambda found: setattr(text, "text", found), "writing")

    seed.on_change("value", lambda attribute, old, new: ask())
    another.on_click(lambda: setattr(seed, "value", (int(seed.value or 0) + 1) % 2**32))
    lay(at, [seed, another, text], "texts.html", title=Path(source.run).name, about=source.called)
    ask()
