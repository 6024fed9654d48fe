import dataclasses

import numpy as np
import pytest

from gan_jax.data import dataset
from gan_jax.data.dataset import SAMPLED, Dataset
from gan_jax.errors import DataError

IMAGES = np.arange(2 * 3 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3, 3)
LABELLED = Dataset("two", IMAGES, np.array([0, 1], np.int32), ("cat", "dog"))


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (IMAGES.astype(np.float64), None, r"float64 \(2, 3, 3, 3\)"),
        (np.zeros((2, 3, 3, 17), np.float32), None, r"float32 \(2, 3, 3, 17\)"),
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


class Distant:
    """Images that are not in memory, and how many of them were read."""

    nbytes = 1000

    def __init__(self, images):
        self._images, self.shape, self.dtype, self.seen = images, images.shape, images.dtype, 0

    def __len__(self):
        return len(self._images)

    def __getitem__(self, rows):
        self.seen += len(self._images[rows])
        return self._images[rows]


NOISE = np.random.default_rng(0).integers(0, 256, (1000, 2, 2, 1), np.uint8)


def test_images_that_are_not_in_memory_are_known_by_a_few_of_them():
    data = Dataset("noise", Distant(NOISE), origin="files")
    assert data.fingerprint.endswith(SAMPLED)
    assert data.images.seen <= dataset.SAMPLE
    others = [NOISE[::-1], NOISE[:-1], NOISE.reshape(1000, 1, 4, 1)]
    changes = [{"images": Distant(images)} for images in others]
    changes += [{"origin": "other"}, {"labels": np.zeros(1000, np.int32)}, {"classes": ("cat",)}]
    for change in changes:
        assert dataclasses.replace(data, **change).fingerprint != data.fingerprint


@pytest.mark.parametrize("began_in_memory", [True, False])
def test_a_run_goes_on_where_its_images_are_held_otherwise(began_in_memory, capsys):
    held, read = (Dataset("noise", images, origin="files") for images in (NOISE, Distant(NOISE)))
    then, now = (held, read) if began_in_memory else (read, held)
    now.must_be(then.fingerprint, 1000)
    assert ("reading all 1,000 images once" in capsys.readouterr().out) == began_in_memory
    changed = NOISE.copy()
    changed[-1] += 1
    others = [changed] if began_in_memory else [NOISE[::-1]]
    for other in others:
        kind = Distant if began_in_memory else np.asarray
        with pytest.raises(DataError, match=r"not those that this run was trained on \(1000 images now, 1000 then"):
            dataclasses.replace(now, images=kind(other)).must_be(then.fingerprint, 1000)


def test_another_number_of_images_is_told_without_reading_them(capsys):
    data = Dataset("noise", Distant(NOISE))
    with pytest.raises(DataError, match="1000 images now, 999 then"):
        data.must_be("0" * 64, 999)
    assert data.images.seen == 0
    assert capsys.readouterr().out == ""


def test_memory_is_that_of_what_is_held_and_of_what_is_read_ahead():
    per_batch = dataset.AHEAD * 10 * 4
    labels = np.zeros(1000, np.int32)
    assert Dataset("noise", NOISE, labels, ("cat",)).memory(10) == 4000 + 4000 + 2 * 2 * 1000 + per_batch
    assert Dataset("noise", Distant(NOISE)).memory(10) == 1000 + 2 * 2 * 1000 + per_batch
