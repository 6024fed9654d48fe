"""Files of a run in a bucket: each is one object, put whole, and the folder is held by a lease.

The lease is an object that says who writes there, and is renewed for as long as they live. It keeps two runs that are
started on one folder from both writing there, where the store can create an object only if there is none, as Google's
and Amazon's can. It does not stop a process that is held up for longer than `PATIENCE` and wakes in the middle of a
write: that one finds out at its next beat, and ends.
"""

import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gan_jax import screen
from gan_jax.errors import RunError
from gan_jax.storage import create, reached

BEAT, PATIENCE = 10.0, 45.0
"""Seconds from beat to beat of a lease, and without any after which its holder is taken for dead."""

Holder = dict[str, str | int]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the lease of a folder meanwhile. Raises RunError if another does, or if nothing can be written there.

    Nobody's clock is asked: who finds a lease watches it for `PATIENCE`, and takes it if it has not been renewed.
    """
    path = folder / ".lock"
    mine: Holder = {"host": socket.gethostname(), "process": os.getpid(), "name": uuid.uuid4().hex}
    try:
        _take(path, mine)
    except OSError as error:
        raise RunError(
            f"cannot write the run folder {folder}: {error.strerror}; or choose another with --run"
        ) from None
    ended = threading.Event()
    beats = threading.Thread(target=_renew, args=(path, mine, ended), daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()
        with suppress(OSError), reached(path):
            if _is(_look(path), mine):
                path.unlink()


def sweep(folder: Path) -> None:
    """Nothing: an object is put whole or not at all."""
    del folder


def read(path: Path) -> bytes:
    """The content of an object. Raises OSError."""
    with reached(path):
        return path.read_bytes()


def write(path: Path, data: bytes) -> None:
    """Puts a whole object. Raises OSError."""
    with reached(path):
        path.write_bytes(data)


def append(path: Path, lines: bytes) -> None:
    """Puts an object anew with more lines: those that another command added since are in it, too. Raises OSError."""
    before = _look(path) or b""
    write(path, before + (b"" if before.endswith(b"\n") or not before else b"\n") + lines)


def _take(path: Path, mine: Holder) -> None:
    if create(path, _beat(mine)):
        return
    if _is(found := _look(path), mine):  # it was put, and the answer lost on its way
        return
    if found is not None:
        who, folder = _who(found), path.parent
        screen.tell(f"{folder} is held by {who}; looking for {PATIENCE:.0f} s whether it lives", sys.stderr)
        until = time.monotonic() + PATIENCE
        while (now := _look(path)) == found and time.monotonic() < until:
            time.sleep(BEAT / 4)
        if now == found:
            with reached(path):
                path.unlink(missing_ok=True)
    if not create(path, _beat(mine)):
        who = _who(_look(path))
        raise RunError(f"{path.parent} is in use by {who}; wait for it, or choose another folder with --run")


def _renew(path: Path, mine: Holder, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with suppress(OSError), reached(path):  # while it cannot be reached, nothing else is written there either
            found = _look(path)
            if found is not None and not _is(found, mine):
                screen.tell(f"gan-jax: {path.parent} was taken over by {_who(found)}", sys.stderr)
                os._exit(RunError.exit_code)  # not a byte more may be written there
            path.write_bytes(_beat(mine))


def _beat(mine: Holder) -> bytes:
    return json.dumps(mine | {"renewed": time.time()}).encode()


def _look(path: Path) -> bytes | None:
    try:
        return read(path)
    except FileNotFoundError:
        return None


def _is(found: bytes | None, mine: Holder) -> bool:
    return found is not None and str(mine["name"]).encode() in found


def _who(found: bytes | None) -> str:
    """The holder in words; what lies there may be anybody's."""
    try:
        told = json.loads(found or b"")
        return f"process {int(told['process'])} of {str(told['host'])[:64]!r}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return "another run, which does not say whose"
