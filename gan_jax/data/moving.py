"""Digits that move at constant velocity and bounce off the border: clips whose truth is known."""

import numpy as np

from gan_jax.data.dataset import Dataset, places
from gan_jax.data.resize import resize_all
from gan_jax.types import Rows

DIGIT = 5 / 8
"""A digit's side, of a frame's."""

SPEEDS = (1 / 32, 5 / 64)
"""The slowest and the fastest, in sides of a frame for each frame: 1 to 2.5 pixels of 32."""


class Moving:
    """Clips, frames one above another, uint8 `[N, T · S, S, 1]`, made when they are asked for: a `Source`.

    Each digit has one clip, of a place, a direction and a speed of its own, which are functions of its number and the
    seed alone. Between pixels it is interpolated.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, digits: np.ndarray, frames: int, side: int, seed: int) -> None:
        self._digits, self._frames, self._side, self._seed = digits, frames, side, seed
        self.shape = (len(digits), frames * side, side, 1)

    def __len__(self) -> int:
        return len(self._digits)

    @property
    def nbytes(self) -> int:
        """Of the digits."""
        return self._digits.nbytes

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        return np.stack([self._one(int(i)) for i in places(rows, len(self))])

    def _one(self, i: int) -> np.ndarray:
        draw = np.random.Generator(np.random.Philox(key=[self._seed, i]))
        size = round(self._side * DIGIT)
        room = self._side - size
        start, angle = draw.uniform(0, room, size=2), draw.uniform(0, 2 * np.pi)
        velocity = self._side * draw.uniform(*SPEEDS) * np.array([np.sin(angle), np.cos(angle)])
        corners = bounced(start + np.arange(self._frames)[:, None] * velocity, room)
        digit = resize_all(self._digits[i : i + 1], size, 1)[0, ..., 0].astype(np.float64)
        down, right = (_painted(corners[:, axis], size, self._side) for axis in (0, 1))
        return np.round(down @ digit @ right.swapaxes(1, 2)).astype(np.uint8).reshape(self.shape[1:])


def bounced(way: np.ndarray, room: float) -> np.ndarray:
    """A way on a line, as it is folded between walls at 0 and at `room`."""
    return room - np.abs(way % (2 * room) - room)


def _painted(corners: np.ndarray, size: int, side: int) -> np.ndarray:
    """`[T, side, size]`: how much of each pixel of a digit, whose first lies at a corner `[T]`, each of a frame has."""
    there = corners[:, None, None] + np.arange(size)
    return np.maximum(0, 1 - np.abs(np.arange(side)[:, None] - there))


def load(digits: Dataset, *, frames: int, side: int, seed: int = 0) -> Dataset:
    """Moves each of `digits`, of one channel, through so many square frames.

    Raises ValueError for images of more than one channel.
    """
    if digits.images.shape[-1] != 1:
        raise ValueError(f"{digits.name}: expected one channel, got {digits.images.shape[-1]}")
    images = Moving(np.asarray(digits.images), frames, side, seed)
    origin = f"{digits.origin} moving through {frames} frames of {side} pixels, seed {seed}"
    return Dataset(f"moving_{digits.name}", images, digits.labels, digits.classes, origin, frames=frames)
