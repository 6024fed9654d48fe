"""The trackers of a run as one."""

import json
from collections.abc import Callable, Mapping

import numpy as np

from gan_jax.config import Config
from gan_jax.config.schema import to_json
from gan_jax.run.files import RunFolder
from gan_jax.run.tracking.tensorboard import TensorBoard
from gan_jax.run.tracking.tracker import Say, Tracker
from gan_jax.run.tracking.weights_and_biases import WeightsAndBiases


def trackers_of(config: Config, folder: RunFolder, *, start: int, reached: int, say: Say) -> "Trackers":
    """Those that a config asks for, of a run that goes on after step `start` and had rows up to `reached`."""
    makers: dict[str, Callable[[], Tracker]] = {
        "tensorboard": lambda: TensorBoard(folder.events, after=start),
        "wandb": lambda: WeightsAndBiases(folder, json.loads(to_json(config)), reached=reached, say=say),
    }
    return Trackers({name: makers[name] for name in config.trackers}, say)


class Trackers:
    """The trackers of a run as one, which raises nothing: one that fails is told in a line, once, and left out."""

    def __init__(self, makers: Mapping[str, Callable[[], Tracker]], say: Say) -> None:
        self._say = say
        self._alive: dict[str, Tracker] = {}
        for name, make in makers.items():
            try:
                self._alive[name] = make()
            except Exception as error:
                self._lost(name, error)

    def __bool__(self) -> bool:
        """Whether there is any left to be shown something."""
        return bool(self._alive)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """As of a tracker."""
        self._each(lambda tracker: tracker.row(step, values))

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """As of a tracker."""
        self._each(lambda tracker: tracker.picture(step, name, pixels))

    def flush(self) -> None:
        """As of a tracker."""
        self._each(lambda tracker: tracker.flush())

    def close(self) -> None:
        """As of a tracker."""
        self._each(lambda tracker: tracker.close())

    def _each(self, show: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._alive.items()):
            try:
                show(tracker)
            except Exception as error:  # a network, a disk, a service: none is worth a run
                del self._alive[name]
                self._lost(name, error)

    def _lost(self, name: str, error: Exception) -> None:
        why = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "") or type(error).__name__
        self._say(f"the run goes on without {name}: {why[:200]}")
