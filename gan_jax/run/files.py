"""A run folder: what lies where, written so that a kill never leaves half a file, and locked against a second run.

It is a folder of this machine's disk, or of a bucket: two kinds of place, of which the rest of the shell knows nothing.
"""

import math
import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from gan_jax.data.listing import is_picture
from gan_jax.errors import ConfigError, RunError, printable
from gan_jax.run import bucket, disk
from gan_jax.storage import absolute, is_remote, place, reached

_ELSEWHERE = re.compile(r"(?!gs:)[A-Za-z][A-Za-z0-9+.-]+:/")  # a Path makes one slash of the two in s3://


class Kind(Protocol):
    """What a run asks of the place where it is written."""

    def held(self, folder: Path) -> AbstractContextManager[None]:
        """Keeps a second run out of a folder meanwhile. Raises RunError if there is one, or if it cannot be written."""

    def sweep(self, folder: Path) -> None:
        """Removes what a kill has left half written."""

    def read(self, path: Path) -> bytes:
        """The content of a file. Raises OSError."""

    def write(self, path: Path, data: bytes) -> None:
        """Writes a whole file or none. Raises OSError."""

    def append(self, path: Path, lines: bytes) -> None:
        """Adds to a file, or begins it, on a line of its own even if a kill cut the last one. Raises OSError."""


def _kind(path: Path) -> Kind:
    return bucket if is_remote(path) else disk


class RunFolder:
    """The names of the files of a run. Raises ConfigError for a path that can be no run folder."""

    def __init__(self, path: str | Path) -> None:
        if _ELSEWHERE.match(str(path)):
            raise ConfigError(
                f"run: {path} is no folder of this machine, nor of a bucket gs://, and checkpoints go nowhere else; "
                "choose one with --run, and copy it there afterwards"
            )
        self.path = absolute(place(path).expanduser())
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
        self.decoder = self.path / "decoder.npz"
        self.events = self.path / "tensorboard"
        self.wandb = self.path / "wandb.json"
        self.profile = self.path / "profile"

    def sample(self, step: int, suffix: str = ".png") -> Path:
        """The grid of samples drawn after so many steps."""
        return self.samples / f"step_{step:08d}{suffix}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder and holds it against other processes; the lock dies with the process, or soon after.

        Removes what a kill left half written. Raises RunError if the folder is in use, cannot be written, or would
        have the run write elsewhere.
        """
        self.refuse_links()
        with _kind(self.path).held(self.path):
            for folder in (self.path, self.samples):
                _kind(folder).sweep(folder)
            yield

    def refuse_links(self) -> None:
        """A run folder may come from a stranger: whatever is read and written has to lie in it. Raises RunError."""
        if is_remote(self.path):  # where there are none
            return
        folders = [self.samples, self.checkpoints, self.best, self.events, self.path / "wandb"]
        files = [self.config, self.environment, self.metrics, self.log, self.clusters, self.decoder, self.wandb]
        files += [self.path / ".lock"]
        kept = [path for folder in (self.checkpoints, self.best) if os.path.isdir(folder) for path in folder.glob("*")]
        for path in (*files, *folders, *kept):
            disk.refuse_link(path)

    def refuse_strangers(self) -> None:
        """Raises ConfigError where a new run would mix with folders, pictures or arrays that are of none.

        Other files may be there, as a job's log is, and all where a run has begun before. A bucket is not asked.
        """
        begun = (self.path / ".lock", self.environment, self.checkpoints)
        if is_remote(self.path) or not os.path.isdir(self.path) or any(map(os.path.lexists, begun)):
            return
        try:
            strangers = [path for path in sorted(self.path.iterdir()) if _is_strange(path)]
        except OSError as error:
            raise ConfigError(f"run: cannot read {self.path}: {error.strerror}; choose another with --run") from None
        if strangers:
            raise ConfigError(
                f"run: {self.path} holds no run, but '{printable(strangers[0].name)}', which is no part of one; "
                "choose a new folder, or an empty one, with --run"
            )


def _is_strange(path: Path) -> bool:
    """Whether nobody would put this into the folder of a run that is to begin."""
    if path.name.startswith(".") or path.name == "lost+found":
        return False
    return is_picture(path.name) or path.suffix.lower() in {".npy", ".npz", ".zip"} or os.path.isdir(path)


def read(path: Path) -> bytes | None:
    """The content of a file of a run; None if there is none. Raises RunError if it cannot be read."""
    try:
        return _kind(path).read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None


def exists(path: Path) -> bool:
    """Whether something is there, a broken link, too. Raises RunError where a bucket does not say."""
    if not is_remote(path):
        return os.path.lexists(path)
    try:
        with reached(path):
            return path.exists()
    except OSError as error:
        raise RunError(f"cannot look at {path}: {error.strerror}") from None


def check_absent(path: Path) -> None:
    """Raises ConfigError where something is, RunError where a bucket does not say."""
    if exists(path):
        raise ConfigError(f"out: {path} is there already; name another place with --out, or move it away")


def check_empty(folder: Path) -> None:
    """Raises ConfigError for a folder that something is in, or that cannot be."""
    if is_remote(folder):
        raise ConfigError(f"out: {folder} is in a bucket; name a folder of this machine, and copy it there afterwards")
    try:
        found = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"out: {folder}: {error.strerror}; name another folder with --out") from None
    if found:
        raise ConfigError(f"out: {folder} is not empty; name another folder with --out")


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a whole file of a run or none. Raises RunError if it cannot be written."""
    try:
        _kind(path).write(path, data)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def append(path: Path, lines: bytes) -> None:
    """Adds to a file of a run, on a line of its own even if a kill cut the last one. Raises RunError."""
    try:
        _kind(path).append(path, lines)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


class Lines:
    """A file of a run that grows by lines: on this machine each is written as it comes.

    In a bucket the file is put anew, whole: there lines are held until `flush`, or until `HELD` seconds have passed.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._held, self._written = path, b"", -math.inf

    def add(self, line: bytes) -> None:
        """Adds a line, which ends with a newline. Raises RunError; what could not be written is still held then."""
        self._held += line
        if not is_remote(self._path) or time.monotonic() > self._written + HELD:
            self.flush()

    def flush(self) -> None:
        """Writes what is held. Raises RunError."""
        if self._held:
            append(self._path, self._held)
            self._held, self._written = b"", time.monotonic()


HELD = 30.0
"""Seconds for which lines for a bucket wait for more: a store takes the same object anew once a second, not oftener."""


def set_aside(path: Path, why: str) -> Path:
    """Renames what cannot be used, and deletes nothing: to NAME.WHY-TIME beside it. Raises RunError.

    A bucket copies object after object, then deletes them: after a kill some have both names.
    """
    try:
        with reached(path):
            return path.rename(path.with_name(f"{path.name}.{why}-{time.time_ns()}"))
    except OSError as error:
        raise RunError(f"cannot rename {path}, to set it aside: {error.strerror}") from None
