"""One's own pictures that something is to be made of, and masks of what is missing of them."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_jax.data.listing import SUFFIXES, Files, called, is_picture, list_files, one_file
from gan_jax.data.pictures import decode_frames, only_pictures
from gan_jax.data.resize import Frames
from gan_jax.errors import DataError, printable
from gan_jax.storage import absolute, is_remote, place
from gan_jax.tasks.task import Task


class Picture(NamedTuple):
    """One of the pictures that are given; T is 1 but of those that move."""

    pixels: np.ndarray  # uint8 [T, h, w, C + 1]: of the networks' channels, and 255 behind them if known, else 0
    alpha: np.ndarray | None  # uint8 [T, h, w, 1], which what is made of it keeps; None of what moves
    milliseconds: tuple[int, ...]  # for which each frame is shown; () of a picture that does not move
    overruled: bool = False  # whether it is fully transparent somewhere, and a mask says what is missing


class Album(NamedTuple):
    """Pictures by their names, none of them read yet."""

    shown: str  # where they lie, or the one that was named
    files: Files
    paths: list[Path]  # of those that are files of this machine
    alone: bool  # whether a picture was named, and no folder or zip

    def called(self, i: int) -> str:
        """What messages call a picture."""
        return called(self.shown, self.files.names[i])

    def read(self, i: int, channels: int) -> Frames:
        """A picture, of so many channels. Raises DataError, naming it."""
        return decode_frames(self.shown, self.files, i, channels)


def open_album(path: Path) -> Album:
    """A picture, or those below a folder or in a zip. Raises DataError where there are none."""
    source = absolute(place(path).expanduser())
    shown = printable(source)
    if not is_remote(source) and is_picture(source.name) and not source.is_dir():
        return Album(shown, one_file(source, shown), [source], alone=True)
    if not is_remote(source) and source.is_file() and not zipfile.is_zipfile(source):
        raise DataError(f"{shown}: expected a picture ({', '.join(sorted(SUFFIXES))}), or a folder or .zip of them")
    files = only_pictures(list_files(source, shown), shown)
    in_folder = not is_remote(source) and source.is_dir()
    return Album(shown, files, [source / name for name in files.names] if in_folder else [], alone=False)


Read = Callable[[int], Picture]


def make_reader(album: Album, masks: Album | None, task: Task, channels: int) -> Read:
    """Reads the pictures of an album by their numbers, as a task has them; may be called from many threads at once.

    Where something is missing, by a mask or else by transparent pixels, what is half transparent, or transparent and by
    its mask not missing, lies on white, as all that is transparent does of what moves; else colours are what they are
    beneath the alpha. A mask is for all frames; of a mask that moves, the first counts. Raises DataError for a picture
    without a mask; reading does, where a picture or its mask cannot be read, has no hole, or nothing else, where they
    are not of one size, and where most of a mask is neither white nor black.
    """
    names = album.files.names
    numbers = None if masks is None else _namesakes(masks, album)

    def read(i: int) -> Picture:
        colours, alpha, milliseconds = album.read(i, channels)
        if not task.has_holes:
            if milliseconds:
                colours, alpha = _on_white(colours, alpha), None
            return Picture(beside(colours, np.full_like(colours[..., :1], 255)), alpha, milliseconds)
        if masks is not None and numbers is not None:
            found = masks.read(numbers[i], 1).colours[:1]
            if found.shape[1:3] != colours.shape[1:3]:
                raise DataError(
                    f"{masks.called(numbers[i])} has {_pixels(found)}, and {names[i]} has {_pixels(colours)}; a mask "
                    "is as large as its picture"
                )
            if np.mean((found >= 64) & (found < 192)) > 0.5:  # soft edges are a small part
                raise DataError(
                    f"{masks.called(numbers[i])} is mostly grey; a mask is white where something is to be made, and "
                    "black elsewhere"
                )
            known, where = np.broadcast_to(found < 128, (*colours.shape[:3], 1)), "its mask is white"
        elif alpha is not None:
            known, where = alpha > 0, "it is fully transparent"
        else:
            raise DataError(
                f"{album.called(i)} does not say what is missing of it; name a mask, white where it is, with --mask, "
                "or make it transparent there"
            )
        if known.all() or not known.any():
            extent = "nowhere" if known.all() else "everywhere"
            raise DataError(f"{album.called(i)}: {where} {extent}; mark what is to be made, and only that")
        overruled = masks is not None and alpha is not None and not alpha.all()
        pixels = beside(_on_white(colours, alpha), np.where(known, 255, 0).astype(np.uint8))
        return Picture(pixels, None, milliseconds, overruled)

    return read


def _namesakes(masks: Album, album: Album) -> list[int]:
    """The number of each picture's mask: the one that was named, or that of the same name."""
    if masks.alone:
        return [0] * len(album.files)
    found = {stem(name): i for i, name in enumerate(masks.files.names)}
    for name in album.files.names:
        if stem(name) not in found:
            raise DataError(f"{masks.shown}: no mask for {name}; it would be {stem(name)}.png, or another kind")
    return [found[stem(name)] for name in album.files.names]


def stem(name: str) -> str:
    """A file's path without what its name ends with."""
    return os.path.splitext(name)[0]


def _pixels(frames: np.ndarray) -> str:
    return f"{frames.shape[2]}x{frames.shape[1]} pixels"


def beside(*parts: np.ndarray) -> np.ndarray:
    """Images `[..., C]` as channels of one, in this order."""
    return np.concatenate(parts, axis=-1)


def _on_white(colours: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    if alpha is None:
        return colours
    share = alpha.astype(np.float32) / 255
    return np.round(colours * share + 255 * (1 - share)).astype(np.uint8)
