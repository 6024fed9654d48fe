"""The chosen picture of a page, and the sliders that move it along directions of its space."""

from typing import Any

import numpy as np

from gan_jax.latents.directions import Directions
from gan_jax.show.explore import canvas
from gan_jax.show.explore.page import Desk
from gan_jax.show.explore.studio import DIRECTIONS, Point, Studio, moved

FARTHEST = 4.0
"""Deviations that a slider goes to either side."""


class Chosen:
    """A point, with sliders at 0 where it was chosen."""

    def __init__(self, at: Desk, studio: Studio, name: str, truncation: Any) -> None:
        from bokeh.models.widgets import Button, Div, Slider

        self._at, self._studio, self._name, self._truncation = at, studio, name, truncation
        self._point: Point | None = None
        self._directions: Directions | None = None
        self._place, self._link = canvas.canvas("chosen", widest=320), Div(name="chosen_link", text="")
        look: dict[str, Any] = {"start": -FARTHEST, "end": FARTHEST, "step": 0.1, "value": 0, "disabled": True}
        self._sliders = [
            Slider(name=f"direction_{k}", title=f"Direction {k}", **look) for k in range(1, DIRECTIONS + 1)
        ]
        back = Button(name="back", label="Reset", width=90)
        for slider in self._sliders:
            slider.on_change("value", lambda attribute, old, new: self.draw())
        back.on_click(self._straighten)
        self.roots = [self._place.figure, self._link, back, *self._sliders]
        at.beside.ask(
            "directions", studio.directions, self._found, "looking for directions in which pictures change most"
        )

    def choose(self, point: Point) -> None:
        """Shows another picture, the sliders at 0."""
        self._point = point
        self._straighten()

    @property
    def now(self) -> Point | None:
        """The point to which the sliders have moved it; None if none is chosen."""
        if self._point is None or self._directions is None:
            return self._point
        return moved(self._directions, self._point, [slider.value for slider in self._sliders if not slider.disabled])

    def draw(self) -> None:
        """Draws it as the sliders are."""
        point, truncation = self.now, self._truncation.value
        if point is not None:
            self._at.ask("chosen", lambda: self._studio.draw([point], truncation), self._drawn)

    def _drawn(self, pictures: np.ndarray) -> None:
        canvas.show(self._place, pictures[0])
        self._link.text = canvas.download(f"{self._name}_chosen.png", pictures[0])

    def _straighten(self) -> None:
        for slider in self._sliders:
            slider.value = 0
        self.draw()

    def _found(self, directions: Directions) -> None:
        self._directions = directions
        for slider in self._sliders[: len(directions.axes)]:
            slider.disabled = False
        self.draw()
