"""Pairs of one's own pictures, left and right: files that hold both side by side, or a folder A and a folder B."""

import math
import os
from collections.abc import Callable

import numpy as np

from gan_jax.data.classes import top
from gan_jax.data.dataset import Dataset
from gan_jax.data.listing import Files, list_files
from gan_jax.data.pictures import OF_A_PAIR, Pictures, only_pictures, origin, size_of, told_of
from gan_jax.data.reading import in_blocks, read_ahead
from gan_jax.data.views import Joined
from gan_jax.errors import DataError, printable
from gan_jax.memory import require_memory
from gan_jax.sizes import Size, sides
from gan_jax.storage import place
from gan_jax.types import Source

FOLDERS = ("A", "B")
"""Of the left and of the right pictures, which match by their names."""

OF_ONE_SHAPE = "both of a pair are of one shape; mend them, or remove both"


def load(path: str, *, size: Size, channels: int, memory: float = math.inf) -> Dataset:
    """Pairs below `path`, in the order of their names, as uint8 `[N, H, 2W, channels]`, each side of `size`.

    Where the pictures lie in two folders, A and B, those of one name, whatever its ending, are a pair; else each
    picture holds a pair side by side. Up to `memory` bytes are decoded now; more, as they are needed. Raises DataError
    where there is nothing to read, where a picture has no other half, or one of another shape (it is named), or cannot
    be read.
    """
    source = place(path).expanduser()
    shown = printable(source)
    files = only_pictures(list_files(source, shown), shown)
    height, width = sides(size)
    images: Source
    if halves := matching(shown, files):
        require_all(shown, len(halves[0]), lambda i: _misfit(halves, i), OF_ONE_SHAPE)
        left, right = (Pictures(shown, half, size, channels, mend=OF_A_PAIR) for half in halves)
        images = Joined(left, right, axis=2)
    else:
        require_all(shown, len(files), lambda i: _no_pair(files, i, width / height), _beside(width / height))
        images = Pictures(shown, files, (height, 2 * width), channels)
    images = held_up_to(memory, images, f"{shown}: {len(images):,} pairs of {height}x{width}")
    return Dataset(printable(source.name), images, origin=origin(files))


def require_all(shown: str, count: int, wrong: Callable[[int], str | None], rule: str) -> None:
    """Raises DataError where `wrong` says what is wrong with some: the first of them, how many more, and the rule.

    It is asked from many threads at once, of all: what does not fit would be trained on, and nobody would see it.
    """
    with read_ahead(wrong, 0, count) as found:
        said = [each for each in told_of(found, count, things="pairs") if each]
    if said:
        more = f" (and {len(said) - 1:,} more like it)" if len(said) > 1 else ""
        raise DataError(f"{shown}: {said[0]}{more}; {rule}")


def _misfit(halves: tuple[Files, Files], i: int) -> str | None:
    """What is wrong with a pair whose pictures are cropped to one shape, and so would not lie upon each other."""
    sizes = sizes_of(halves, i)
    if sizes is None:
        return None
    (width, height), (other_width, other_height) = sizes
    # A side of a picture that was made smaller is rounded to a whole pixel.
    return told(halves, i, sizes) if abs(width * other_height - other_width * height) > max(map(max, sizes)) else None


def sizes_of(halves: tuple[Files, Files], i: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Width and height of both of a pair; None where one cannot be read, which is named where it is decoded."""
    first, second = (size_of(half, i) for half in halves)
    return (first, second) if first and second else None


def told(halves: tuple[Files, Files], i: int, sizes: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """Both of a pair and their sizes in words."""
    (width, height), (other_width, other_height) = sizes
    first, second = (half.names[i] for half in halves)
    return f"{second} is {other_width}x{other_height} pixels, and {first} is {width}x{height}"


def _no_pair(files: Files, i: int, aspect: float) -> str | None:
    """What is wrong with a picture that is nothing like a pair, of a side so wide beside its height."""
    if (found := size_of(files, i)) is None or 2 / 3 < found[0] / found[1] / (2 * aspect) < 3 / 2:
        return None
    return f"{files.names[i]} is {found[0]}x{found[1]} pixels"


def _beside(aspect: float) -> str:
    return (
        f"a pair side by side is about {2 * aspect:g} times as wide as high; name pictures of pairs, or two folders, A "
        "and B, or another --data.size"
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
    apart = [name[around:].partition("/") for name in files.names]
    others = [i for i, (folder, _, rest) in enumerate(apart) if folder not in FOLDERS or not rest]
    if others:
        if any(all(folder != name for folder, *_ in apart) for name in FOLDERS):
            return None
        folder, *_ = apart[others[0]]
        raise DataError(
            f"{shown}: there is {folder} beside the folders A and B, which are all of it; take it elsewhere"
        )
    folders: dict[str, dict[str, int]] = {name: {} for name in FOLDERS}
    for i, (name, (folder, _, rest)) in enumerate(zip(files.names, apart, strict=True)):
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
