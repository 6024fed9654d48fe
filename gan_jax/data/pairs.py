"""Pairs of one's own pictures, left and right: files that hold both side by side, or a folder A and a folder B."""

import io
import math
import os

import numpy as np
from PIL import Image

from gan_jax.data.classes import top
from gan_jax.data.dataset import Dataset
from gan_jax.data.listing import Files, list_files
from gan_jax.data.pictures import OF_A_PAIR, Pictures, only_pictures, origin
from gan_jax.data.reading import in_blocks
from gan_jax.data.views import Joined
from gan_jax.errors import DataError, printable
from gan_jax.memory import require_memory
from gan_jax.sizes import Size, sides
from gan_jax.storage import place
from gan_jax.types import Source

FOLDERS = ("A", "B")
"""Of the left and of the right pictures, which match by their names."""


def load(path: str, *, size: Size, channels: int, memory: float = math.inf) -> Dataset:
    """Pairs below `path`, in the order of their names, as uint8 `[N, H, 2W, channels]`, each side of `size`.

    Where the pictures lie in two folders, A and B, those of one name, whatever its ending, are a pair; else each
    picture holds a pair side by side. Up to `memory` bytes are decoded now; more, as they are needed. Raises DataError
    where there is nothing to read, where a picture has no other half (it is named), or cannot be read.
    """
    source = place(path).expanduser()
    shown = printable(source)
    files = only_pictures(list_files(source, shown), shown)
    height, width = sides(size)
    images: Source
    if halves := matching(shown, files):
        left, right = (Pictures(shown, half, size, channels, mend=OF_A_PAIR) for half in halves)
        images = Joined(left, right, axis=2)
    else:
        _require_both(shown, files, width / height)
        images = Pictures(shown, files, (height, 2 * width), channels)
    images = held_up_to(memory, images, f"{shown}: {len(images):,} pairs of {height}x{width}")
    return Dataset(printable(source.name), images, origin=origin(files))


def _require_both(shown: str, files: Files, aspect: float) -> None:
    """Raises DataError where the first picture is nothing like a pair, of a side so wide beside its height."""
    try:
        with Image.open(io.BytesIO(files.read(0))) as picture:
            width, height = picture.size
    except Exception:  # it is named where it is decoded
        return
    if not 2 / 3 < width / height / (2 * aspect) < 3 / 2:
        raise DataError(
            f"{shown}: {files.names[0]} is {width}x{height} pixels, and a pair side by side is about {2 * aspect:g} "
            "times as wide as high; name pictures of pairs, or two folders, A and B, or another --data.size"
        )


def held_up_to(memory: float, source: Source, what: str) -> Source:
    """All images of a source in memory, if they have no more bytes; else the source as it is.

    Raises DataError, saying what needs them, where the machine has not as many.
    """
    if (needed := math.prod(source.shape)) > memory:
        return source
    require_memory(needed, what, "lower --data.size, or add --data.memory 0", error=DataError)
    held, done = np.empty(source.shape, source.dtype), 0
    for block in in_blocks(source):
        held[done : done + len(block)] = block
        done += len(block)
    return held


def matching(shown: str, files: Files) -> tuple[Files, Files] | None:
    """The files of A and of B, those of a pair in the same place; None if pictures do not lie in such folders."""
    within = top(files.names)
    if (only := within.rstrip("/").rpartition("/")[2]) in FOLDERS:
        raise DataError(f"{shown}: pictures are in {only} alone; pairs are in two folders, A and B, or side by side")
    around = len(within)
    folders: dict[str, dict[str, int]] = {name: {} for name in FOLDERS}
    for i, name in enumerate(files.names):
        folder, _, rest = name[around:].partition("/")
        if folder not in folders or not rest:
            return None
        stem = os.path.splitext(rest)[0]
        if (other := folders[folder].get(stem)) is not None:
            raise DataError(f"{shown}: {files.names[other]} and {name} have one name; which is of the pair?")
        folders[folder][stem] = i
    left, right = folders.values()
    if alone := sorted(left.keys() ^ right.keys()):
        one = files.names[(left | right)[alone[0]]]
        more = f", and {len(alone) - 1} more have none" if len(alone) > 1 else ""
        raise DataError(
            f"{shown}: {one} has no picture of its name in the other folder{more}; add it, or remove this one"
        )
    in_order = lambda half: files.those([half[stem] for stem in sorted(left)])
    return in_order(left), in_order(right)
