"""A trace of some steps, as JAX's profiler writes it: `--profile 100:110`."""

import re
from pathlib import Path

import jax

from gan_jax.errors import ConfigError
from gan_jax.types import Metrics


def read_steps(text: str) -> range:
    """The steps from the first to the second, not included. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    if not found or int(found[1]) >= int(found[2]):
        raise ConfigError(f"profile: expected two steps, such as 100:110, the second above the first, got {text!r}")
    return range(int(found[1]), int(found[2]))


class Profile:
    """Traces steps, numbered as rows are, by the number of updates before them, into a folder."""

    def __init__(self, steps: range, folder: Path) -> None:
        self._steps, self._folder = steps, folder
        self._running = False

    def before(self, step: int) -> None:
        """To be called before each step is begun."""
        if step in self._steps and not self._running:
            jax.profiler.start_trace(str(self._folder))
            self._running = True

    def after(self, step: int, metrics: Metrics) -> str | None:
        """To be called after each; returns what to tell, once, when the trace is there."""
        if not self._running or step + 1 < self._steps.stop:
            return None
        jax.block_until_ready(metrics)
        self.close()
        return (
            f"a trace of steps {self._steps.start} to {self._steps.stop} is in {self._folder}; to look at it: "
            f"pip install xprof, then xprof --logdir {self._folder}"
        )

    def close(self) -> None:
        """Ends a trace that is being taken."""
        if self._running:
            jax.profiler.stop_trace()
            self._running = False
