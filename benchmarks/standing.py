"""Processes that get ready all at once and are measured one at a time, for a machine that is lent by the minute."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Standing:
    """A process that prints a line once it is ready, and a line of JSON for each line that it is sent."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._said = threading.Thread(target=self._listen, daemon=True)
        self._first = ""
        self._said.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        self._first = self._process.stdout.readline()

    def waits(self, until: float) -> bool:
        """Whether it was ready by then (`time.monotonic`); it ends if it was not."""
        self._said.join(max(0.0, until - time.monotonic()))
        if not self._first:
            self.end()
        return bool(self._first)

    def ask(self) -> Any:
        """Its answer; None once it has failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            self.end()
            return None

    def end(self) -> None:
        """Stops it."""
        self._process.kill()
        self._said.join()
        self._process.communicate()


class Asked(NamedTuple):
    """What a process was started for, and what it has answered."""

    name: str
    process: Standing
    answers: list[Any]


def in_turn(processes: Mapping[str, Standing], rounds: int, patience: float) -> dict[str, list[Any]]:
    """The answers of each, asked `rounds` times in turn (A B C A B C ...) once all are ready, or `patience` s are over.

    Of one that was not ready by then, or has failed, nothing is in its list.
    """
    until = time.monotonic() + patience
    asked = [Asked(name, process, []) for name, process in processes.items()]
    try:
        standing = [one for one in asked if one.process.waits(until)]
        for one in asked:
            if one not in standing:
                print(f"{one.name}: failed, or was not ready after {patience:g} s", file=sys.stderr)
        for turn in range(rounds):
            for one in standing:
                if len(one.answers) < turn:  # it has failed
                    continue
                if (found := one.process.ask()) is None:
                    print(f"{one.name}: failed", file=sys.stderr)
                else:
                    one.answers.append(found)
    finally:
        for one in asked:
            one.process.end()
    return {one.name: one.answers if len(one.answers) == rounds else [] for one in asked}
