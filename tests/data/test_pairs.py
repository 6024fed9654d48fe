"""Pairs of one's own pictures, in both layouts."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import pairs
from gan_jax.errors import DataError


def picture(value, *, width=8):
    return Image.fromarray(np.full((8, width, 3), value, np.uint8))


@pytest.fixture
def folders(tmp_path):
    for i in range(4):
        for folder, value, ending in (("A", 10 * i, "png"), ("B", 100 + 10 * i, "bmp")):
            (tmp_path / folder).mkdir(exist_ok=True)
            picture(value).save(tmp_path / folder / f"{i}.{ending}")
    return tmp_path


@pytest.mark.parametrize("memory", [1e9, 0])
def test_two_folders_are_paired_by_name_whatever_the_ending(folders, memory):
    found = pairs.load(str(folders), size=8, channels=3, memory=memory)
    assert found.images.shape == (4, 8, 16, 3)
    assert found.in_memory == (memory > 0)
    images = found.images[:]
    assert images[2, :, :8].ravel().tolist() == [20] * 8 * 8 * 3
    assert images[2, :, 8:].ravel().tolist() == [120] * 8 * 8 * 3


def test_pictures_side_by_side_are_what_the_folders_are(folders, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    for i in range(4):
        both = picture(10 * i, width=16)
        both.paste(picture(100 + 10 * i), (8, 0))
        both.save(whole / f"{i}.png")
    beside = pairs.load(str(whole), size=8, channels=3)
    np.testing.assert_array_equal(beside.images, pairs.load(str(folders), size=8, channels=3).images)


def test_other_pictures_are_other_data_though_none_is_looked_at(folders):
    before = pairs.load(str(folders), size=8, channels=3, memory=0).fingerprint
    (folders / "A" / "3.png").rename(folders / "A" / "4.png")
    (folders / "B" / "3.bmp").rename(folders / "B" / "4.bmp")
    assert pairs.load(str(folders), size=8, channels=3, memory=0).fingerprint != before


def test_pictures_that_are_no_pairs_are_not_cut_in_half(tmp_path):
    picture(0).save(tmp_path / "0.png")
    with pytest.raises(DataError, match=r"0\.png is 8x8 pixels, and a pair side by side is about 2"):
        pairs.load(str(tmp_path), size=8, channels=3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: (at / "B" / "1.bmp").unlink(), r"A/1\.png has no picture of its name in the other folder"),
        (lambda at: picture(0).save(at / "A" / "1.bmp"), r"A/1\.bmp and A/1\.png have one name|A/1\.png and A/1\.bmp"),
        (lambda at: [file.unlink() for file in (at / "B").iterdir()], "pictures are in A alone"),
        (lambda at: (at / "B" / "1.bmp").write_bytes(b"no"), r"B/1\.bmp cannot be read: not an image"),
    ],
)
def test_what_is_no_pair_is_named(folders, spoil, said):
    spoil(folders)
    with pytest.raises(DataError, match=said):
        pairs.load(str(folders), size=8, channels=3)
