"""Signals as a wish to stop, which the train loop grants between two steps; elsewhere they end the process at once."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""SIGUSR1 is what SLURM is told to send ahead of its SIGTERM: `sbatch --signal=USR1@120`."""

_wished: int | None = None


@contextmanager
def listening() -> Iterator[None]:
    """Takes note of SIGTERM, SIGINT, SIGHUP and SIGUSR1 meanwhile; a second one ends the process at once."""
    global _wished
    _wished = None
    with _handled_by(_note):
        yield


@contextmanager
def leaving() -> Iterator[None]:
    """Meanwhile a signal says farewell in a line and ends the process with 128 + its number.

    For all of a command but the train loop, which has more to save: `listening` may be inside of it.
    """
    with _handled_by(_leave):
        yield


def wished() -> int | None:
    """The number of the signal that has come, if one has; SIGTERM's for SIGUSR1, which only comes before it."""
    return signal.SIGTERM if _wished == signal.SIGUSR1 else _wished


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    # nohup has SIGHUP ignored, and means it.
    heard = [n for n in STOPPING if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _note(number: int, frame: FrameType | None) -> None:
    del frame
    global _wished
    if _wished is not None and _wished != signal.SIGUSR1:
        os._exit(128 + number)
    _wished = number
    again = "" if number == signal.SIGUSR1 else "; once more to stop at once, without saving"
    _say(f"stopping after this step{again}")


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    # Not by an exception: raised in the middle of an import, or in a callback of JAX, it is lost, or ends in an abort.
    with suppress(Exception):
        sys.stdout.flush()
    _say(f"gan-jax: stopped by {signal.Signals(number).name}")
    os._exit(128 + number)


def _say(line: str) -> None:
    with suppress(OSError):  # after SIGHUP there may be no terminal any more
        os.write(2, f"\n{line}\n".encode())
