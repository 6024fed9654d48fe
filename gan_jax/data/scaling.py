"""Floats of any range, such as an autoencoder's latents, and what of them networks see: channels of one deviation.

Each channel is brought to a mean of 0 and the same deviation, by what it has over the whole set. Karras et al. 2024
(EDM2, arXiv:2312.02696) do so with the latents of Stable Diffusion's autoencoder, to 0.5; others multiply those by
0.18215 alone, which brings all of them together to a deviation of about 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.data.reading import in_blocks
from gan_jax.errors import DataError
from gan_jax.types import Rows, Source


class Scaling(NamedTuple):
    """Of each channel: networks see (x - mean) / scale."""

    mean: Sequence[float]
    scale: Sequence[float]

    def seen(self, images: np.ndarray) -> np.ndarray:
        """Images `[..., C]` in the data's own range as networks see them, float32."""
        return (np.asarray(images, np.float32) - _floats(self.mean)) / _floats(self.scale)

    def back(self, images: np.ndarray) -> np.ndarray:
        """What networks see, in the data's own range, float32."""
        return np.asarray(images, np.float32) * _floats(self.scale) + _floats(self.mean)


class Scaled:
    """Images as networks see them, scaled whenever they are read: a `Source`."""

    dtype = np.dtype(np.float32)

    def __init__(self, images: Source, scaling: Scaling) -> None:
        self._images, self._scaling = images, scaling
        self.shape = images.shape
        self.nbytes = 0 if isinstance(images, np.memmap) else images.nbytes

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        return self._scaling.seen(self._images[rows])


def measured(name: str, images: Source, deviation: float) -> Scaling:
    """What brings each channel of images `[N, H, W, C]` to a mean of 0 and this deviation; reads all of them once.

    To nine digits, so that sums in another order hardly ever make another. Raises DataError for values that are not
    finite, and for channels that are the same everywhere.
    """
    channels = images.shape[-1]
    centre, total, squares, seen = None, np.zeros(channels), np.zeros(channels), 0
    for block in in_blocks(images):
        finite = np.isfinite(block.astype(np.float32)).all((1, 2, 3))
        if not finite.all():
            bad = seen + int(np.argmin(finite))
            raise DataError(f"{name}: image {bad} has values that are not finite; mend it, or leave it out")
        values = block.reshape(-1, channels).astype(np.float64)
        centre = values[0] if centre is None else centre  # any that is near: squares of large numbers lose digits
        total += np.sum(values - centre, axis=0)
        squares += np.sum(np.square(values - centre), axis=0)
        seen += len(block)
    assert centre is not None
    count = seen * images.shape[1] * images.shape[2]
    found = np.sqrt(np.maximum(squares / count - np.square(total / count), 0))
    flat = found <= 1e-6 * np.abs(centre)
    if flat.any():
        raise DataError(
            f"{name}: channel {np.argmax(flat)} is the same in all images and has no deviation; leave it out"
        )
    return Scaling(_rounded(centre + total / count), _rounded(found / deviation))


def _floats(values: Sequence[float]) -> np.ndarray:
    return np.array(values, np.float32)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.9g}") for value in values)
