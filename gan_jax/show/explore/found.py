"""A picture that a visitor brings beside the nearest one of the generator, while that is looked for."""

import numpy as np

from gan_jax.data.listing import Files
from gan_jax.show.explore import canvas
from gan_jax.show.explore.chosen import Chosen
from gan_jax.show.explore.page import Desk, upload
from gan_jax.show.explore.samples import Samples
from gan_jax.show.explore.search import AT_ONCE, STEPS, Finder, Search
from gan_jax.show.explore.studio import Studio
from gan_jax.show.explore.uploads import fitted


class Found:
    """The search for the newest picture that was brought; what it finds becomes the chosen picture."""

    def __init__(self, at: Desk, studio: Studio, finder: Finder, samples: Samples, chosen: Chosen) -> None:
        from bokeh.models.widgets import Button, Paragraph

        self._at, self._studio, self._finder, self._samples, self._chosen = at, studio, finder, samples, chosen
        self._target: np.ndarray | None = None
        self._place, self._progress = canvas.canvas("found", widest=320), Paragraph(name="progress", text="")
        stop = Button(name="stop", label="Stop", width=90)
        stop.on_click(self._stop)
        self._place.figure.visible = False
        self.roots = [upload(at, "A picture to find", self._read), stop, self._place.figure, self._progress]

    def _read(self, file: Files) -> None:
        data, label = self._studio.source.config.data, self._samples.label

        def begun(found: tuple[np.ndarray, Search]) -> None:
            self._target = found[0]
            self._place.figure.visible = True
            self._go_on(found[1], found[0], 0)

        def begin() -> tuple[np.ndarray, Search]:
            target = fitted(file, data.image_size, data.image_channels)
            return target, self._finder.begin(target, label)

        self._at.ask("found", begin, begun, "looking for where to start")

    def _go_on(self, search: Search, target: np.ndarray, done: int) -> None:
        """Shows how far it has come; then further, unless there is another picture to find, or none."""
        if target is not self._target:
            return
        if done >= STEPS:
            self._chosen.choose(search.point)
            return

        def further() -> tuple[Search, np.ndarray]:
            later = self._finder.go_on(search, target)
            return later, self._studio.draw([later.point], 1.0)[0]

        def seen(found: tuple[Search, np.ndarray]) -> None:
            later, picture = found
            canvas.show(self._place, canvas.laid(np.stack([target, picture]), 2).picture)
            self._progress.text = f"Step {done + AT_ONCE} of {STEPS}, distance {later.distance:.4f}"
            self._go_on(later, target, done + AT_ONCE)

        self._at.ask("found", further, seen, "looking for the picture")

    def _stop(self) -> None:
        self._target = None
        self._progress.text = ""
