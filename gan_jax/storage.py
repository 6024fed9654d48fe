"""Where files lie: in folders of this machine, or as objects in a bucket, which etils' paths reach through fsspec.

An object is put whole or not at all. A bucket knows no links, no locks, no appending, and no folders but in names.
"""

import errno
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from gan_jax.errors import GanJaxError
from gan_jax.screen import tell

_OBJECT = re.compile(r"(gs|s3):/+([^/]*)/*(.*)", re.DOTALL)  # a Path makes one slash of the two in gs://

_CLIENTS = {"gs": "gcsfs", "s3": "s3fs"}
"""The package by which fsspec speaks to each kind of bucket."""


def place(path: str | os.PathLike[str]) -> Path:
    """The path as what reads and writes there: a Path, or for a bucket etils', which does what a Path does."""
    if not (found := _OBJECT.match(os.fspath(path))):
        return Path(path)
    scheme, bucket, name = found.groups()
    return _in_bucket(scheme, f"{bucket}/{name}".rstrip("/"))


def is_remote(path: Path) -> bool:
    """Whether a path that `place` gave leads into a bucket."""
    return not isinstance(path, Path)


def absolute(path: Path) -> Path:
    """The path as it is from anywhere. One into a bucket is; etils would begin it with the working directory."""
    return path if is_remote(path) else path.absolute()


def _in_bucket(scheme: str, name: str) -> Path:
    import fsspec.config

    # TensorFlow would be asked where it is installed, and it cannot create an object only if there is none yet.
    os.environ.setdefault("EPATH_USE_TF", "false")
    # Other processes write there, and so does tensorstore in this one: a listing is as it is now, or wrong.
    fsspec.config.conf.setdefault(scheme, {}).setdefault("use_listings_cache", False)
    for library in (_CLIENTS[scheme], "fsspec", "google.auth"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what fails is raised, and told in one line
    from etils import epath

    return cast(Path, epath.Path(f"{scheme}://{name}"))


@contextmanager
def reached(path: Path) -> Iterator[None]:
    """What a bucket's client raises becomes an OSError whose `strerror` is one line that says what would mend it.

    FileNotFoundError and FileExistsError stay where it is the object that is missing, or there already; and all stays
    that a folder of this machine raises, or that is one of our own.
    """
    if not is_remote(path):
        yield
        return
    try:
        with _waits.for_answer("://".join(_bucket(path))):
            yield
    except Exception as error:
        if isinstance(error, GanJaxError):
            raise
        if isinstance(error, FileExistsError) or (isinstance(error, FileNotFoundError) and _bucket_is_there(path)):
            raise
        raise _in_one_line(path, error) from None


PATIENCE, QUIET = 5.0, 60.0
"""Seconds without an answer after which a person is told what is waited for, and until they are told again."""


class _Waits:
    """What a bucket has not answered yet. One thread looks at all of it, since pictures are read by many at once."""

    def __init__(self) -> None:
        self._begun: dict[object, tuple[float, str]] = {}
        self._told: dict[str, float] = {}
        self._watched = False

    @contextmanager
    def for_answer(self, bucket: str) -> Iterator[None]:
        """Around what asks a bucket; if that takes long a person is told."""
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._watch, daemon=True).start()
        this = object()
        self._begun[this] = (time.monotonic(), bucket)
        try:
            yield
        finally:
            del self._begun[this]

    def _watch(self) -> None:
        while True:
            time.sleep(PATIENCE / 5)
            now = time.monotonic()
            for begun, bucket in list(self._begun.values()):
                if now - begun > PATIENCE and now - self._told.get(bucket, -QUIET) > QUIET:
                    self._told[bucket] = now
                    tell(f"still waiting for {bucket}", sys.stderr)


_waits = _Waits()


def create(path: Path, data: bytes) -> bool:
    """Puts an object where there is none yet, and tells whether it did: of two that try at once the store lets one.

    Raises OSError.
    """
    with reached(path):
        system, name = _system(path)
        try:
            system.pipe_file(name, data, mode="create")
        except FileExistsError:
            return False
    return True


def objects(folder: Path) -> list[tuple[str, int]]:
    """All that lies below a folder of a bucket: names, from the folder on, and sizes. Raises OSError."""
    with reached(folder):
        system, root = _system(folder)
        found = system.find(root, detail=True)
    below = {name.removeprefix(f"{root}/"): int(about["size"]) for name, about in found.items() if name != root}
    return [(name, size) for name, size in below.items() if not name.endswith("/")]


def spans(path: Path) -> Callable[[str, int, int | None], bytes]:
    """Reads objects below a folder, or the one at `path` for "": from a place up to another, by many threads at once.

    Raises OSError.
    """
    with reached(path):
        system, root = _system(path)

    def read(name: str, start: int, end: int | None) -> bytes:
        with reached(path):
            return system.cat_file(f"{root}/{name}" if name else root, start, end)

    return read


def _system(path: Path) -> tuple[Any, str]:
    """What speaks to a path's bucket, and the path as it takes it."""
    import fsspec.core

    return fsspec.core.url_to_fs(str(path))


def _bucket(path: Path) -> tuple[str, str]:
    """Of gs://bucket/run/file: "gs" and "bucket"."""
    scheme, _, rest = str(path).partition("://")
    return scheme, rest.partition("/")[0]


def _bucket_is_there(path: Path) -> bool:
    try:
        return _listed(*_bucket(path))
    except FileNotFoundError:
        return False
    except Exception:  # who may not list it may be told so where it matters
        return True


@cache
def _listed(scheme: str, bucket: str) -> bool:
    """True once a bucket could be listed: to be asked what it is, it would want other rights."""
    next(_in_bucket(scheme, bucket).iterdir(), None)
    return True


def _in_one_line(path: Path, error: Exception) -> OSError:
    scheme, bucket = _bucket(path)
    if isinstance(error, ImportError):
        return OSError(errno.ENOSYS, f"it takes {_CLIENTS[scheme]}; pip install {_CLIENTS[scheme]}")
    if isinstance(error, FileNotFoundError):
        return OSError(errno.EIO, f"there is no bucket {scheme}://{bucket}; make it, or mend its name")
    said = (str(error).splitlines() or [type(error).__name__])[-1][:200]
    if isinstance(error, PermissionError) or re.search("Forbidden|401|[Cc]redential|[Pp]ermission", str(error)):
        return OSError(errno.EACCES, f"not allowed ({said}); {_LEAVE[scheme]}")
    return OSError(errno.EIO, said)


def out_of_reach(error: BaseException) -> bool:
    """Whether a store has not answered, or not to us, which says nothing of what it holds: by the words of its clients.

    Tensorstore's errors are of one class, and name the code of a status.
    """
    return re.search(_OUT_OF_REACH, f"{type(error).__name__}: {error}") is not None


_OUT_OF_REACH = (
    "UNAVAILABLE|ABORTED|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|PERMISSION_DENIED|UNAUTHENTICATED|"
    "Forbidden|HttpError|Client.*Error"
)

_LEAVE = {
    "gs": "gcloud auth application-default login, as one who may read, write and list objects of the bucket",
    "s3": "aws configure, as one who may read, write and list objects of the bucket",
}
