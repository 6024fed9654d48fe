"""What a run leaves behind as it goes: its rows, lines and pictures, and what trackers show of them."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.errors import RunError
from gan_jax.gan import GAN, GANState, generate
from gan_jax.images import to_bytes, to_float
from gan_jax.run import decoding
from gan_jax.run.drawing import held_out
from gan_jax.run.files import RunFolder
from gan_jax.run.labels import row_of_labels
from gan_jax.run.logs import MetricLog, Reporter
from gan_jax.run.media import medium_of
from gan_jax.run.pictures import pixels_of, save_curves, save_scores
from gan_jax.run.sampling import Counts, labels_in_turn_or_by_frequency, latents_by_index, sampling_weights
from gan_jax.run.scoreboard import Evaluation, as_row, read_all
from gan_jax.run.speed import PeakMemory, Reach, Speed, matrix_product_rate
from gan_jax.run.tracking.trackers import Trackers, trackers_of
from gan_jax.types import Images


class Record:
    """Writes all that a run tells, but for its checkpoints. Only one host of a run keeps it."""

    def __init__(
        self,
        config: Config,
        gan: GAN,
        data: Dataset,
        counts: Counts,
        folder: RunFolder,
        mesh: Mesh,
        *,
        start: int,
        flops: Callable[[], float],
    ) -> None:
        """Of a run that goes on after step `start`: what was written beyond it comes again. Raises RunError.

        `flops`: those of a step over all devices; asked for at most once, and only when a step has been taken.
        """
        goes_on = start < config.steps
        if goes_on and start % config.every.sample:
            folder.sample(start, medium_of(config, data.alphabet).suffix).unlink(missing_ok=True)

        def only_marked_the_end(row: dict[str, Any]) -> bool:
            due = (config.evaluate.every or start or 1) if "scores" in row else config.every.log
            return goes_on and row["step"] == start and start % due != 0

        self._rows = MetricLog(folder.metrics, after=start, forget=only_marked_the_end)
        self._reporter = Reporter(folder, start=start, steps=config.steps)
        self._speed = Speed(config.images_per_step)
        self._devices, device = mesh.devices.size, mesh.local_devices[0]
        self._peak = PeakMemory(device)
        self._flops = cache(lambda: flops() / config.images_per_step)
        self._rate = cache(lambda: _apart(self._peak, device))
        self._gallery = Gallery(config, gan, data, counts, folder)
        self._trackers = Trackers({}, self.say)
        if goes_on:
            self._trackers = trackers_of(config, folder, start=start, reached=self._rows.reached, say=self.say)

    @property
    def remarks(self) -> list[str]:
        """What a person should know of the rows that were there."""
        return self._rows.remarks

    def say(self, line: str) -> None:
        """Shows a line, and keeps it."""
        self._reporter.say(line)

    def note(self, line: str) -> None:
        """Keeps a line that is shown elsewhere."""
        self._reporter.say(line, on_screen=False)

    def row(self, step: int, metrics: dict[str, float], waiting: float) -> None:
        """Keeps the metrics of a step; of the time since the last row, the share `waiting` went by without data."""
        if self._trackers:
            # At the first row, when a step has shown the memory that it takes; before the clock runs.
            self._rate()
            self._flops()
        pace = self._speed.look(step, waiting)
        self._rows.write({"step": step, "images": step * self._speed.images_per_step} | metrics)
        self._reporter.progress({"step": step} | metrics, pace)
        self._trackers.row(step, metrics | (pace.scalars(self._reach(), self._peak.bytes()) if pace else {}))

    def scores(self, found: Evaluation) -> None:
        """Keeps the scores of a step."""
        self._rows.write(as_row(found))
        self._trackers.row(found.step, found.scores)
        self._resume(found.step)

    def grid(self, step: int, state: GANState) -> None:
        """Draws the grid of a step. A picture that cannot be written is not worth a run."""
        try:
            drawn = self._gallery.draw(step, state)
            for name, file in drawn.items() if self._trackers else ():
                if (pixels := pixels_of(file)) is not None:
                    self._trackers.picture(step, name, pixels)
        except RunError as error:
            self.say(f"no picture of step {step}: {error}")
        self._resume(step)

    def _resume(self, step: int) -> None:
        self._speed.resume(step)
        self._reporter.resume()

    def speed(self) -> None:
        """Says how fast the run was in all, beside what its devices can do; nothing of a moment's training."""
        if self._speed.tells:
            reach = self._reach()
            self.say(self._speed.in_all(reach, self._peak.bytes()))

    def _reach(self) -> Reach:
        return Reach(self._devices, self._flops(), self._rate())

    def flush(self) -> None:
        """Sees that all is written that will not come again once a checkpoint of now is there."""
        self._rows.flush()
        self._trackers.flush()

    def finish(self, farewell: list[str]) -> None:
        """Draws the animation and the curves, and says farewell."""
        for mistake in self._gallery.finish():
            self.say(f"not all pictures could be made: {mistake}")
        self._reporter.close()
        for line in farewell:
            self.say(line)

    def close(self) -> None:
        """Leaves terminal and files as they should be."""
        self._reporter.close()
        with suppress(RunError):  # what ends a run has been said
            self._rows.flush()
        self._trackers.close()


def _apart(peak: PeakMemory, device: jax.Device) -> float:
    with peak.measuring():
        return matrix_product_rate(device)


class Silence:
    """What the other hosts keep of a run: nothing."""

    remarks: ClassVar[list[str]] = []

    def say(self, line: str) -> None:
        """Shows nothing: the first host does."""

    def note(self, line: str) -> None:
        """Keeps nothing."""

    def row(self, step: int, metrics: dict[str, float], waiting: float) -> None:
        """Keeps nothing."""

    def speed(self) -> None:
        """Says nothing."""

    def scores(self, found: Evaluation) -> None:
        """Keeps nothing."""

    def grid(self, step: int, state: GANState) -> None:
        """Draws nothing."""

    def flush(self) -> None:
        """There is nothing to flush."""

    def finish(self, farewell: list[str]) -> None:
        """Says nothing."""

    def close(self) -> None:
        """There is nothing to close."""


COLUMNS = 16
"""Of a grid, where there are too many classes for a row of whole rounds of them."""


class Gallery:
    """The grids of a run: the same latents at every stage of training."""

    def __init__(self, config: Config, gan: GAN, data: Dataset, counts: Counts, folder: RunFolder) -> None:
        self._folder = folder
        self._medium = medium_of(config, data.alphabet, decoding.of_data(data))
        if config.task.given:
            self._columns = 12
            task, batch = config.task.build(), held_out(config, data, 32)
            given, known = task.look(batch.condition), [] if batch.images is None else [batch.images]
            latents = jnp.zeros((len(given), gan.latent_size))
            draw = lambda weights: task.shown(generate(gan, weights, latents, batch.condition))
            beside = lambda images: _side_by_side(given, images, *known)
            cells = (2 + len(known)) * len(given)
        else:
            self._columns = (row_of_labels(len(data.classes)) or COLUMNS) if config.conditional else 8
            cells = 8 * self._columns
            _, key = jax.random.split(jax.random.key(config.seed))
            latents = latents_by_index(gan, key, cells)
            labels = labels_in_turn_or_by_frequency(config, key, counts, cells)
            draw, beside = lambda weights: generate(gan, weights, latents, labels), lambda images: images
        source = data.images if data.pictures is None else data.pictures
        real = source[_places(config, data, cells)]
        self._real = np.asarray(self._medium.look(_with_colours(config, real) if config.task.of_masks else real))
        self._draw = jax.jit(lambda state: beside(draw(sampling_weights(gan, state, counts))))

    def draw(self, step: int, state: GANState) -> dict[str, Path]:
        """Writes the grid of a step, and real images once; returns the files by what they show. Raises RunError."""
        drawn = {"samples": self._folder.sample(step, self._medium.suffix)}
        if step == 0:
            drawn["real"] = self._folder.path / f"real{self._medium.suffix}"
            self._medium.save(drawn["real"], self._real, self._columns)
        images = np.asarray(self._medium.look(self._draw(state)))
        self._medium.save(drawn["samples"], images, self._columns)
        return drawn

    def finish(self) -> list[str]:
        """Writes the animation and the curves; returns what went wrong."""
        frames = sorted(self._folder.samples.glob(f"step_*{self._medium.suffix}"))
        animate = self._medium.animate
        wrong = []
        for make in (
            lambda: animate and animate(self._folder.animation, frames),
            lambda: save_curves(self._folder.curves, self._folder.metrics),
            lambda: save_scores(self._folder.scores, read_all(self._folder.metrics)),
        ):
            try:
                make()
            except Exception as error:  # whatever damaged pictures and rows make Pillow and Matplotlib raise
                wrong.append(str(error) or type(error).__name__)
        return wrong


def _with_colours(config: Config, images: np.ndarray) -> np.ndarray:
    """Real pictures above masks as a person sees both, uint8 `[N, 2H, W, 3]`."""
    task, real = config.task.build(), to_float(jnp.asarray(images))
    batch = task.make(jax.random.key(0), real)
    shown = task.shown(batch.images)
    return np.asarray(to_bytes(jnp.concatenate([jnp.broadcast_to(batch.condition, shown.shape), shown], axis=1)))


def _places(config: Config, data: Dataset, count: int) -> np.ndarray:
    """Of real images from all of the data: of the classes in turn, where what is drawn beside them is."""
    spread = lambda places, number: places[np.linspace(0, len(places) - 1, number).astype(int)]
    in_turn = config.conditional and not config.task.given and config.data.clusters is None and data.labels is not None
    own = [np.flatnonzero(data.labels == label) for label in range(min(len(data.classes), count))] if in_turn else []
    everything = np.arange(len(data))
    if not own:
        return spread(everything, count)
    rounds = -(-count // len(own))
    return np.stack([spread(places if len(places) else everything, rounds) for places in own], axis=1).ravel()[:count]


def _side_by_side(*columns: Images) -> Images:
    """`[N, H, W, C]`, some of them of one channel, as one list in which the first of each come first."""
    channels = max(images.shape[-1] for images in columns)
    alike = [jnp.broadcast_to(images, (*images.shape[:3], channels)) for images in columns]
    return jnp.stack(alike, axis=1).reshape(-1, *alike[0].shape[1:])
