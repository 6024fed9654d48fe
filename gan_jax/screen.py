"""What people see: lines on a terminal that may know few letters, be full, or be gone. Imports nothing of JAX."""

import codecs
import errno
import os
import re
import sys
from contextlib import suppress
from typing import TextIO

_PLAIN = {"↓": "(lower is better)", "↑": "(higher is better)", "±": "+-", "²": "^2"}
"""What stands in for signs that Latin-1 or ASCII have not."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabulators and the ends of lines."""


def tell(line: str, stream: TextIO | None = None) -> None:
    """Prints a line on standard output, or on `stream`, in other signs where it has not ours.

    Control characters, such as names of files may have and a terminal would obey, stand as "\\x1b". Where it cannot be
    written, as on a disk that is full, all that follows goes to nothing: that ends no run.
    """
    stream = stream or sys.stdout
    try:
        encoding = stream.encoding or "utf-8"
        text = _CONTROL.sub(lambda found: ascii(found[0])[1:-1], line)
        print(text.encode(encoding, "gan_jax.plain").decode(encoding), file=stream, flush=True)
    except OSError as error:
        with suppress(OSError):
            abandon(stream, error)
    except (AttributeError, ValueError):  # closed at the start (None), or since
        pass


def prepare() -> None:
    """Makes standard streams fit for whatever is printed; to be called once, before a file is opened.

    A closed one is opened on nothing: else the next file that is opened gets its number, and what a library prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 - as long as we live
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # tests and notebooks put others in their place
            stream.reconfigure(errors="gan_jax.plain")


def abandon(stream: TextIO, error: OSError) -> None:
    """Points a stream that has failed to nothing: or Python, as it leaves, tries again and complains."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
    if error.errno != errno.EPIPE:  # who closes a pipe knows
        os.write(2, f"gan-jax: cannot print any more: {error.strerror}\n".encode())


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign) or ascii(sign)[1:-1] for sign in error.object[error.start : error.end]), error.end


codecs.register_error("gan_jax.plain", _in_plain)
