"""Pictures of one's own above masks of the same names, whose pixels are the numbers of classes."""

import math

import numpy as np
from PIL import Image, ImageOps

from gan_jax.data.dataset import Dataset
from gan_jax.data.listing import Files, list_files
from gan_jax.data.pairs import held_up_to, matching, require_all, sizes_of, told
from gan_jax.data.pictures import OF_A_PAIR, Pictures, only_pictures, origin
from gan_jax.data.resize import covering, fitted
from gan_jax.data.views import Joined
from gan_jax.errors import DataError, printable
from gan_jax.sizes import Size, shown, sides
from gan_jax.storage import place

UNKNOWN = 255
"""The number of no class: nobody knows what is there, as in the masks of PASCAL VOC."""


def load(path: str, *, size: Size, channels: int, classes: int, memory: float = math.inf) -> Dataset:
    """Pictures in folder A and masks in folder B, matched by name, as uint8 `[N, 2H, W, channels]`, a mask below each.

    A mask is a picture of one channel, or of a palette, whose pixels are the numbers of `classes`, from 0, or
    `UNKNOWN`; it is brought to the size as its picture is, but each pixel stays one of its own. Up to `memory` bytes
    are decoded now; more, as they are needed. Raises DataError as `pairs.load`, for masks of colours, and, naming it,
    for one with the number of no class, or of another size than its picture.
    """
    source = place(path).expanduser()
    name = printable(source)
    files = only_pictures(list_files(source, name), name)
    if (halves := matching(name, files)) is None:
        raise DataError(f"{name}: pictures and masks are in two folders, A and B, and have the same names")

    def fit(mask: Image.Image, size: Size, channels: int) -> np.ndarray:
        pixels = numbers(mask, size)
        if (wrong := pixels[(pixels >= classes) & (pixels != UNKNOWN)]).size:
            raise ValueError(f"class {wrong[0]} in a mask of {classes} classes, from 0 on; raise --task.classes")
        return np.repeat(pixels[..., None], channels, axis=-1)

    pictures, masks = (
        Pictures(name, half, size, channels, each, OF_A_PAIR) for half, each in zip(halves, (fitted, fit), strict=True)
    )
    require_all(name, len(masks), lambda i: _misfit(halves, i), "a mask is as large as its picture")
    _look_at_some(name, halves[1], masks)
    what = f"{name}: {len(masks):,} pictures and masks of {shown(sides(size))}"
    images = held_up_to(memory, Joined(pictures, masks, axis=1), what)
    return Dataset(printable(source.name), images, origin=origin(files))


LOOKED_AT = 16
"""Masks whose classes are looked at before all of them are taken for what they should be."""


def _misfit(halves: tuple[Files, Files], i: int) -> str | None:
    sizes = sizes_of(halves, i)
    return told(halves, i, sizes) if sizes and sizes[0] != sizes[1] else None


def _look_at_some(name: str, files: Files, masks: Pictures) -> None:
    """Raises DataError where masks have one class and else `UNKNOWN`."""
    some = min(LOOKED_AT, len(masks))
    seen = set(np.unique(masks[:some]).tolist())
    if UNKNOWN in seen and len(seen) == 2:
        (only,) = seen - {UNKNOWN}
        raise DataError(
            f"{name}: the first {some} masks in {files.names[0].rpartition('/')[0]} have class {only} alone, "
            f"and {UNKNOWN}, which is nobody's; write 1 where an object is"
        )


def numbers(mask: Image.Image, size: Size) -> np.ndarray:
    """The numbers in a mask, uint8 `[*size]`: of a palette its places, of greys their bytes.

    Raises ValueError for colours, of which nobody knows the classes, and for a JPEG, whose bytes are nearly them.
    """
    if mask.format in ("JPEG", "MPO"):
        raise ValueError("a mask in JPEG, which changes pixels, and so their classes; make masks as PNG")
    if mask.mode not in ("P", "L", "1", "I;16", "I"):
        raise ValueError(f"a mask of {mask.mode}; its pixels are the numbers of classes, grey or of a palette")
    ImageOps.exif_transpose(mask, in_place=True)
    pixels = np.asarray(covering(mask, size, Image.Resampling.NEAREST))
    if pixels.max() > UNKNOWN:
        raise ValueError(f"class {pixels.max()} in a mask; classes are numbered by bytes")
    return pixels.astype(np.uint8)
