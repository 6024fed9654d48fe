"""Pictures that a browser sends: what is none, or too large, is refused before it is decoded."""

import base64
import binascii

import numpy as np

from gan_jax.data.listing import Files
from gan_jax.data.pictures import Pictures, decode_whole, size_of
from gan_jax.errors import DataError
from gan_jax.memory import in_words
from gan_jax.sizes import Size

NAME = "the picture"
"""What messages call it: its name comes later than it, or never."""

LARGEST = 1 << 25
"""Bytes of a file that the page takes."""


def received(content: str) -> Files:
    """A file, of base64 as a browser sends it. Raises DataError for one that is too large."""
    if (size := len(content) * 3 // 4) > LARGEST:
        raise DataError(f"{NAME}: {in_words(size)}, of which the page takes {in_words(LARGEST)}; reduce the picture")
    try:
        data = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise DataError(f"{NAME}: came damaged; choose it again") from None
    return Files([NAME], np.array([len(data)]), lambda i: data)


def fitted(file: Files, size: Size, channels: int) -> np.ndarray:
    """The picture brought to a size, uint8 `[*size, channels]`. Raises DataError where it is none, or too large."""
    found = Pictures("upload", file, size, channels).decode(0)
    if isinstance(found, str):
        raise DataError(f"{NAME} cannot be read: {found}; choose another")
    return found


def whole(file: Files, channels: int, most: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The picture at its own size, uint8 `[H, W, channels]`, and its alpha, `[H, W, 1]`, if it has any.

    Raises DataError where it is none, or has more pixels than `most`.
    """
    size = size_of(file, 0)
    if size is not None and size[0] * size[1] > most:
        raise DataError(
            f"{NAME}: {size[0]}x{size[1]} pixels, of which the page shows {most / 1e6:.1f} million; "
            "reduce it, or use gan-jax apply"
        )
    return decode_whole("upload", file, 0, channels)
