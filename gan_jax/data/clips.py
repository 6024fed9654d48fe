"""Clips of one's own: animated GIF or WebP files, read as frames one above another."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image

from gan_jax.data import pictures
from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import fitted
from gan_jax.sizes import Size, sides


def load(
    path: str,
    *,
    frames: int,
    size: Size,
    channels: int,
    on_bad: Literal["refuse", "skip"] = "refuse",
    memory: float = math.inf,
) -> Dataset:
    """The first `frames` of every clip below `path`, as uint8 `[N, frames · H, W, channels]`, each frame of `size`.

    In all else as `pictures.load`; a clip of fewer frames is one that cannot be read. How long a frame is shown is not
    looked at.
    """

    def fit(clip: Image.Image, size: Size, channels: int) -> np.ndarray:
        if (found := getattr(clip, "n_frames", 1)) < frames:
            raise ValueError(f"{found} frame{'s' * (found > 1)}, of clips of {frames}; lower --data.frames")
        height, width = sides(size)
        return np.concatenate([_frame(clip, i, (height // frames, width), channels) for i in range(frames)])

    height, width = sides(size)
    strip = (frames * height, width)
    read = pictures.load(path, size=strip, channels=channels, on_bad=on_bad, memory=memory, fit=fit, things="clips")
    return replace(read, frames=frames)


def _frame(clip: Image.Image, i: int, size: Size, channels: int) -> np.ndarray:
    clip.seek(i)
    return fitted(clip.copy(), size, channels)
