"""scikit-learn's handwritten digits: 1,797 real images of 8x8 pixels that come with the package."""

from functools import cache

import numpy as np

from gan_jax.data.dataset import Dataset


def load() -> Dataset:
    """Alpaydin & Kaynak's optical digits (UCI, 1998), test part; grey levels 0 to 16 stretched to 0 to 255."""
    return Dataset("digits", *_read(), tuple(map(str, range(10))))


@cache
def _read() -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, which nobody may change; scikit-learn reads its text anew each time."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int32)
    for array in (images, labels):
        array.flags.writeable = False
    return images, labels
