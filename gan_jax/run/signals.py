"""SIGTERM and Ctrl-C as a wish to stop, which the train loop grants between two steps."""

import os
import signal
from types import FrameType

_wished: int | None = None


def listen() -> None:
    """Takes note of SIGTERM and SIGINT from now on; a second one ends the process at once."""
    signal.signal(signal.SIGTERM, _note)
    signal.signal(signal.SIGINT, _note)


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
