"""A user's own pictures: a folder or a zip, whose top sub-folders are classes."""

import io
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from PIL import Image

from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import to_square
from gan_jax.errors import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}

Entry = tuple[str, Callable[[], bytes]]


def load(path: str, *, size: int, channels: int, on_bad: Literal["refuse", "skip"] = "refuse") -> Dataset:
    """Reads every picture below `path`, in the order of their names, as uint8 `[N, size, size, channels]`.

    Classes are the names of the top sub-folders, sorted, if every picture lies in one. A single folder around
    everything, as zips often have, does not count as a class. Raises DataError where there is nothing to read;
    where pictures are damaged, unless `on_bad` is "skip", which leaves them out and prints which.
    """
    source = Path(path).expanduser()
    entries = sorted(_entries(source), key=lambda entry: entry[0])
    if not entries:
        raise DataError(f"{source}: no pictures in it; looked for {', '.join(sorted(SUFFIXES))}")
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda entry: _decode(entry, size, channels), entries)
        read = list(_told_of(decoded, len(entries)))
    bad = [(name, why) for (name, _), why in zip(entries, read, strict=True) if isinstance(why, str)]
    if bad:
        _report(source, bad, len(entries), on_bad)
    good = [(name, image) for (name, _), image in zip(entries, read, strict=True) if not isinstance(image, str)]
    if not good:
        raise DataError(f"{source}: none of its {len(entries)} pictures can be read")
    labels, classes = _classes([name for name, _ in good])
    return Dataset(source.name, np.stack([image for _, image in good]), labels, classes)


def _entries(source: Path) -> Iterator[Entry]:
    if source.is_dir():
        for file in source.rglob("*"):
            name = file.relative_to(source).as_posix()
            if file.is_file() and _is_picture(name):
                yield name, file.read_bytes
    elif source.is_file() and zipfile.is_zipfile(source):
        try:
            yield from _zip_entries(source)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{source}: a damaged zip: {error}") from None
    elif source.is_file():
        raise DataError(f"{source}: neither a folder nor a readable zip")
    else:
        raise DataError(f"{source}: no such folder or zip")


def _zip_entries(source: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(source) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            # Nothing is ever unpacked; such a name is still a sign that the archive is not what it seems.
            if member.filename.startswith(("/", "\\")) or ".." in PurePosixPath(member.filename).parts:
                raise DataError(f"{source}: its entry {member.filename!r} climbs out of the archive; refused")
    # One for each thread that reads: a ZipFile is not safe to share, and to open one reads its whole table of contents.
    own = threading.local()

    def read(member: zipfile.ZipInfo) -> bytes:
        if not hasattr(own, "archive"):
            own.archive = zipfile.ZipFile(source)
        return own.archive.read(member)

    for member in members:
        if _is_picture(member.filename):
            yield member.filename, partial(read, member)


def _is_picture(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not any(p.startswith((".", "__MACOSX")) for p in parts)


def _decode(entry: Entry, size: int, channels: int) -> np.ndarray | str:
    """The picture, or in words why there is none."""
    try:
        data = entry[1]()
        if not data:
            return "empty file"
        with Image.open(io.BytesIO(data)) as picture:
            return to_square(picture, size, channels)
    except Exception as error:  # Pillow's decoders raise of every kind
        return "not an image" if "cannot identify" in str(error) else (str(error) or type(error).__name__)


def _told_of(decoded: Iterable[np.ndarray | str], count: int) -> Iterator[np.ndarray | str]:
    """The same, with a line every ten seconds."""
    spoken = time.monotonic()
    for done, each in enumerate(decoded):
        if time.monotonic() - spoken > 10:
            spoken = time.monotonic()
            print(f"  {done:,} of {count:,} pictures", file=sys.stderr, flush=True)
        yield each


def _report(source: Path, bad: list[tuple[str, str]], count: int, on_bad: str) -> None:
    shown = "\n".join(f"  {name}: {why}" for name, why in bad[:10])
    more = f"\n  and {len(bad) - 10} more" if len(bad) > 10 else ""
    message = f"{source}: {len(bad)} of {count} pictures cannot be read:\n{shown}{more}"
    if on_bad == "refuse":
        raise DataError(f"{message}\nMend or remove them, or leave them out with --data.on-bad skip")
    print(f"left out: {message}")


def _classes(names: list[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    while all(p and p[0] == parts[0][0] for p in parts):
        parts = [p[1:] for p in parts]
    if not all(parts):
        return None, ()
    classes = tuple(sorted({p[0] for p in parts}))
    return np.array([classes.index(p[0]) for p in parts], np.int32), classes
