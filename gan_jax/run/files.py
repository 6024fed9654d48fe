"""A run folder: what lies where, written so that a kill never leaves half a file, and locked against a second run."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_jax.errors import RunError


class RunFolder:
    """The names of the files of a run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
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
        self.events = self.path / "tensorboard"

    def sample(self, step: int) -> Path:
        """The grid of samples drawn after so many steps."""
        return self.samples / f"step_{step:08d}.png"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and holds it against other processes; the lock dies with the process.

        Raises RunError if the folder is in use or cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = open(self.path / ".lock", "w")  # noqa: SIM115 - open as long as the lock is held
        except OSError as error:
            raise RunError(
                f"cannot write the run folder {self.path}: {error.strerror}; choose one with --run"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{self.path} is in use by another run; wait for it, or choose another folder with --run"
                ) from None
            except OSError as error:
                raise RunError(f"cannot lock the run folder {self.path}: {error.strerror}; choose another") from None
            yield


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a whole file or none: to a neighbour first, then renamed. Raises RunError if the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, neighbour = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
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
