"""Images that are held out: which, and that they come whole, in memory and as they are needed."""

import dataclasses

import numpy as np
import pytest

from gan_jax.data.dataset import Dataset
from gan_jax.data.held_out import Chosen, split
from gan_jax.errors import DataError

NUMBERS = np.arange(200, dtype=np.uint8)
IMAGES = np.broadcast_to(NUMBERS[:, None, None, None], (200, 2, 3, 1)).copy()
HELD = Dataset("numbers", IMAGES, NUMBERS.astype(np.int32) % 7, tuple("abcdefg"))


class Distant:
    """The same, read as they are needed."""

    shape, dtype, nbytes = IMAGES.shape, IMAGES.dtype, 1000

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, rows):
        return IMAGES[rows]


READ = dataclasses.replace(HELD, images=Distant(), origin="files")
numbers = lambda data: data.images[:][:, 0, 0, 0]


@pytest.mark.parametrize("whole", [HELD, READ], ids=["in memory", "as needed"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.999 - 1 / 200])
def test_every_image_is_on_one_side_with_its_label(whole, share):
    data = split(whole, share)
    assert len(data.test) == round(share * 200)
    np.testing.assert_array_equal(np.sort(np.concatenate([numbers(data), numbers(data.test)])), NUMBERS)
    for side in (data, data.test):
        np.testing.assert_array_equal(side.labels, numbers(side) % 7)
        assert (side.classes, side.name, side.in_memory) == (whole.classes, whole.name, whole.in_memory)
    assert data.test.test is None


def test_which_are_held_out_depends_on_the_number_alone_and_is_spread():
    other = Dataset("other", np.ascontiguousarray(IMAGES[:, :1, :1]))
    held = numbers(split(HELD, 0.1).test)
    np.testing.assert_array_equal(numbers(split(other, 0.1).test), held)
    np.testing.assert_array_equal(numbers(split(READ, 0.1).test), held)
    assert np.all(np.diff(held.astype(int)) > 0)
    assert held[0] < 50
    assert held[-1] >= 150


def test_the_two_sides_are_known_apart():
    for whole in (HELD, READ):
        data = split(whole, 0.5)
        assert len({whole.fingerprint, data.fingerprint, data.test.fingerprint}) == 3


def test_chosen_images_are_a_source():
    source = Chosen(Distant(), np.array([5, 3, 150]))
    assert (source.shape, source.dtype, len(source)) == ((3, 2, 3, 1), np.uint8, 3)
    assert source.nbytes == 1000 + 3 * 8
    for rows, expected in ((slice(1, None), [3, 150]), ([2, 0, 2], [150, 5, 150]), (np.array([1]), [3]), ([], [])):
        np.testing.assert_array_equal(source[rows][:, 0, 0, 0], expected)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_a_side_without_images_is_refused(share):
    with pytest.raises(DataError, match=rf"numbers: {share} of 200 images to be held out leaves a side without any"):
        split(HELD, share)


def test_mapped_images_take_no_memory(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    data = split(Dataset("mapped", np.load(tmp_path / "images.npy", mmap_mode="r")), 0.1)
    assert data.images.nbytes == 180 * 8
