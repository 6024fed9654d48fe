"""What a run tells: rows for programs, lines and a progress bar for people."""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gan_jax.errors import ConfigError, RunError
from gan_jax.run.files import RunFolder, write_atomically

ASKED = "asked"
"""Marks the rows of `gan-jax evaluate`, which no training makes again."""


class MetricLog:
    """metrics.jsonl: a row every few steps, each a function of (config, data, step) and of nothing else.

    No clock is in it, so a run that was killed and went on ends with the same bytes.
    """

    def __init__(self, path: Path, *, after: int, forget: Callable[[dict[str, Any]], bool] = lambda row: False) -> None:
        """Drops the rows of steps beyond `after`, which come again, and those to `forget`; not what was ASKED for."""
        self._path = path
        rows = [(line, row) for line in _lines(path) if (row := _row(line)) is not None]
        kept = [line for line, row in rows if row.get(ASKED) or (row["step"] <= after and not forget(row))]
        write_atomically(path, "".join(f"{line}\n" for line in kept).encode())

    def write(self, row: dict[str, Any]) -> None:
        """Appends one row."""
        append(self._path, row)


def append(path: Path, row: dict[str, Any]) -> None:
    """Appends a row to a metrics.jsonl, on a line of its own even if a kill cut the last one. Raises RunError."""
    size = 0
    try:
        size = path.stat().st_size if path.exists() else 0
        with path.open("a+b") as file:
            if size:
                file.seek(-1, 2)
                file.write(b"" if file.read(1) == b"\n" else b"\n")
            file.write(json.dumps(row).encode() + b"\n")
    except OSError as error:
        with suppress(OSError):
            os.truncate(path, size)  # a disk that is full may have taken half of the row
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl; lines that a kill cut short are passed over."""
    return [row for line in _lines(path) if (row := _row(line)) is not None]


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []


def _row(line: str) -> dict[str, Any] | None:
    """A row, which has a step, or None for a line that a kill cut short, or that is no row."""
    try:
        row = json.loads(line)
        return row if isinstance(row["step"], int) else None
    except (json.JSONDecodeError, TypeError, KeyError):
        return None


class Reporter:
    """The progress bar on a terminal, a line every ten seconds elsewhere; every line also goes to log.txt."""

    def __init__(self, folder: RunFolder, *, start: int, steps: int, batch_size: int) -> None:
        self._log, self._start, self._steps, self._batch = folder.log, start, steps, batch_size
        self._spoke = self._ticked = time.monotonic()
        self._began: float | None = None
        self._last = start
        columns = [
            TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[status]}"),
            TextColumn("left"), TimeRemainingColumn(),
        ]  # fmt: skip
        self._bar = Progress(*columns) if sys.stdout.isatty() else None
        if self._bar:
            self._task = self._bar.add_task("", total=steps, completed=start, status="compiling")
            self._bar.start()

    def progress(self, row: dict[str, Any]) -> None:
        """Shows where the run is, from a row of metrics."""
        now = time.monotonic()
        speed = (row["step"] - self._last) * self._batch / max(now - self._ticked, 1e-9)
        self._last, self._ticked = row["step"], now
        status = f"{speed:,.0f} images/s  D {row['d/loss']:.3f}  G {row['g/loss']:.3f}"
        if self._began is None:
            self._began, self._start = now, row["step"]  # what came before was compiled, not trained
        if self._bar:
            self._bar.update(self._task, completed=row["step"], status=status)
        if now - self._spoke > 10 or row["step"] == self._steps:
            self._spoke = now
            done, left = row["step"] - self._start, self._steps - row["step"]
            clock = f"  {_clock((now - self._began) / done * left)} left" if done else ""
            line = f"step {row['step']}/{self._steps}  {status}{clock}"
            self.say(line, on_screen=self._bar is None)

    def resume(self, step: int) -> None:
        """Starts the clock of images/s anew, after something other than training."""
        now = time.monotonic()
        if self._began is not None:
            self._began += now - self._ticked
        self._last, self._ticked = step, now

    def say(self, line: str, *, on_screen: bool = True) -> None:
        """Prints a line, and keeps it in log.txt if the disk allows."""
        if on_screen:
            with suppress(BrokenPipeError):  # nobody reads any more; log.txt still does
                self._bar.console.print(line, highlight=False, markup=False) if self._bar else print(line, flush=True)
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n")
        except OSError:
            pass  # a log line is not worth a run

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._bar:
            self._bar.stop()


class Events:
    """TensorBoard events of the rows."""

    def __init__(self, folder: Path, *, after: int) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ConfigError("tensorboard: needs tensorboardX; pip install tensorboardX") from None
        self._writer = SummaryWriter(str(folder), purge_step=after + 1)

    def write(self, row: dict[str, Any]) -> None:
        """Writes every number of the row under its name."""
        for name, value in row.items():
            if name not in ("step", "images") and math.isfinite(value):
                self._writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Writes what is held back."""
        self._writer.close()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
