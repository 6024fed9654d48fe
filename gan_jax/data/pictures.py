"""A user's own pictures: a folder or a zip, whose top sub-folders are classes."""

import hashlib
import io
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import BinaryIO, Literal, TypeVar

import numpy as np
from PIL import Image, features

from gan_jax.data import classes
from gan_jax.data.dataset import Dataset, places
from gan_jax.data.listing import SUFFIXES, Files, called, is_picture, list_files, suffix
from gan_jax.data.reading import read_ahead
from gan_jax.data.resize import Frames, fitted, frames, moves, whole
from gan_jax.errors import DataError, printable
from gan_jax.memory import in_words, require_memory
from gan_jax.screen import tell
from gan_jax.sizes import Size, sides
from gan_jax.storage import place
from gan_jax.types import Rows

T = TypeVar("T")

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

READ_WHOLE = {".webp", ".avif"}
"""Pictures of which Pillow reads all to see the header, one after another if it is left to it."""

TOGETHER = 64
"""Pictures that a thread decodes before it asks for more, where all of them are decoded."""

LEAVE_OUT = "mend or remove it, or leave out all such, in another run, with --data.on-bad skip"
"""What to do about a picture that cannot be read."""

OF_A_PAIR = "mend it, or remove it and what belongs to it"
"""The same where it is of no use without another."""

Fit = Callable[[Image.Image, Size, int], np.ndarray]
"""Brings a picture to a size and channels, uint8 `[*size, channels]`; what it raises is told of the picture."""


class Pictures:
    """Pictures that are decoded when they are asked for: a `Source`."""

    dtype = np.dtype(np.uint8)

    def __init__(
        self, shown: str, files: Files, size: Size, channels: int, fit: Fit = fitted, mend: str = LEAVE_OUT
    ) -> None:
        self._shown, self._files, self._fit, self._mend = shown, files, fit, mend
        self.shape = (len(files), *sides(size), channels)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def nbytes(self) -> int:
        """Of what finds the pictures."""
        return self._files.nbytes

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        """Raises DataError, naming the first picture that cannot be read."""
        chosen = places(rows, len(self))
        images = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for image, i in zip(images, chosen, strict=True):
            if isinstance(found := self.decode(i), str):
                raise DataError(f"{called(self._shown, self._files.names[i])} cannot be read: {found}; {self._mend}")
            image[:] = found
        return images

    def decode(self, i: int) -> np.ndarray | str:
        """A picture `[H, W, channels]`, or in words why there is none."""
        size, channels = self.shape[1:3], self.shape[3]
        return _decode(self._files, i, lambda picture: self._fit(picture, size, channels), size)


def load(
    path: str,
    *,
    size: Size,
    channels: int,
    on_bad: Literal["refuse", "skip"] = "refuse",
    memory: float = math.inf,
    fit: Fit = fitted,
    things: str = "pictures",
) -> Dataset:
    """Every picture below `path`, in the order of their names, as uint8 `[N, *size, channels]`.

    Up to `memory` bytes of them are decoded now; more, as they are needed. Classes are those of a `dataset.json`, or
    the names of the top sub-folders, sorted, if every picture lies in one. A single folder around everything, as zips
    often have, does not count as a class. Links are followed. Raises DataError where there is nothing to read, or more
    than fits into memory; where pictures are damaged or too large (`MOST_BYTES`, `MOST_PIXELS`, `MOST_OF_JPEG`), unless
    `on_bad` is "skip", which leaves them out and prints which: to know them, all are decoded now in any case. `things`
    is what messages call them.
    """
    source = place(path).expanduser()
    shown = printable(source)
    found = list_files(source, shown)
    files = only_pictures(found, shown)
    count = len(files)
    pictures = Pictures(shown, files, size, channels, fit)
    held = None
    if (needed := math.prod(pictures.shape)) <= memory:
        what = f"{shown}: {count:,} {things} of {'x'.join(map(str, pictures.shape[1:]))}"
        mend = "lower --data.size, take fewer, or decode them as they are needed with --data.memory 0"
        require_memory(needed, what, mend, error=DataError)
        held = np.empty(pictures.shape, np.uint8)
    if (held is not None or on_bad == "skip") and (reasons := _decode_all(pictures, held, things)):
        _report(shown, [(files.names[i], why) for i, why in reasons.items()], f"{count} {things}", on_bad)
        if len(reasons) == count:
            raise DataError(f"{shown}: none of its {count} {things} can be read")
        files = files.those([i for i in range(count) if i not in reasons])
        pictures = Pictures(shown, files, size, channels, fit)
    labels, names = classes.of_files(shown, found, files)
    images = pictures if held is None else held[: len(files)]  # a view: a copy would need as much memory again
    folder = classes.top(files.names).rstrip("/").rpartition("/")[2]
    return Dataset(printable(source.name), images, labels, names, origin(files), folder=folder)


def only_pictures(found: Files, shown: str) -> Files:
    """The pictures among files; tells which others may be meant as such. Raises DataError where there are none."""
    files = found.those([i for i, name in enumerate(found.names) if is_picture(name)])
    _tell_of_others(shown, found)
    if not len(files):
        floats = any(suffix(name) == ".npy" for name in found.names)
        mend = "; if its .npy are floats such as latents, one an image, add --data.deviation 0.5" * floats
        raise DataError(f"{shown}: no pictures in it; looked for {', '.join(sorted(SUFFIXES))}{mend}")
    return files


def size_of(files: Files, i: int) -> tuple[int, int] | None:
    """Width and height of a picture as it is to be seen, by its header; None if that cannot be read."""
    opened = files.opened if suffix(files.names[i]) not in READ_WHOLE else None
    found = _decode(files, i, _upright_size, opened=opened)
    return None if isinstance(found, str) else found


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    # Newer Pillows tell a TIFF's size as it is to be seen, others as it lies there.
    width, height = (picture.tag_v2[tag] for tag in (256, 257)) if hasattr(picture, "tag_v2") else picture.size
    # A PNG's own method decodes all of it, for what may stand behind its pixels, where hardly any has it.
    return (height, width) if Image.Image.getexif(picture).get(0x0112, 1) >= 5 else (width, height)


def decode_whole(shown: str, files: Files, i: int, channels: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture at its own size, and its alpha, as `resize.whole` has them; to be called from many threads at once.

    Raises DataError, naming it, if it cannot be read, or if it is too large (`MOST_BYTES`, `MOST_PIXELS`).
    """
    return _decoded_or_refused(shown, files, i, lambda picture: whole(picture, channels))


def decode_frames(shown: str, files: Files, i: int, channels: int) -> Frames:
    """The same of a picture that may move, as `resize.frames` has it. Raises DataError, of too little memory, too."""

    def look(picture: Image.Image) -> Frames:
        if moves(picture):
            count, (width, height) = picture.n_frames, picture.size  # type: ignore[attr-defined]
            what = f"{called(shown, files.names[i])}: {count:,} frames of {width}x{height} pixels"
            needed = 2 * count * width * height * (channels + 1)
            require_memory(needed, what, "cut it into shorter ones, or reduce it", error=DataError)
        return frames(picture, channels)

    return _decoded_or_refused(shown, files, i, look)


def _decoded_or_refused(shown: str, files: Files, i: int, look: Callable[[Image.Image], T]) -> T:
    if isinstance(found := _decode(files, i, look), str):
        raise DataError(f"{called(shown, files.names[i])} cannot be read: {found}")
    return found


def _decode_all(pictures: Pictures, held: np.ndarray | None, things: str) -> dict[int, str]:
    """Why some cannot be read, by their places; the others are written to `held` one after another, if it is there."""
    count, reasons = len(pictures), dict[int, str]()
    part = lambda k: [pictures.decode(i) for i in range(k * TOGETHER, min((k + 1) * TOGETHER, count))]
    with read_ahead(part, 0, -(-count // TOGETHER)) as parts:
        for i, found in enumerate(told_of(chain.from_iterable(parts), count, things=things)):
            if isinstance(found, str):
                reasons[i] = found
            elif held is not None:
                held[i - len(reasons)] = found
    return reasons


def origin(files: Files) -> str:
    """SHA-256 over names, in the folder around all of them, and sizes: a folder and its zip have the same."""
    around = len(classes.top(files.names))
    digest = hashlib.sha256("\0".join(name[around:] for name in files.names).encode())
    digest.update(np.ascontiguousarray(files.sizes).data)
    return digest.hexdigest()


def _tell_of_others(shown: str, found: Files) -> None:
    suffixes = Counter(map(suffix, found.names))
    others = [f"{count:,} {kind}" for kind, count in sorted(suffixes.items()) if kind in NOT_READ]
    if others:
        tell(f"left out: {shown}: files of kinds that are not read: {', '.join(others)}")


_alone, _opening = threading.RLock(), threading.Lock()

_MOST = f"of which {MOST_PIXELS / 1e6:.0f} million are read at most, {MOST_OF_JPEG / 1e6:.0f} of a JPEG; reduce it"


def _decode(
    files: Files,
    i: int,
    look: Callable[[Image.Image], T],
    size: Size | None = None,
    opened: Callable[[int], BinaryIO] | None = None,
) -> T | str:
    """What `look` makes of the picture, to be brought to a size if one is named; or in words why there is none.

    It is read whole before Pillow sees it, unless it is said how it is `opened`.
    """
    if (length := int(files.sizes[i])) > MOST_BYTES:
        return f"{in_words(length)}, of which {in_words(MOST_BYTES)} are read at most"
    try:
        with (
            _alone if length > MANY and opened is None else nullcontext(),
            opened(i) if opened else io.BytesIO(files.read(i)) as file,
        ):
            return _decoded(file, look, size)
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise of every kind
        if "cannot identify" not in str(error):
            return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        if not length:
            return "empty file"
        if suffix(files.names[i]) == ".avif" and not features.check("avif"):
            return "AVIF, which this Pillow does not read; pip install --upgrade pillow"
        return "not an image"


def _decoded(file: BinaryIO, look: Callable[[Image.Image], T], size: Size | None) -> T | str:
    with _opened(file) as picture:
        width, height = picture.size
        if size is not None and MOST_PIXELS < width * height <= MOST_OF_JPEG:
            rows, columns = sides(size)
            picture.draft(None, (4 * columns, 4 * rows))  # nothing but a JPEG heeds it
        if picture.width * picture.height > MOST_PIXELS:
            return f"{width}x{height} pixels, {_MOST}"
        with _alone if width * height > MANY else nullcontext():
            return look(picture)


def _opened(file: BinaryIO) -> Image.Image:
    """A picture of which the header alone is read. Pillow's own bound, which is for all threads, is lifted for that."""
    with _opening:
        usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file)
        finally:
            Image.MAX_IMAGE_PIXELS = usual


def told_of(pictures: Iterable[T], count: int, *, things: str = "pictures") -> Iterator[T]:
    """The same, or other things, with a line every ten seconds."""
    spoken = time.monotonic()
    for done, each in enumerate(pictures):
        if time.monotonic() - spoken > 10:
            spoken = time.monotonic()
            tell(f"  {done:,} of {count:,} {things}", sys.stderr)
        yield each


def _report(source: str, bad: list[tuple[str, str]], all_of_them: str, on_bad: str) -> None:
    one = len(bad) == 1
    before = " " if one else "\n  "
    shown = "".join(f"{before}{name}: {why}" for name, why in bad[:10])
    more = f"\n  and {len(bad) - 10} more" if len(bad) > 10 else ""
    message = f"{source}: {len(bad)} of {all_of_them} cannot be read:{shown}{more}"
    mend = "; mend or remove it" if one else "\nMend or remove them"
    if on_bad == "refuse":
        raise DataError(f"{message}{mend}, or leave {'it' if one else 'them'} out with --data.on-bad skip")
    tell(f"left out: {message}")
