"""Stacked MNIST: three digits as red, green and blue, a thousand modes whose coverage can be counted."""

import numpy as np

from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError
from gan_jax.memory import require_memory

COUNT = 128_000
"""Images in the set, as Lin et al. 2018 (PacGAN, arXiv:1712.04086, section 4.2) draw it."""


def load(digits: Dataset, *, count: int = COUNT, seed: int = 0) -> Dataset:
    """Stacks random triples of `digits`, one channel and ten classes, into `[count, H, W, 3]`.

    Class 100 a + 10 b + c shows digit a in red, b in green and c in blue. Metz et al. 2017 (arXiv:1611.02163,
    section 3.3.1). Raises ValueError for images of more than one channel, or without ten classes; DataError for more
    than memory holds.
    """
    if digits.images.shape[-1] != 1 or digits.labels is None or len(digits.classes) != 10:
        raise ValueError(
            f"{digits.name}: expected one channel and ten classes to stack, got {digits.images.shape[-1]} and "
            f"{len(digits.classes)}"
        )
    shown = np.asarray(digits.images)
    height, width = digits.images.shape[1:3]
    what = f"stacked_{digits.name}: {count:,} images of {height}x{width}x3"
    require_memory(2 * 3 * count * height * width, what, "choose a smaller --data.size", error=DataError)
    picked = np.random.Generator(np.random.Philox(key=seed)).integers(len(digits), size=(count, 3))
    images = np.stack([shown[picked[:, channel], ..., 0] for channel in range(3)], axis=-1)
    labels = digits.labels[picked] @ np.array([100, 10, 1], np.int32)
    return Dataset(f"stacked_{digits.name}", images, labels.astype(np.int32), tuple(f"{i:03d}" for i in range(1000)))
