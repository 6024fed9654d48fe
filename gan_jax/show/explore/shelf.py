"""The pictures that a visitor has kept: ways through them, and their styles for others."""

from typing import Any

import numpy as np

from gan_jax.show.explore import canvas
from gan_jax.show.explore.chosen import Chosen
from gan_jax.show.explore.page import Desk
from gan_jax.show.explore.studio import LEVELS, Point, Studio, on_the_way, with_styles_of

STEPS = 9
"""Pictures that show a way."""


class Shelf:
    """Pictures in the order in which they were kept."""

    def __init__(self, at: Desk, studio: Studio, chosen: Chosen, truncation: Any) -> None:
        from bokeh.models.widgets import Button, RadioButtonGroup, Slider

        self._at, self._studio, self._chosen, self._truncation = at, studio, chosen, truncation
        self._points: list[Point] = []
        self._kept, self._strip = canvas.canvas("kept", widest=96), canvas.canvas("strip", widest=96 * STEPS)
        self._laid: dict[str, canvas.Sheet] = {}
        keep, forget = Button(name="keep", label="Keep", width=90), Button(name="forget", label="Forget all", width=90)
        self._way = Slider(name="way", title="Along the way", start=0, end=1, step=0.02, value=0)
        self._tap = RadioButtonGroup(
            name="tap", labels=["choose it", *(f"take its {it} styles" for it in LEVELS)], active=0
        )
        keep.on_click(self._keep)
        forget.on_click(self._forget)
        self._way.on_change("value", lambda attribute, old, new: self._go(new))
        canvas.when_tapped(self._kept, self._tapped_kept)
        canvas.when_tapped(self._strip, self._tapped_strip)
        mixing = [self._tap] * (studio.space.layers > 1)
        self.roots = [keep, forget, self._kept.figure, self._strip.figure, self._way, *mixing]
        self.draw()

    def draw(self) -> None:
        """Draws what is kept, and the way through it from two pictures on."""
        kept, way, truncation = self._points, self._places(), self._truncation.value
        self._kept.figure.visible, self._strip.figure.visible, self._way.visible = bool(kept), bool(way), bool(way)
        if kept:
            points = [*kept, *(on_the_way(self._studio, kept, place) for place in way)]
            self._at.ask(
                "kept", lambda: self._studio.draw(points, truncation), lambda found: self._drawn(found, len(kept))
            )

    def _drawn(self, pictures: np.ndarray, kept: int) -> None:
        for place, some in ((self._kept, pictures[:kept]), (self._strip, pictures[kept:])):
            if len(some):
                self._laid[place.figure.name] = laid = canvas.laid(some, len(some))
                place.figure.max_width = 96 * len(some)
                canvas.show(place, laid.picture)

    def _places(self) -> list[float]:
        """Those of the pictures on the way."""
        return np.linspace(0, len(self._points) - 1, STEPS).tolist() if len(self._points) > 1 else []

    def _keep(self) -> None:
        if (point := self._chosen.now) is not None:
            self._points = [*self._points, point]
            self._way.end = max(1, len(self._points) - 1)
            self.draw()

    def _forget(self) -> None:
        self._points, self._way.value, self._way.end = [], 0, 1
        self.draw()

    def _go(self, place: float) -> None:
        if len(self._points) > 1:
            self._chosen.choose(on_the_way(self._studio, self._points, place))

    def _tapped_kept(self, x: float, y: float) -> None:
        laid = self._laid.get("kept")  # none before the first drawing
        if laid is None or (i := laid.at(x, y)) is None or i >= len(self._points):
            return
        own, level = self._chosen.now, (None, *LEVELS)[self._tap.active or 0]
        other = self._points[i]
        self._chosen.choose(with_styles_of(own, other, level) if own and level else other)

    def _tapped_strip(self, x: float, y: float) -> None:
        laid, places = self._laid.get("strip"), self._places()
        if laid is not None and (i := laid.at(x, y)) is not None and i < len(places):
            self._way.value = places[i]
