"""SIGTERM and Ctrl-C as a wish to stop, which the train loop grants between two steps."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_wished: int | None = None


@contextmanager
def listening() -> Iterator[None]:
    """Takes note of SIGTERM and SIGINT meanwhile; a second one ends the process at once."""
    global _wished
    _wished = None
    before = {number: signal.signal(number, _note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wished() -> int | None:
    """The number of the signal that has come, if one has."""
    return _wished


def _note(number: int, frame: FrameType | None) -> None:
    del frame
    global _wished
    if _wished is not None:
        os._exit(128 + number)
    _wished = number
    os.write(2, b"\nstopping after this step; once more to stop at once, without saving\n")
