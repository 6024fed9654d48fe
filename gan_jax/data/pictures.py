"""A user's own pictures: a folder or a zip, whose top sub-folders are classes."""

import io
import math
import os
import sys
import threading
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, features

from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import fitted
from gan_jax.errors import DataError, printable
from gan_jax.memory import in_words, require_memory
from gan_jax.screen import tell
from gan_jax.sizes import Size, sides

SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
}

NOT_READ = {
    *(".heic", ".heif", ".jxl", ".jp2", ".svg", ".psd", ".tga", ".eps", ".pdf", ".ico", ".exr", ".hdr", ".pbm", ".pnm"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw", ".mp4", ".mov", ".avi", ".webm", ".npy", ".npz"),
}
"""Of what else may be meant as pictures: said, where it is left out."""

MOST_BYTES = 1 << 28
"""Of one file, unpacked: far above any photograph."""

MOST_PIXELS = 89_478_485
"""Of one picture, as it is decoded: where Pillow begins to warn."""

MOST_OF_JPEG = 4 * MOST_PIXELS
"""Of a JPEG: where it has more than `MOST_PIXELS`, it is decoded at a part of its size, down to an 8th of each side."""

MANY = 1 << 24
"""Pictures of more bytes or pixels are read one at a time: there is a thread for each core and more."""


class Entry(NamedTuple):
    """A picture that is not read yet."""

    name: str  # its path, as it can be printed
    size: int  # in bytes, as its folder or zip says
    read: Callable[[], bytes]


def load(path: str, *, size: Size, channels: int, on_bad: Literal["refuse", "skip"] = "refuse") -> Dataset:
    """Reads every picture below `path`, in the order of their names, as uint8 `[N, *size, channels]`.

    Classes are the names of the top sub-folders, sorted, if every picture lies in one. A single folder around
    everything, as zips often have, does not count as a class. Links are followed. Raises DataError where there is
    nothing to read, or more than fits into memory; where pictures are damaged or too large (`MOST_BYTES`,
    `MOST_PIXELS`, `MOST_OF_JPEG`), unless `on_bad` is "skip", which leaves them out and prints which.
    """
    source = Path(path).expanduser()
    shown = printable(source)
    found = list(_entries(source, shown))
    entries = sorted((entry for entry in found if _is_picture(entry.name)), key=lambda entry: entry.name)
    _tell_of_others(shown, found)
    if not entries:
        raise DataError(f"{shown}: no pictures in it; looked for {', '.join(sorted(SUFFIXES))}")
    count, shape = len(entries), (*sides(size), channels)
    what = f"{shown}: {count:,} pictures of {'x'.join(map(str, shape))}"
    require_memory(count * math.prod(shape), what, "lower --data.size, or take fewer", error=DataError)
    images = np.empty((count, *shape), np.uint8)
    reasons: dict[int, str] = {}
    pool = ThreadPoolExecutor()
    try:
        with _bound_here():
            for i, read in enumerate(_told_of(pool.map(lambda entry: _decode(entry, size, channels), entries), count)):
                if isinstance(read, str):
                    reasons[i] = read
                else:
                    images[i - len(reasons)] = read
    finally:
        pool.shutdown(cancel_futures=True)  # or Ctrl-C waits for all the others
    if reasons:
        _report(shown, [(entries[i].name, why) for i, why in reasons.items()], count, on_bad)
        if len(reasons) == count:
            raise DataError(f"{shown}: none of its {count} pictures can be read")
        images = images[: count - len(reasons)]  # a view: a copy would need as much memory again
    labels, classes = _classes(shown, [entry.name for i, entry in enumerate(entries) if i not in reasons])
    return Dataset(printable(source.name), images, labels, classes)


@contextmanager
def _bound_here() -> Iterator[None]:
    """Lets Pillow open what `_decoded` has an answer for: it warns beyond its own bound, and refuses twice of it."""
    usual = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = MOST_OF_JPEG
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = usual


def _entries(source: Path, shown: str) -> Iterator[Entry]:
    """All files that are not hidden."""
    try:
        if source.is_dir():
            for file, size in _files(source):
                yield Entry(printable(file.relative_to(source).as_posix()), size, partial(_read, file))
        elif source.is_file() and zipfile.is_zipfile(source):
            yield from _zip_entries(source, shown)
        elif source.is_file():
            raise DataError(f"{shown}: neither a folder nor a readable zip")
        else:
            raise DataError(f"{shown}: no such folder or zip")
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise DataError(f"{shown}: a damaged zip: {error}") from None
    except OSError as error:
        raise DataError(f"{shown}: cannot be read: {error.strerror or error}") from None


def _files(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[Path, int]]:
    """All files below and their sizes, through links too, but for folders that lead back up.

    In each top sub-folder, which may be a class, a folder is entered once, however many links lead to it.
    """
    if (here := _identity(folder)) in above:
        return
    files, folders = _inside(folder)
    yield from files
    around = len(folders) == 1 and not any(_is_picture(file.name) for file, _ in files)
    for each in folders:
        yield from _files(each, above | {here}) if around else _below(each, {*above, here})


def _below(folder: Path, entered: set[tuple[int, int]]) -> Iterator[tuple[Path, int]]:
    if (here := _identity(folder)) in entered:
        return
    entered.add(here)
    files, folders = _inside(folder)
    yield from files
    for each in folders:
        yield from _below(each, entered)


def _identity(folder: Path) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _inside(folder: Path) -> tuple[list[tuple[Path, int]], list[Path]]:
    """What is not hidden: files with their sizes, and folders, those first that are no links."""
    with os.scandir(folder) as found:
        inside = [entry for entry in found if not entry.name.startswith((".", "__MACOSX"))]
    folders = sorted((entry for entry in inside if entry.is_dir()), key=lambda entry: (entry.is_symlink(), entry.name))
    # What is no regular file has no size either, as reading it will tell.
    files = [(Path(e.path), e.stat().st_size if e.is_file() else 0) for e in inside if not e.is_dir()]
    return files, [Path(entry.path) for entry in folders]


def _read(file: Path) -> bytes:
    if file.exists() and not file.is_file():  # a pipe is waited for, and some devices never end
        raise OSError("not a regular file")
    return file.read_bytes()


def _zip_entries(source: Path, shown: str) -> Iterator[Entry]:
    with zipfile.ZipFile(source) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        for member in members:
            # Nothing is ever unpacked; such a name is still a sign that the archive is not what it seems.
            if member.filename.startswith(("/", "\\")) or ".." in PurePosixPath(member.filename).parts:
                raise DataError(f"{shown}: its entry {member.filename!r} climbs out of the archive; refused")
    # One for each thread that reads: a ZipFile is not safe to share, and to open one reads its whole table of contents.
    own = threading.local()

    def read(member: zipfile.ZipInfo) -> bytes:
        if not hasattr(own, "archive"):
            own.archive = zipfile.ZipFile(source)
        return own.archive.read(member)

    for member in members:
        if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(member.filename).parts):
            yield Entry(printable(member.filename), member.file_size, partial(read, member))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _tell_of_others(shown: str, found: list[Entry]) -> None:
    suffixes = Counter(PurePosixPath(entry.name).suffix.lower() for entry in found)
    others = [f"{count:,} {suffix}" for suffix, count in sorted(suffixes.items()) if suffix in NOT_READ]
    if others:
        tell(f"left out: {shown}: files of kinds that are not read: {', '.join(others)}")


_alone = threading.RLock()

_MOST = f"of which {MOST_PIXELS / 1e6:.0f} million are read at most, {MOST_OF_JPEG / 1e6:.0f} of a JPEG; reduce it"


def _decode(entry: Entry, size: Size, channels: int) -> np.ndarray | str:
    """The picture, or in words why there is none."""
    if entry.size > MOST_BYTES:
        return f"{in_words(entry.size)}, of which {in_words(MOST_BYTES)} are read at most"
    try:
        with _alone if entry.size > MANY else nullcontext():
            data = entry.read()
            return _decoded(data, size, channels) if data else "empty file"
    except Image.DecompressionBombError:  # from the header, with no size told
        return f"more than {2 * MOST_OF_JPEG / 1e6:.0f} million pixels, {_MOST}"
    except Exception as error:  # Pillow's decoders raise of every kind
        if "cannot identify" not in str(error):
            return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        if PurePosixPath(entry.name).suffix.lower() == ".avif" and not features.check("avif"):
            return "AVIF, which this Pillow does not read; pip install --upgrade pillow"
        return "not an image"


def _decoded(data: bytes, size: Size, channels: int) -> np.ndarray | str:
    with Image.open(io.BytesIO(data)) as picture:  # reads the header alone
        width, height = picture.size
        if MOST_PIXELS < width * height <= MOST_OF_JPEG:
            wanted = sides(size)
            picture.draft(None, (4 * wanted[1], 4 * wanted[0]))  # nothing but a JPEG heeds it
        if picture.width * picture.height > MOST_PIXELS:
            return f"{width}x{height} pixels, {_MOST}"
        with _alone if width * height > MANY else nullcontext():
            return fitted(picture, size, channels)


def _told_of(decoded: Iterable[np.ndarray | str], count: int) -> Iterator[np.ndarray | str]:
    """The same, with a line every ten seconds."""
    spoken = time.monotonic()
    for done, each in enumerate(decoded):
        if time.monotonic() - spoken > 10:
            spoken = time.monotonic()
            tell(f"  {done:,} of {count:,} pictures", sys.stderr)
        yield each


def _report(source: str, bad: list[tuple[str, str]], count: int, on_bad: str) -> None:
    shown = "\n".join(f"  {name}: {why}" for name, why in bad[:10])
    more = f"\n  and {len(bad) - 10} more" if len(bad) > 10 else ""
    message = f"{source}: {len(bad)} of {count} pictures cannot be read:\n{shown}{more}"
    if on_bad == "refuse":
        raise DataError(f"{message}\nMend or remove them, or leave them out with --data.on-bad skip")
    tell(f"left out: {message}")


def _classes(shown: str, names: list[str]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    while all(p and p[0] == parts[0][0] for p in parts):
        parts = [p[1:] for p in parts]
    if not all(parts):
        loose = [name for name, p in zip(names, parts, strict=True) if not p]
        if len(loose) < len(names):
            tell(
                f"{shown}: its sub-folders are no classes, for {len(loose):,} of {len(names):,} pictures lie beside "
                f"them, such as {loose[0]}"
            )
        return None, ()
    classes = tuple(sorted({p[0] for p in parts}))
    return np.array([classes.index(p[0]) for p in parts], np.int32), classes
