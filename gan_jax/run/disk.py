"""Files of a run on this machine: whole or not at all after a kill, and never where a link or a pipe would lead."""

import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gan_jax.errors import RunError

# As `write` names them.
_LEFT_BY_A_KILL = re.compile(r"\..+\.(png|json|jsonl|gif|npz|npy|html)(\.damaged-\d+)?\.[a-z0-9_]{8}")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Makes a folder and locks it; the lock dies with the process. Raises RunError if it is in use, or not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = _open_to_append(folder / ".lock")
    except OSError as error:
        raise RunError(f"cannot write the run folder {folder}: {error.strerror}; choose one with --run") from None
    with own as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"{folder} is in use by another run; wait for it, or choose another folder with --run"
            ) from None
        except OSError as error:
            raise RunError(f"cannot lock the run folder {folder}: {error.strerror}; choose another") from None
        yield


def sweep(folder: Path) -> None:
    """Removes the neighbours that `write` began and a kill left; one that is being written is locked."""
    for path in folder.glob(".*") if folder.is_dir() else ():
        if _LEFT_BY_A_KILL.fullmatch(path.name) and path.is_file():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def refuse_link(path: Path) -> None:
    """Raises RunError for a symbolic link."""
    if os.path.islink(path):
        raise _link(path)


def _link(path: Path) -> RunError:
    return RunError(
        f"{path} is a symbolic link, and a run keeps to its own folder; replace the link by what it leads to"
    )


def read(path: Path) -> bytes:
    """The content of a file. Raises RunError for a link or a pipe, OSError where nothing can be read."""
    with os.fdopen(_open(path, os.O_RDONLY, "read"), "rb") as file:
        return file.read()


def write(path: Path, data: bytes) -> None:
    """Writes a whole file or none: to a neighbour first, then renamed. Raises OSError if the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, neighbour = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with suppress(OSError):  # so that a run that begins meanwhile does not take it for a dead one's
                fcntl.flock(file, fcntl.LOCK_EX)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(neighbour, 0o644)
            os.replace(neighbour, path)
    except BaseException:
        os.unlink(neighbour)
        raise


def append(path: Path, lines: bytes) -> None:
    """Adds to a file, on a line of its own even if a kill cut the last one; made if it is missing.

    Raises RunError for a link or a pipe, OSError if the disk refuses, which then holds what it held.
    """
    size: int | None = None
    try:
        with _open_to_append(path) as file:  # closing it writes, too
            size = os.fstat(file.fileno()).st_size
            if size:
                file.seek(-1, 2)
                file.write(b"" if file.read(1) == b"\n" else b"\n")
            file.write(lines)
    except OSError:
        if size is not None:
            with suppress(OSError):
                os.truncate(path, size)  # a disk that is full may have taken half of it
        raise


def _open_to_append(path: Path) -> BinaryIO:
    return os.fdopen(_open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, "write"), "a+b")


def _open(path: Path, how: int, verb: str) -> int:
    """A descriptor of a regular file. Raises RunError for anything else, OSError where there is nothing to open.

    No link is followed, no pipe waited for.
    """
    try:
        handle = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link(path) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise RunError(f"cannot {verb} {path}: not a regular file; move it away")
    return handle
