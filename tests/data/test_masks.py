"""Pictures above the masks of their names, whose pixels are numbers, not colours."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import cluttered, digits, masks
from gan_jax.errors import DataError

NUMBERS = np.array([[0, 1, 2, 255], [3, 3, 0, 1]] * 2, np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name in "AB":
        (tmp_path / name).mkdir()
    for i in range(3):
        Image.fromarray(np.full((4, 4, 3), 10 * i, np.uint8)).save(tmp_path / "A" / f"{i}.png")
        Image.fromarray(NUMBERS).save(tmp_path / "B" / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize("memory", [1e9, 0])
def test_pictures_are_above_their_masks(folder, memory):
    found = masks.load(str(folder), size=4, channels=3, classes=4, memory=memory)
    assert found.images.shape == (3, 8, 4, 3)
    assert found.in_memory == (memory > 0)
    images = found.images[:]
    assert np.all(images[2, :4] == 20)
    np.testing.assert_array_equal(images[2, 4:], np.repeat(NUMBERS[..., None], 3, axis=-1))


def test_a_palette_is_read_by_its_places_whatever_its_colours(folder):
    mask = Image.fromarray(NUMBERS).convert("P")
    mask.putdata(NUMBERS.ravel().tolist())
    mask.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    mask.save(folder / "B" / "1.png")
    found = masks.load(str(folder), size=4, channels=1, classes=4)
    np.testing.assert_array_equal(found.images[1, 4:, :, 0], NUMBERS)


def test_a_jpeg_is_no_mask(folder):
    (folder / "B" / "1.png").unlink()
    Image.fromarray(NUMBERS).save(folder / "B" / "1.jpg")
    with pytest.raises(DataError, match=r"B/1\.jpg cannot be read: a mask in JPEG, which changes pixels.*PNG"):
        masks.load(str(folder), size=4, channels=1, classes=4)


def test_a_mask_that_is_resized_has_no_numbers_between(folder):
    larger = np.kron(NUMBERS, np.ones((5, 5), np.uint8))
    Image.fromarray(larger).save(folder / "A" / "1.png")
    Image.fromarray(larger).save(folder / "B" / "1.png")
    found = masks.load(str(folder), size=3, channels=1, classes=4)
    assert set(np.unique(found.images[1, 3:])) <= {0, 1, 2, 3, 255}


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (Image.fromarray(NUMBERS + np.uint8(2)), r"B/1\.png cannot be read: class [45] in a mask of 4 classes"),
        (Image.new("RGB", (4, 4)), r"B/1\.png cannot be read: a mask of RGB; its pixels are the numbers of classes"),
    ],
)
def test_masks_that_tell_no_class_are_named(folder, mask, said):
    mask.save(folder / "B" / "1.png")
    with pytest.raises(DataError, match=said) as refused:
        masks.load(str(folder), size=4, channels=3, classes=4)
    assert "\n" not in str(refused.value)


def test_masks_of_black_and_white_are_not_taken_for_masks_of_what_nobody_knows(folder):
    for i in range(3):
        Image.fromarray(np.where(NUMBERS > 1, 255, 0).astype(np.uint8)).save(folder / "B" / f"{i}.png")
    with pytest.raises(DataError, match="the first 3 masks in B have class 0 alone, and 255, which is nobody's; write"):
        masks.load(str(folder), size=4, channels=3, classes=2)


def test_a_mask_of_another_size_than_its_picture_is_named(folder):
    Image.fromarray(NUMBERS[:2]).save(folder / "B" / "1.png")
    with pytest.raises(DataError, match=r"B/1\.png is 4x2 pixels, and A/1\.png is 4x4; a mask is as large as its"):
        masks.load(str(folder), size=4, channels=3, classes=4)


def test_a_later_mask_of_another_size_is_found_before_anything_is_decoded(folder):
    for i in range(3, 30):
        for name in "AB":
            Image.fromarray(NUMBERS[: 2 if (name, i) in (("B", 25), ("B", 29)) else 4]).save(folder / name / f"{i}.png")
    with pytest.raises(
        DataError, match=r"B/25\.png is 4x2 pixels, and A/25\.png is 4x4 \(and 1 more like it\); a mask"
    ):
        masks.load(str(folder), size=4, channels=3, classes=4, memory=0)


def test_a_third_folder_is_named(folder):
    (folder / "C").mkdir()
    Image.fromarray(NUMBERS).save(folder / "C" / "0.png")
    with pytest.raises(DataError, match="there is C beside the folders A and B, which are all of it"):
        masks.load(str(folder), size=4, channels=3, classes=4)


def test_pictures_without_masks_are_refused(folder):
    (folder / "B" / "1.png").unlink()
    with pytest.raises(DataError, match=r"A/1\.png has no picture of its name in the other folder"):
        masks.load(str(folder), size=4, channels=3, classes=4)


def test_pictures_beside_each_other_are_no_masks(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "0.png")
    with pytest.raises(DataError, match="pictures and masks are in two folders, A and B, and have the same names"):
        masks.load(str(tmp_path), size=4, channels=3, classes=4)


def test_a_digit_on_a_photograph_is_where_its_mask_says():
    found = cluttered.load(digits.load())
    again = cluttered.load(digits.load())
    np.testing.assert_array_equal(found.images[np.array([7, 3])], again.images[:8][[7, 3]])  # by its number alone
    assert not np.array_equal(found.images[:8], cluttered.load(digits.load(), seed=1).images[:8])
    for image, label in zip(found.images[:40], found.labels, strict=False):
        picture, mask = image[:32].astype(int), image[32:]
        assert set(np.unique(mask)) == {0, 1 + label}
        rows, columns = np.nonzero(mask[..., 0])
        assert 3 <= max(np.ptp(rows), np.ptp(columns)) < 28
        assert picture.std() > 0
    with pytest.raises(ValueError, match="expected one channel and labels, got 3 channels"):
        cluttered.load(found)
