"""The page of a translator: what is given beside what is made; a brush paints what inpainting is to make."""

from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.run.sampling import Source
from gan_jax.show.explore import canvas
from gan_jax.show.explore.page import Desk, lay, upload
from gan_jax.show.explore.translating import Given, Translator, read, translate


class TranslatorPage:
    """What a visitor has chosen and painted, and what is made of it: anew whenever that changes."""

    def __init__(self, at: Desk, source: Source, translator: Translator, examples: list[np.ndarray]) -> None:
        from bokeh.models.widgets import Div, RadioButtonGroup

        self._at, self._translator, self._called = at, translator, source.config.task.called
        self._given: Given | None = None
        self._reversed = int(source.config.task.reverse)
        self._compiled: set[tuple[int, ...]] = set()
        self._before, self._after = canvas.canvas("given", widest=480), canvas.canvas("made", widest=480)
        self._link = Div(name="download", text="")
        self._way = RadioButtonGroup(name="way", labels=["A to B", "B to A"], active=self._reversed)
        self._way.on_change("active", lambda attribute, old, new: self._make())
        own = upload(
            at, "A picture of your own", lambda file: at.ask("read", lambda: read(translator, file), self._begin)
        )
        roots = [own, self._before.figure, self._after.figure, self._link]
        roots += [self._way] * (len(translator.ways) > 1)
        roots += self._examples(examples) + self._brushes()
        about = f"{self._called}, by {source.called}"
        lay(at, roots, "translator.html", title=Path(source.run).name, about=about)

    def _examples(self, examples: list[np.ndarray]) -> list[Any]:
        """Pictures to begin with, of which a tap chooses one; the first is chosen."""
        if not examples:
            return []
        place, laid = (
            canvas.canvas("examples", widest=96 * len(examples)),
            canvas.laid(np.stack(examples), len(examples)),
        )
        canvas.show(place, laid.picture)

        def choose(i: int) -> None:
            canvas.mark(place, laid, [i])
            self._begin(Given(f"example_{i}", examples[i], np.zeros(examples[i].shape[:2], bool)))

        def tapped(x: float, y: float) -> None:
            if (i := laid.at(x, y)) is not None:
                choose(i)

        canvas.when_tapped(place, tapped)
        self._at.document.add_next_tick_callback(lambda: choose(0))
        return [place.figure]

    def _brushes(self) -> list[Any]:
        """What paints, of inpainting."""
        from bokeh.models.widgets import Button, Slider

        if not self._translator.has_holes:
            self._brush = self._thick = None
            return []
        brush = self._brush = canvas.brush(self._before)
        thick = self._thick = Slider(name="thick", title="Brush, in pixels of the picture", start=1, end=2, value=1)
        clear = Button(name="clear", label="Paint anew")

        across = 480.0  # pixels of the screen, until the browser says how many

        def as_thick() -> None:
            brush.glyph.line_width = max(1.0, thick.value * across / self._before.figure.x_range.end)

        def resized(attribute: str, old: Any, new: float) -> None:
            nonlocal across
            across = new
            as_thick()

        thick.on_change("value", lambda attribute, old, new: as_thick())
        self._before.figure.on_change("inner_width", resized)
        thick.on_change("value_throttled", lambda attribute, old, new: self._make())
        brush.strokes.on_change("data", lambda attribute, old, new: self._make())
        clear.on_click(lambda: brush.clear())
        return [thick, clear]

    def _begin(self, given: Given) -> None:
        """Shows another picture, nothing painted over."""
        self._given = given
        pixels = given.colours.copy()
        pixels[given.missing] = 255
        canvas.show(self._before, pixels)
        if self._brush and self._thick:
            side = min(pixels.shape[:2])
            self._thick.end, self._thick.value = max(2, side // 2), max(1, side // 6)
            self._brush.clear()
        self._make()

    def _make(self) -> None:
        """Makes of what is given and painted by now."""
        if (given := self._given) is None:
            return
        missing = given.missing
        if self._brush and self._thick:
            missing = missing | self._brush.painted(missing.shape, self._thick.value)
            if not missing.any():
                self._at.tell("Paint over what is to be made anew.")
                return
        # The group holds places of ways as people read them; the first way is that of the run.
        way = int(self._way.active != self._reversed) if len(self._translator.ways) > 1 else 0
        size = (*missing.shape, way)
        new = f"; the first picture of {missing.shape[1]}x{missing.shape[0]} pixels has a program compiled"
        doing = "making it" + new * (size not in self._compiled)
        self._compiled.add(size)
        self._at.ask("make", lambda: translate(self._translator, given.colours, missing, way), self._show, doing)

    def _show(self, made: np.ndarray) -> None:
        canvas.show(self._after, made)
        name = self._given.name if self._given else "picture"
        self._link.text = canvas.download(f"{name}_{self._called}.png", made)
