"""Two domains: which images are in which, which are held out, and how they are joined."""

import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import domains, pictures
from gan_jax.data.dataset import Dataset
from gan_jax.data.held_out import split
from gan_jax.data.views import Seen
from gan_jax.errors import DataError


def numbered(count, start=0):
    """Images of 1x2 pixels whose value is their number, and their label."""
    numbers = np.arange(start, start + count)
    images = np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None], (count, 1, 2, 1))
    return Dataset("numbers", images.copy(), numbers.astype(np.int32), tuple(map(str, range(300))))


def test_halves_are_disjoint_and_hold_all():
    even, odd = domains.halves(numbered(7))
    assert (even.labels.tolist(), odd.labels.tolist()) == ([0, 2, 4, 6], [1, 3, 5])
    with pytest.raises(DataError, match="one image is no two halves"):
        domains.halves(numbered(1))


def test_domains_of_other_sizes_are_joined_and_nothing_that_is_held_out_is_trained_on():
    a, b = split(numbered(10), 0.2), split(numbered(20, start=100), 0.2)
    joined = domains.join(a, b)
    assert joined.in_memory
    assert (joined.images.shape, joined.test.images.shape) == ((16, 2, 2, 1), (2, 2, 2, 1))
    above, below = joined.images[:, 0, 0, 0], joined.images[:, 1, 0, 0]
    np.testing.assert_array_equal(joined.labels, np.stack([above, below], axis=1))
    np.testing.assert_array_equal(above, np.tile(a.labels, 2))
    np.testing.assert_array_equal(below, b.labels)
    held = set(joined.test.images[:, 0, 0, 0].tolist()), set(joined.test.images[:, 1, 0, 0].tolist())
    assert [len(side) for side in held] == [2, 2]
    assert not held[0] & set(above.tolist())
    assert not held[1] & set(below.tolist())


@pytest.fixture
def folders(tmp_path):
    for folder, count in (("A", 3), ("B", 5)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            Image.fromarray(np.full((8, 8, 3), 10 * i + 100 * (folder == "B"), np.uint8)).save(
                tmp_path / folder / f"{folder}{i}.png"
            )
    return tmp_path


def test_two_folders_need_not_match_and_are_the_same_however_they_are_held(folders):
    held, read = (
        domains.join(*domains.by_folder(pictures.load(str(folders), size=8, channels=3, memory=memory)))
        for memory in (1e9, 0)
    )
    assert (held.in_memory, read.in_memory) == (True, False)
    np.testing.assert_array_equal(held.images, read.images[:])
    assert held.images[:, 0, 0, 0].tolist() == [0, 10, 20, 0, 10]
    assert held.images[:, 8, 0, 0].tolist() == [100, 110, 120, 130, 140]
    assert held.labels is None
    assert held.sampled == read.sampled
    assert held.pixels == read.pixels


def test_pictures_in_other_folders_are_no_two_domains(folders):
    (folders / "C").mkdir()
    Image.new("RGB", (8, 8)).save(folders / "C" / "0.png")
    with pytest.raises(DataError, match="two domains are pictures in two folders, A and B; there are 3 folders"):
        domains.by_folder(pictures.load(str(folders), size=8, channels=3))
    with pytest.raises(DataError, match="there are no such folders, or pictures beside them"):
        domains.by_folder(pictures.load(str(folders / "A"), size=8, channels=3))


@pytest.mark.parametrize(
    ("left", "said"), [("A", "pictures are in A alone; .* B is missing"), ("B", "in B alone; .* A is missing")]
)
def test_a_domain_that_is_missing_is_named(folders, left, said):
    shutil.rmtree(folders / ("B" if left == "A" else "A"))
    with pytest.raises(DataError, match=said):
        domains.by_folder(pictures.load(str(folders), size=8, channels=3))


def test_a_folder_around_both_domains_is_none_of_them(folders, tmp_path_factory):
    around = tmp_path_factory.mktemp("around")
    shutil.copytree(folders, around / "horses")
    found = domains.by_folder(pictures.load(str(around), size=4, channels=1, memory=1e9))
    plain = domains.by_folder(pictures.load(str(folders), size=4, channels=1, memory=1e9))
    assert [len(side) for side in found] == [len(side) for side in plain]


def test_a_source_is_seen_through_a_function_whatever_rows_are_asked_for():
    source = numbered(6).images
    seen = Seen(source, lambda images: 255 - images[:, :, :1], (1, 1, 1))
    assert (seen.shape, seen.dtype, len(seen)) == ((6, 1, 1, 1), np.uint8, 6)
    for rows in (slice(1, 4), [5, 0], np.array([2])):
        np.testing.assert_array_equal(seen[rows], 255 - source[rows][:, :, :1])
