"""A run folder: what lies where, written so that a kill never leaves half a file, and locked against a second run."""

import errno
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gan_jax.errors import ConfigError, RunError, printable

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # a Path makes one slash of the two in gs://

# As `write_atomically` names them.
_LEFT_BY_A_KILL = re.compile(r"\..+\.(png|json|jsonl|gif|npz|npy)(\.damaged-\d+)?\.[a-z0-9_]{8}")


class RunFolder:
    """The names of the files of a run. Raises ConfigError for a path that can be no folder of this machine's."""

    def __init__(self, path: str | Path) -> None:
        if _ELSEWHERE.match(str(path)):
            raise ConfigError(
                f"run: {path} is no folder of this machine, and runs are written to local folders only; choose one "
                "with --run, and copy it there afterwards"
            )
        self.path = Path(path).expanduser().absolute()
        if (shown := printable(self.path)) != str(self.path):
            raise ConfigError(
                f"run: the name of {shown} is not UTF-8, which checkpoints need; choose another with --run"
            )
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "log.txt"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.path / "best"
        self.animation = self.path / "training.gif"
        self.curves = self.path / "curves.png"
        self.scores = self.path / "scores.png"
        self.clusters = self.path / "clusters.npy"
        self.events = self.path / "tensorboard"

    def sample(self, step: int) -> Path:
        """The grid of samples drawn after so many steps."""
        return self.samples / f"step_{step:08d}.png"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and holds it against other processes; the lock dies with the process.

        Removes what a kill left half written. Raises RunError if the folder is in use, cannot be written, or would
        have the run write elsewhere.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"cannot write the run folder {self.path}: {error.strerror}; choose one with --run"
            ) from None
        self.refuse_links()
        with open_to_append(self.path / ".lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{self.path} is in use by another run; wait for it, or choose another folder with --run"
                ) from None
            except OSError as error:
                raise RunError(f"cannot lock the run folder {self.path}: {error.strerror}; choose another") from None
            for folder in (self.path, self.samples):
                _sweep(folder)
            yield

    def refuse_links(self) -> None:
        """A run folder may come from a stranger: whatever is read and written has to lie in it. Raises RunError."""
        folders = [self.samples, self.checkpoints, self.best, self.events]
        files = [self.config, self.environment, self.metrics, self.log, self.clusters, self.path / ".lock"]
        kept = [path for folder in (self.checkpoints, self.best) if os.path.isdir(folder) for path in folder.glob("*")]
        for path in (*files, *folders, *kept):
            if os.path.islink(path):
                raise _link(path)


def _link(path: Path) -> RunError:
    return RunError(
        f"{path} is a symbolic link, and a run keeps to its own folder; replace the link by what it leads to"
    )


def open_to_append(path: Path) -> BinaryIO:
    """Opens a file of a run, made if it is missing and never cut, to be read and appended to.

    Raises RunError if it cannot be written, or is no regular file: no link is followed, no pipe waited for.
    """
    try:
        return os.fdopen(_open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, "write"), "a+b")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def read(path: Path) -> bytes | None:
    """The content of a file of a run; None if there is none. Raises RunError, as `open_to_append` does."""
    try:
        with os.fdopen(_open(path, os.O_RDONLY, "read"), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None


def _open(path: Path, how: int, verb: str) -> int:
    """A descriptor of a regular file. Raises RunError for anything else, OSError where there is nothing to open."""
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


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a whole file or none: to a neighbour first, then renamed. Raises RunError if the disk refuses."""
    try:
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
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def _sweep(folder: Path) -> None:
    """Removes the neighbours that `write_atomically` began and a kill left; one that is being written is locked."""
    for path in folder.glob(".*") if folder.is_dir() else ():
        if _LEFT_BY_A_KILL.fullmatch(path.name) and path.is_file():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def set_aside(path: Path, why: str) -> Path:
    """Renames what cannot be used, and deletes nothing: to NAME.WHY-TIME beside it. Raises RunError."""
    try:
        return path.rename(path.with_name(f"{path.name}.{why}-{time.time_ns()}"))
    except OSError as error:
        raise RunError(f"cannot rename {path}, to set it aside: {error.strerror}") from None
