"""Images made in overlapping tiles, where the whole is too large to be made at once."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gan_jax.sizes import Sides


def in_tiles(make: Callable[[np.ndarray], np.ndarray], given: np.ndarray, tile: Sides, times: int) -> np.ndarray:
    """Images `[B, times · h, times · w, C]` of what is given, `[B, h, w, c]`; `make` takes tiles `[B, *tile, c]`.

    Neighbours share a quarter of a tile or more, and are blended there, linearly. Where each pixel is made of its own
    alone, the result is that of one piece, to the bit. Networks look around: at a tile's border they see what they see
    at an image's, and there a tile counts least. They may look further than tiles overlap, 23 blocks of ESRGAN some 350
    pixels to each side, and instance normalisation looks at all of a tile: the result then has no seam, but is
    not that of one piece.
    """
    rows, columns = (places(side, own) for side, own in zip(given.shape[1:3], tile, strict=True))

    def strip(row: int) -> np.ndarray:
        parts = (make(given[:, row : row + tile[0], column : column + tile[1]]) for column in columns)
        return joined(parts, [times * column for column in columns], axis=2)

    return joined(map(strip, rows), [times * row for row in rows], axis=1)


def places(side: int, tile: int) -> list[int]:
    """Where tiles begin that cover a side: neighbours share a quarter of a tile or more, the last ends with it."""
    return [*range(0, side - tile, tile - tile // 4), side - tile]


def joined(parts: Iterable[np.ndarray], starts: Sequence[int], axis: int) -> np.ndarray:
    """Arrays of one shape laid along an axis, each from its start on, and blended linearly where they overlap."""
    end, whole = 0, np.empty(0)
    for start, part in zip(starts, parts, strict=True):
        laid = np.moveaxis(part, axis, 0)
        if not end:
            whole = np.empty((starts[-1] + len(laid), *laid.shape[1:]), laid.dtype)
        shared = end - start
        share = ((np.arange(shared, dtype=laid.dtype) + 0.5) / shared).reshape(-1, *[1] * (laid.ndim - 1))
        whole[start:end] += share * (laid[:shared] - whole[start:end])  # where both are the same, this changes nothing
        whole[end : start + len(laid)] = laid[shared:]
        end = start + len(laid)
    return np.moveaxis(whole, 0, axis)
