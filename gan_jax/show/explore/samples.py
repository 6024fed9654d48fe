"""The samples of a page: of which seed, how many, of which label; a tap chooses one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_jax.show.explore import canvas
from gan_jax.show.explore.page import Desk
from gan_jax.show.explore.studio import MOST, Point, Studio

COUNTS = (9, 16, 36, MOST)


class Samples:
    """Samples that are drawn anew when a visitor asks for others."""

    def __init__(self, at: Desk, studio: Studio, name: str, choose: Callable[[Point], None]) -> None:
        from bokeh.models.widgets import Button, Div, Select, Slider, Spinner

        self._at, self._studio, self._name, self._choose = at, studio, name, choose
        self._points: list[Point] = []
        self._laid: canvas.Sheet | None = None
        self._seed = Spinner(name="seed", title="Seed", low=0, high=2**32 - 1, step=1, value=0, width=110)
        another = Button(name="another", label="Another", width=80)
        counts: list[Any] = [str(count) for count in COUNTS]
        self._count = Select(name="count", title="Samples", options=counts, value="16", width=70)
        labels: list[Any] = [("", "all in turn"), *((str(i), label) for i, label in enumerate(studio.source.labels))]
        self._label = Select(name="label", title="Label", options=labels, value="", width=120)
        self.truncation = Slider(name="truncation", title="Truncation", start=0, end=1.5, step=0.05, value=1)
        self._place, self._link = canvas.canvas("samples", widest=560), Div(name="samples_link", text="")
        another.on_click(self._another)
        for widget in (self._seed, self._count, self._label):
            widget.on_change("value", lambda attribute, old, new: self.ask())
        canvas.when_tapped(self._place, self._tapped)
        labelled = [self._label] * bool(studio.source.labels)
        self.roots = [self._seed, another, self._count, *labelled, self.truncation, self._place.figure, self._link]

    @property
    def label(self) -> int | None:
        """The label that is asked for; None for all in turn."""
        return int(self._label.value) if self._label.value else None

    def ask(self) -> None:
        """Draws what is asked for by now; of the first samples of a page the first is chosen."""
        seed, label, count = int(self._seed.value or 0), self.label, int(self._count.value)

        def found(points: list[Point]) -> None:
            if not self._points:
                self._choose(points[0])
            self._points = points[:count]
            canvas.unmark(self._place)
            self.draw()

        self._at.ask("points", lambda: self._studio.samples(seed, label), found)

    def draw(self) -> None:
        """Draws the same samples anew."""
        points, truncation = self._points, self.truncation.value
        if points:
            self._at.ask("samples", lambda: self._studio.draw(points, truncation), self._drawn)

    def _drawn(self, pictures: np.ndarray) -> None:
        self._laid = canvas.laid(pictures, canvas.columns_of(pictures))
        canvas.show(self._place, self._laid.picture)
        self._link.text = canvas.download(f"{self._name}_seed{self._seed.value}.png", self._laid.picture)

    def _another(self) -> None:
        self._seed.value = (int(self._seed.value or 0) + 1) % 2**32

    def _tapped(self, x: float, y: float) -> None:
        if self._laid and (i := self._laid.at(x, y)) is not None:
            canvas.mark(self._place, self._laid, [i])
            self._choose(self._points[i])
