"""Processes that get ready all at once and are measured one at a time, for a machine that is lent by the minute."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

READY = "ready"


class Standing:
    """A process that prints "ready" once it is, and a line of JSON for each line that it is sent; others do not count.

    It has a group of its own, so that whatever it starts, compilers for instance, ends with it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line.strip())
        self._lines.put(None)

    def _next(self, until: float) -> str | None:
        """Its next line; None where it has ended, or said nothing until then (`time.monotonic`)."""
        try:
            return self._lines.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None

    def waits(self, until: float) -> bool:
        """Whether it was ready by then; it ends if it was not."""
        while (line := self._next(until)) is not None:
            if line == READY:
                return True
        self.end()
        return False

    def ask(self, patience: float) -> Any:
        """Its answer; None, and its end, where it has failed or takes longer than so many seconds."""
        assert self._process.stdin is not None
        until = time.monotonic() + patience
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            while (line := self._next(until)) is not None:
                if line.startswith("{"):
                    return json.loads(line)
        except (OSError, ValueError):
            pass
        self.end()
        return None

    def end(self) -> None:
        """Stops it, and all that it has started."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def in_turn(processes: Mapping[str, Standing], rounds: int, patience: float, each: float = 120) -> dict[str, list[Any]]:
    """The answers of each, asked `rounds` times in turn (A B C A B C ...) once all are ready, or `patience` s are over.

    An answer may take `each` seconds. Of one that was not ready by then, or has failed, nothing is in its list.
    """
    until = time.monotonic() + patience
    answers: dict[str, list[Any]] = {name: [] for name in processes}
    try:
        standing = [name for name, process in processes.items() if process.waits(until)]
        for name in [name for name in processes if name not in standing]:
            print(f"{name}: failed, or was not ready after {patience:g} s", file=sys.stderr)
        for _ in range(rounds):
            for name in tuple(standing):
                if (found := processes[name].ask(each)) is None:
                    print(f"{name}: failed", file=sys.stderr)
                    standing.remove(name)
                else:
                    answers[name].append(found)
    finally:
        for process in processes.values():
            process.end()
    return {name: found if name in standing else [] for name, found in answers.items()}
