"""The size of an image: pixels on a side of a square, or height and width of a rectangle. Imports nothing of JAX."""

import math
import re

Sides = tuple[int, int]
"""Height and width."""

Size = int | tuple[int, ...]  # the side of a square, or height and width


def sides(size: Size) -> Sides:
    """Height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def shown(size: Size) -> str:
    """A size as a person writes it: "64", or "48x64"."""
    height, width = sides(size)
    return f"{height}x{width}" if height != width else f"{height}"


def read(value: Size | str) -> Size | None:
    """The size that a person has written, as `shown` does; None if it is none."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch("([0-9]{1,9})x([0-9]{1,9})", value)
    return (int(found[1]), int(found[2])) if found else None


def laid(count: int, size: Size) -> tuple[int, int]:
    """How features lie in an image: how many of so many are of the whole, 0 or 1, and the side of the others' patches.

    One alone is of the whole image. Others are of square patches that fill it, row by row, behind one of the whole or
    none. Raises ValueError for a number that is neither.
    """
    height, width = sides(size)
    if count == 1:
        return 1, 0
    for whole in (0, 1):
        side = math.isqrt(height * width // max(1, count - whole))
        if side and (count - whole) * side * side == height * width and not (height % side or width % side):
            return whole, side
    raise ValueError(
        f"{count} features are neither one of the image, nor one for each patch of {shown(size)} pixels, with one of "
        "the whole before them or without"
    )


def doublings(size: Size) -> int:
    """How often a generator doubles its first maps: their longer side is 4 pixels, or 5 to 7 for no power of two."""
    return max(sides(size)).bit_length() - 3


def coarsest(size: Size) -> Sides:
    """Height and width of the first maps, of the image's own shape: 4x4 for 64 pixels, 3x4 for 48x64.

    Raises ValueError for a shorter side that is no whole number of those doubled.
    """
    height, width = sides(size)
    times = 1 << doublings(size)
    if height % times or width % times:
        longer = max(height, width)
        raise ValueError(f"images with a longer side of {longer} have multiples of {times}, not {shown(size)}")
    return height // times, width // times


def nearest(size: Size, longer: tuple[int, ...], *, square: bool = False) -> Sides:
    """Of the sizes with one of these longer sides that are whole maps doubled, the nearest: itself, if it is one."""
    most = max(sides(size))
    side = min(longer, key=lambda known: abs(known - most))
    step = 1 << doublings(side)
    height, width = (max(1, round(own * side / (most * step))) * step for own in sides(size))
    return (side, side) if square else (height, width)
