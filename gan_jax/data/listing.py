"""The files of a folder or a zip, none of them read yet: of a million, hardly more is held than their names."""

import bz2
import io
import os
import stat
import struct
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gan_jax.errors import DataError, printable
from gan_jax.storage import is_remote, objects, reached, spans

SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
}
"""Of pictures that are read."""


@dataclass(frozen=True)
class Files:
    """Files in the order of their names."""

    names: list[str]  # paths in the folder or zip, as they can be printed
    sizes: np.ndarray  # int64 [N], in bytes, unpacked, as the folder or zip says
    read: Callable[[int], bytes]  # from many threads at once
    part: Callable[[int, int, int], bytes] | None = None  # from a place up to another, where less than all need be read

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Of memory, nearly: a string has some 60 beside its letters, and what finds a file has as many."""
        return sum(map(len, self.names)) + 120 * len(self)

    def those(self, rows: Sequence[int]) -> "Files":
        """Some of them."""
        if len(rows) == len(self):
            return self
        chosen, part = np.array(rows, np.int64), self.part
        names, sizes = [self.names[i] for i in rows], self.sizes[chosen]
        if part is None:
            return Files(names, sizes, lambda i: self.read(int(chosen[i])))
        return Files(names, sizes, lambda i: self.read(int(chosen[i])), lambda i, *span: part(int(chosen[i]), *span))

    def opened(self, i: int) -> BinaryIO:
        """One of them as a file whose beginning has been read, and no more of it but as it is asked for."""
        if self.part is None:
            return io.BytesIO(self.read(i))
        file = io.BufferedReader(_Parts(partial(self.part, i), int(self.sizes[i])), BEGINNING)
        file.peek()
        return file


BEGINNING = 1 << 16
"""Bytes: most pictures' headers are within, with what cameras tell of themselves and a small picture."""


class _Parts(io.RawIOBase):
    """A file that is read in parts, as they are asked for."""

    def __init__(self, part: Callable[[int, int], bytes], size: int) -> None:
        self._part, self._size, self._at = part, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence], 0)
        return self._at

    def readall(self) -> bytes:
        data, self._at = self._part(self._at, self._size) if self._at < self._size else b"", self._size
        return data

    def readinto(self, buffer: Any, /) -> int:
        into = memoryview(buffer)
        if (end := min(self._at + len(into), self._size)) <= self._at:
            return 0
        data = self._part(self._at, end)
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


def list_files(source: Path, shown: str) -> Files:
    """All files below a folder, links followed, or in a zip; not those that are hidden. Raises DataError.

    Either may lie in a bucket; where that is out of reach, reading raises DataError, too.
    """
    try:
        if is_remote(source):
            return _in_bucket(source, shown)
        if source.is_dir():
            return _in_folder(str(source))
        if source.is_file() and zipfile.is_zipfile(source):
            return _in_zip(source, shown)
        if source.is_file():
            raise DataError(f"{shown}: neither a folder nor a readable zip")
        raise DataError(f"{shown}: no such folder or zip")
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise DataError(f"{shown}: a damaged zip: {error}") from None
    except FileNotFoundError:
        raise DataError(f"{shown}: no such folder or zip") from None
    except OSError as error:
        raise DataError(f"{shown}: cannot be read: {error.strerror or error}") from None


def one_file(path: Path, shown: str) -> Files:
    """A file of this machine by itself, links followed. Raises DataError where there is none."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{shown}: cannot be read: {error.strerror}") from None
    read = lambda i, *span: _read(str(path), *span)
    return Files([_shown(path.name)], np.array([size], np.int64), read, read)


def called(shown: str, name: str) -> str:
    """What messages call a file: by where it lies, and its name there; one that was named itself, by that alone."""
    return shown if os.path.basename(shown) == name else f"{shown}: {name}"


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture."""
    return suffix(name) in SUFFIXES


def suffix(name: str) -> str:
    """What a file's name ends with, in small letters: ".jpg"."""
    return os.path.splitext(name)[1].lower()


def parts(name: str) -> list[str]:
    """The folders on a file's path, and its name."""
    return [part for part in name.split("/") if part not in ("", ".")]


def _in_folder(folder: str) -> Files:
    below = len(os.path.join(folder, ""))
    found = sorted(((_shown(path[below:]), path, size) for path, size in _files(folder)), key=itemgetter(0))
    names, sizes = [name for name, *_ in found], np.array([size for *_, size in found], np.int64)
    odd = {i: path for i, (name, path, _) in enumerate(found) if not path.endswith(name)}
    read = lambda i, *span: _read(odd.get(i) or os.path.join(folder, names[i]), *span)
    return Files(names, sizes, read, read)


def _files(folder: str, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[str, int]]:
    """All files below and their sizes, through links too, but for folders that lead back up.

    In each top sub-folder, which may be a class, a folder is entered once, however many links lead to it.
    """
    if (here := _identity(folder)) in above:
        return
    files, folders = _inside(folder)
    yield from files
    around = len(folders) == 1 and not any(is_picture(path) for path, _ in files)
    for each in folders:
        yield from _files(each, above | {here}) if around else _below(each, {*above, here})


def _below(folder: str, entered: set[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    if (here := _identity(folder)) in entered:
        return
    entered.add(here)
    files, folders = _inside(folder)
    yield from files
    for each in folders:
        yield from _below(each, entered)


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _inside(folder: str) -> tuple[list[tuple[str, int]], list[str]]:
    """What is not hidden: files with their sizes, and folders, those first that are no links."""
    files, folders = [], []
    with os.scandir(folder) as found:
        for entry in found:
            if _is_hidden(entry.name):
                continue
            if entry.is_dir():
                folders.append((entry.is_symlink(), entry.name, entry.path))
            else:  # what is no regular file has no size either, as reading it will tell
                files.append((entry.path, entry.stat().st_size if entry.is_file() else 0))
    return files, [path for *_, path in sorted(folders)]


def _read(path: str, start: int = 0, end: int | None = None) -> bytes:
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        regular = True  # opening it says what is wrong
    if not regular:  # a pipe is waited for, and some devices never end
        raise OSError("not a regular file")
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(-1 if end is None else end - start)


def _in_bucket(source: Path, shown: str) -> Files:
    read = spans(source)
    if suffix(source.name) == ".zip":
        read("", 0, 4)  # zipfile takes a store out of reach for a damaged zip
        files = _in_zip(source, shown, lambda length, start: read("", start, start + length))
    else:
        found = sorted((_shown(name), name, size) for name, size in objects(source) if not _any_hidden(name))
        if not found:
            raise DataError(f"{shown}: no such folder or zip")
        sizes = np.array([size for *_, size in found], np.int64)
        part = lambda i, start=0, end=None: read(found[i][1], start, end)
        files = Files([name for name, *_ in found], sizes, part, part)

    def or_tell(reading: Callable[..., bytes], i: int, *span: int) -> bytes:
        try:
            return reading(i, *span)
        except OSError as error:  # which says nothing of the file: it is not to be left out as a damaged one
            raise DataError(f"{shown}: {files.names[i]} cannot be read: {error.strerror or 'it has gone'}") from None

    return replace(files, read=partial(or_tell, files.read), part=files.part and partial(or_tell, files.part))


def _in_zip(source: Path, shown: str, read: Callable[[int, int], bytes] | None = None) -> Files:
    """The files in a zip, of which `read(length, start)` reads parts; on this machine's disk without it."""
    names, columns = _contents(source, shown)
    # Split only now: names of their own, where zipfile's many objects have been, let the memory of these go.
    unpacking = _Unpacking(source, columns, read)
    return Files(names.split("\0") if len(columns) else [], columns[:, 2], unpacking, unpacking.part)


COLUMNS = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")


def _contents(source: Path, shown: str) -> tuple[str, np.ndarray]:
    """What is in a zip and not hidden: names, joined by zeros, which none contains, and int64 `[N, 6]`, `COLUMNS`."""
    with reached(source), source.open("rb") as file, zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        # Nothing is ever unpacked; such a name is still a sign that the archive is not what it seems.
        if member.filename.startswith(("/", "\\")) or ".." in parts(member.filename):
            raise DataError(f"{shown}: its entry {member.filename!r} climbs out of the archive; refused")
    members = [member for member in members if not _any_hidden(member.filename)]
    members.sort(key=lambda member: _shown(member.filename))
    column = lambda name: np.fromiter(map(attrgetter(name), members), np.int64, len(members))
    return "\0".join(_shown(member.filename) for member in members), np.stack(list(map(column, COLUMNS)), axis=1)


class _Unpacking:
    """Reads what a zip holds, from one open file for all threads, by a table that takes 48 bytes a file.

    A ZipFile is not safe to share, and one for each thread would hold the table of contents as many times, half a
    gigabyte for a million files.
    """

    def __init__(self, source: Path, columns: np.ndarray, read: Callable[[int, int], bytes] | None) -> None:
        self._source, self._columns = source, columns
        if read is None:
            file = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, file)
            read = partial(os.pread, file)
        self._read = read

    def __call__(self, i: int) -> bytes:
        start, packed, size, checksum, method, flags = self._columns[i].tolist()
        locked = flags & 1  # with a password, of which zipfile tells
        if locked or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
            with reached(self._source), self._source.open("rb") as file, zipfile.ZipFile(file) as archive:
                return archive.read(next(member for member in archive.infolist() if member.header_offset == start))
        data = self._read(packed, self._begins(start))
        if method == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size)
        elif method == zipfile.ZIP_BZIP2:
            data = bz2.BZ2Decompressor().decompress(data, size)
        if zlib.crc32(data) != checksum:
            raise zipfile.BadZipFile("Bad CRC-32, a damaged zip")
        return data

    def part(self, i: int, start: int, end: int) -> bytes:
        """Of a file, from a place up to another, of which no checksum tells whether it is damaged."""
        header, packed, _, _, method, flags = self._columns[i].tolist()
        if flags & 1 or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return self(i)[start:end]
        if method == zipfile.ZIP_STORED:
            return self._read(min(end, packed) - start, self._begins(header) + start)
        most = min(packed, end + end // 1000 + 64)  # what cannot be made smaller grows by less
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(self._read(most, self._begins(header)), end)
        return data[start:] if len(data) == end or most == packed else self(i)[start:end]

    def _begins(self, header: int) -> int:
        """Where a file's bytes do: after 30, whose last four say how long its name and another field after it are."""
        return header + 30 + sum(struct.unpack("<HH", self._read(30, header)[26:]))


def _any_hidden(path: str) -> bool:
    return any(map(_is_hidden, parts(path)))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _shown(name: str) -> str:
    return name if name.isascii() else printable(name)
