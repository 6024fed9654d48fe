"""A trace of some steps, by JAX's profiler: `--profile 100:110`."""

from pathlib import Path

import jax

from gan_jax.types import Metrics


class Profile:
    """Traces steps, numbered as rows are, by the number of updates before them, into a folder."""

    def __init__(self, steps: range, folder: Path) -> None:
        self._steps, self._folder = steps, folder
        self._running = self._taken = False

    def before(self, steps: range) -> None:
        """To be called before steps are begun, one or several in one program."""
        if max(steps.start, self._steps.start) < min(steps.stop, self._steps.stop) and not self._running:
            jax.profiler.start_trace(str(self._folder))
            self._running = self._taken = True

    def after(self, done: int, metrics: Metrics) -> str | None:
        """To be called once a step is begun, `done` in all; returns what to tell when the trace is there."""
        if not self._running or done < self._steps.stop:
            return None
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
            jax.profiler.stop_trace()
            self._running = False
