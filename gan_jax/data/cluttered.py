"""Digits on photographs, each above the mask that tells where it is and which: a segmentation whose truth is known."""

import numpy as np
from PIL import Image

from gan_jax.data.dataset import Dataset, places
from gan_jax.data.resize import resize_all
from gan_jax.types import Rows

SMALLEST, LARGEST = 20, 28
"""Pixels of a digit's side, which is as MNIST has it at most."""

SIDE = 32
"""Pixels of a picture's side."""


class Cluttered:
    """Pictures above masks, uint8 `[N, 2 · 32, 32, 3]`, made when they are asked for: a `Source`.

    A digit of a bright colour of its own, between 20 and 28 pixels large, lies anywhere on a crop of a photograph, at
    one of three scales, that is half as bright as it was. Its mask has 1 + the digit's class where at least half of a
    pixel is ink, else 0, in all channels. What is drawn for an image depends on its number and the seed alone.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, digits: np.ndarray, labels: np.ndarray, photographs: list[np.ndarray], seed: int) -> None:
        self._digits, self._labels, self._seed = digits, labels, seed
        self._photographs = [scaled for photograph in photographs for scaled in _at_scales(photograph)]
        self.shape = (len(digits), 2 * SIDE, SIDE, 3)

    def __len__(self) -> int:
        return len(self._digits)

    @property
    def nbytes(self) -> int:
        """Of the digits and the photographs."""
        return self._digits.nbytes + self._labels.nbytes + sum(each.nbytes for each in self._photographs)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        return np.stack([self._one(int(i)) for i in places(rows, len(self))])

    def _one(self, i: int) -> np.ndarray:
        draw = np.random.Generator(np.random.Philox(key=[self._seed, i]))
        photograph = self._photographs[draw.integers(len(self._photographs))]
        picture = _crop(draw, photograph).astype(np.float32) / 2
        size = int(draw.integers(SMALLEST, LARGEST + 1))
        digit = resize_all(self._digits[i : i + 1], size, 1)[0].astype(np.float32) / 255
        top, left = draw.integers(SIDE - size + 1, size=2)
        where = (slice(top, top + size), slice(left, left + size))
        picture[where] += digit * (draw.integers(128, 256, size=3) - picture[where])
        mask = np.zeros((SIDE, SIDE, 3), np.uint8)
        mask[where] = np.where(digit >= 0.5, 1 + self._labels[i], 0)
        return np.concatenate([np.round(picture).astype(np.uint8), mask])


def load(digits: Dataset, *, seed: int = 0) -> Dataset:
    """Puts each of `digits`, one channel and labels, on the photographs that come with scikit-learn.

    Raises ValueError for images of more than one channel, or without labels.
    """
    from sklearn.datasets import load_sample_images

    if digits.images.shape[-1] != 1 or digits.labels is None:
        raise ValueError(f"{digits.name}: expected one channel and labels, got {digits.images.shape[-1]} channels")
    images = Cluttered(np.asarray(digits.images), digits.labels, load_sample_images().images, seed)
    origin = f"{digits.origin} on photographs of scikit-learn, seed {seed}"
    return Dataset(f"cluttered_{digits.name}", images, digits.labels, digits.classes, origin)


def _at_scales(photograph: np.ndarray) -> list[np.ndarray]:
    height, width = photograph.shape[:2]
    small = lambda factor: Image.fromarray(photograph).resize((width // factor, height // factor))
    return [np.asarray(small(factor)) for factor in (1, 2, 4)]


def _crop(draw: np.random.Generator, photograph: np.ndarray) -> np.ndarray:
    height, width = photograph.shape[:2]
    top, left = draw.integers(height - SIDE + 1), draw.integers(width - SIDE + 1)
    return photograph[top : top + SIDE, left : left + SIDE]
