import dataclasses

import numpy as np
import pytest

from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError

IMAGES = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
LABELLED = Dataset("two", IMAGES, np.array([0, 1], np.int32), ("cat", "dog"))


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (IMAGES.astype(np.float32), None, r"float32 \(2, 3, 3, 3\)"),
        (IMAGES[..., 0], None, r"uint8 \(2, 3, 3\)"),
        (IMAGES[..., :2], None, r"uint8 \(2, 3, 3, 2\)"),
        (IMAGES[:0], None, "no images in it"),
        (IMAGES, np.zeros(3, np.int32), "3 labels for 2 images"),
    ],
)
def test_what_is_no_image_dataset_is_refused_by_name(images, labels, said):
    with pytest.raises(DataError, match=f"mine: .*{said}"):
        Dataset("mine", images, labels, ("a",))


@pytest.mark.parametrize(
    "change",
    [
        {"images": IMAGES[::-1]},
        {"images": IMAGES.reshape(2, 1, 9, 3)},
        {"labels": np.array([1, 0], np.int32)},
        {"labels": None},
        {"classes": ("cat", "cow")},
    ],
)
def test_fingerprint_is_of_all_that_training_sees(change):
    assert dataclasses.replace(LABELLED, **change).fingerprint != LABELLED.fingerprint


def test_fingerprint_does_not_depend_on_the_name_or_the_memory_layout():
    same = dataclasses.replace(LABELLED, name="other", images=np.asfortranarray(IMAGES))
    assert same.fingerprint == LABELLED.fingerprint
