"""Sources made of other sources, whose images are made when they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gan_jax.types import Rows, Source


@dataclass(frozen=True)
class Joined:
    """Images of two sources as one, joined along their height (axis 1) or their width (axis 2)."""

    first: Source
    second: Source
    axis: int

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, 2H, W, C)`, or `(N, H, 2W, C)`."""
        shape = list(self.first.shape)
        shape[self.axis] *= 2
        return tuple(shape)

    @property
    def dtype(self) -> np.dtype:
        """Of both."""
        return self.first.dtype

    @property
    def nbytes(self) -> int:
        """Of both."""
        return self.first.nbytes + self.second.nbytes

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        return np.concatenate([self.first[rows], self.second[rows]], axis=self.axis)


@dataclass(frozen=True)
class Seen:
    """A source's images as a function sees them, `[n, ...] -> uint8 [n, height, width, channels]`."""

    source: Source
    look: Callable[[np.ndarray], np.ndarray]
    size: tuple[int, int, int]  # (height, width, channels) of what it sees

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, height, width, channels)`."""
        return (len(self), *self.size)

    @property
    def nbytes(self) -> int:
        """The source's."""
        return self.source.nbytes

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        return self.look(self.source[rows])
