"""A trace of some steps, by JAX's profiler: `--profile 100:110`. JAX is imported once there is one to take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gan_jax.errors import ConfigError

if TYPE_CHECKING:
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
        self._running = self._taken = False

    def before(self, steps: range) -> None:
        """To be called before steps are begun, one or several in one program."""
        if max(steps.start, self._steps.start) < min(steps.stop, self._steps.stop) and not self._running:
            import jax

            jax.profiler.start_trace(str(self._folder))
            self._running = self._taken = True

    def after(self, done: int, metrics: Metrics) -> str | None:
        """To be called once a step is begun, `done` in all; returns what to tell when the trace is there."""
        if not self._running or done < self._steps.stop:
            return None
        import jax

        jax.block_until_ready(metrics)
        self.close()
        return (
            f"a trace of steps {self._steps.start} to {self._steps.stop} is in {self._folder}; to look at it: "
            f"pip install xprof, then xprof --logdir {self._folder}"
        )

    def missed(self) -> str | None:
        """What to tell at the end of a run whose steps were others."""
        none = self._steps and not self._taken
        return f"no trace: steps {self._steps.start} to {self._steps.stop} were none of this run's" if none else None

    def close(self) -> None:
        """Ends a trace that is being taken."""
        if self._running:
            import jax

            jax.profiler.stop_trace()
            self._running = False
