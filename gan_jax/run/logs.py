"""What a run tells: rows for programs, lines and a progress bar for people."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from gan_jax.errors import RunError
from gan_jax.run import files
from gan_jax.run.files import Lines, RunFolder, read, write_atomically
from gan_jax.run.speed import Pace, time_left
from gan_jax.screen import tell

ASKED = "asked"
"""Marks the rows of `gan-jax evaluate`, which no training makes again."""


class MetricLog:
    """metrics.jsonl: a row every few steps, each a function of (config, data, step) and of nothing else.

    No clock is in it, so a run that was killed and went on ends with the same bytes.
    """

    def __init__(self, path: Path, *, after: int, forget: Callable[[dict[str, Any]], bool] = lambda row: False) -> None:
        """Drops the rows of steps beyond `after`, which come again, and those to `forget`; not what was ASKED for.

        Where lines are damaged, the file as it was is kept beside it, and `remarks` says so. Raises RunError.
        """
        self._file = Lines(path)
        self.remarks: list[str] = []
        content = read(path) or b""
        lines = _lines(content)
        rows = [(line, row) for line in lines if (row := _row(line)) is not None]
        self.reached = max((row["step"] for _, row in rows if not row.get(ASKED)), default=0)  # before any is dropped
        cut = bool(lines) and not content.endswith(b"\n") and _row(lines[-1]) is None  # by a kill, as may be
        if damaged := len(lines) - len(rows) - cut:
            aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
            write_atomically(aside, content)
            self.remarks = [f"{damaged} of {len(lines)} lines of {path.name} are damaged; as it was: {aside.name}"]
        kept = [line for line, row in rows if row.get(ASKED) or (row["step"] <= after and not forget(row))]
        write_atomically(path, "".join(f"{line}\n" for line in kept).encode())

    def write(self, row: dict[str, Any]) -> None:
        """Appends one row. Raises RunError."""
        self._file.add(_line(row))

    def flush(self) -> None:
        """Writes the rows that a bucket waits for: before the checkpoint that vouches for them. Raises RunError."""
        self._file.flush()


def append(path: Path, row: dict[str, Any]) -> None:
    """Appends a row to a metrics.jsonl, at once. Raises RunError."""
    files.append(path, _line(row))


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.jsonl; lines that are damaged are passed over. Raises RunError if it cannot be read."""
    return [row for line in _lines(read(path) or b"") if (row := _row(line)) is not None]


def _lines(content: bytes) -> list[str]:
    return [line for line in content.decode("utf-8", errors="replace").split("\n") if line.strip()]


def _row(line: str) -> dict[str, Any] | None:
    """A row, which has a step, or None for a line that a kill cut short, or that is no row."""
    try:
        row = json.loads(line)
        return row if type(row["step"]) is int else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


class Reporter:
    """The progress bar on a terminal, a line every ten seconds elsewhere; every line also goes to log.txt."""

    def __init__(self, folder: RunFolder, *, start: int, steps: int) -> None:
        self._log, self._start, self._steps = Lines(folder.log), start, steps
        self._spoke = self._ticked = time.monotonic()
        self._began: float | None = None
        self._bar: Progress | None = None
        if sys.stdout and sys.stdout.isatty():
            console = Console()
            self._bar = Progress(*_columns(console.width), console=console)
            self._task = self._bar.add_task("", total=steps, completed=start, status="compiling")
            self._bar.start()

    def progress(self, row: dict[str, Any], pace: Pace | None = None) -> None:
        """Shows where the run is, from a row of metrics, and how fast it goes."""
        self._ticked = now = time.monotonic()
        losses = f"D {row['d/loss']:.3f}  G {row['g/loss']:.3f}"
        status = f"{pace}  {losses}" if pace else losses
        if self._began is None:
            self._began, self._start = now, row["step"]  # what came before was compiled, not trained
        if self._bar:
            narrow = self._bar.console.width < _ROOM_FOR_SPEED
            self._bar.update(self._task, completed=row["step"], status=losses if narrow else status)
        if now - self._spoke > 10 or row["step"] == self._steps:
            self._spoke = now
            done, left = row["step"] - self._start, self._steps - row["step"]
            line = f"step {row['step']}/{self._steps}  {status}{time_left(now - self._began, done, left)}"
            self.say(line, on_screen=self._bar is None)

    def resume(self) -> None:
        """Lets the time since the last row not count for what is left: it went by with something else."""
        now = time.monotonic()
        if self._began is not None:
            self._began += now - self._ticked
        self._ticked = now

    def say(self, line: str, *, on_screen: bool = True) -> None:
        """Prints a line, and keeps it in log.txt if the disk allows."""
        if on_screen:
            with suppress(OSError, ValueError):  # nobody reads any more; log.txt still does
                self._bar.console.print(line, highlight=False, markup=False) if self._bar else tell(line)
        stamped = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n"
        with suppress(RunError):  # a log line is not worth a run
            self._log.add(stamped.encode("utf-8", errors="backslashreplace"))

    def close(self) -> None:
        """Leaves the terminal as it was, and nothing held; what is said afterwards stands below the bar."""
        with suppress(RunError):
            self._log.flush()
        bar, self._bar = self._bar, None
        with suppress(OSError, ValueError):
            if bar:
                bar.stop()


_ROOM_FOR_SPEED, _ROOM_FOR_BAR = 76, 110
"""Columns of a terminal below which it shows no images/s, and no bar."""


def _columns(width: int) -> list[ProgressColumn]:
    """What of the progress fits a terminal so wide."""
    shown: list[ProgressColumn] = [TextColumn("step"), MofNCompleteColumn(), TextColumn("{task.fields[status]}")]
    shown[2:2] = [BarColumn(30)] if width >= _ROOM_FOR_BAR else []
    return [*shown, TextColumn("left"), TimeRemainingColumn()]
