"""Features beside images: read as they were written, known by the fingerprint, turned with their images, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from gan_jax.data import arrays
from gan_jax.data.batches import mirrored_features, read_batch
from gan_jax.data.dataset import Dataset
from gan_jax.data.teacher import TeacherFeatures
from gan_jax.errors import DataError

RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(40, 4, 6, 4)).astype(np.float32)
SAID = RNG.normal(size=(40, 7, 5)).astype(np.float32)
"""Of the image and its six patches of 2x2."""


def load(path, features=(7, 5), **options):
    return arrays.load(str(path), size=(4, 6), channels=4, deviation=0.5, features=features, **options)


@pytest.fixture
def archive(tmp_path):
    def write(said=SAID, **others):
        np.savez(tmp_path / "latents.npz", images=LATENTS, features=said, **others)
        return tmp_path / "latents.npz"

    return write


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "images.npy", LATENTS)
    np.save(tmp_path / "features.npy", SAID)
    return tmp_path / "images.npy"


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_features_of_any_floats_are_read_as_float32(archive, kind):
    data = load(archive(SAID.astype(kind), labels=np.arange(40) % 3))
    found = data.features[np.array([3, 0, 39])]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, SAID.astype(kind)[[3, 0, 39]].astype(np.float32))
    assert len(data.classes) == 3


def test_one_of_each_image_may_have_no_axis_of_its_own(archive):
    flat = load(archive(SAID[:, 0]), features=(1, 5))
    np.testing.assert_array_equal(flat.features[:], SAID[:, :1])
    assert load(archive(SAID[:, :1]), features=(1, 5)).pixels == flat.pixels


def test_beside_an_npy_they_lie_in_a_file_of_their_own_and_are_mapped_beyond_memory(folder):
    held, mapped = load(folder), load(folder, memory=LATENTS.nbytes + 10)
    assert (held.features.in_memory, mapped.features.in_memory) == (True, False)
    assert (held.in_memory, mapped.in_memory) == (True, False)
    np.testing.assert_array_equal(mapped.features[2:5], held.features[2:5])
    assert (mapped.pixels, mapped.sampled) == (held.fingerprint, held.sampled)
    mapped.must_be(held.fingerprint, 40)
    assert held.memory(8) - mapped.memory(8) == SAID.nbytes
    assert mapped.memory(8) > load(folder, features=None, memory=LATENTS.nbytes + 10).memory(8)


@pytest.mark.parametrize(
    ("memory", "images", "features"),
    [
        (4 * LATENTS.size + SAID.nbytes, True, True),
        (4 * LATENTS.size + SAID.nbytes - 1, True, False),  # in their file they are half as large, and both would fit
        (4 * LATENTS.size - 1, False, True),  # of images that are not held nothing is to be taken off
        (SAID.nbytes - 1, False, False),
        (0, False, False),
    ],
)
def test_what_is_held_is_counted_as_float32_and_is_never_more_than_memory(folder, memory, images, features):
    np.save(folder, LATENTS.astype(np.float16))
    data = load(folder, memory=memory)
    assert (isinstance(data.images, np.ndarray), data.features.in_memory) == (images, features)


def test_who_does_not_ask_reads_none_and_the_data_are_what_they_were(archive, folder):
    for path in (archive(), folder):
        assert load(path, features=None).features is None
    path = archive()
    with_them = load(path)
    np.savez(path, images=LATENTS)
    without = load(path, features=None)
    assert without.pixels == replace(with_them, features=None).pixels != with_them.pixels


def test_features_that_have_changed_are_other_data(archive):
    data = load(archive())
    other = SAID.copy()
    other[7, 3, 2] += 1
    assert load(archive(other)).pixels != data.pixels
    assert load(archive(2 * SAID)).sampled != data.sampled
    with pytest.raises(DataError, match="not those that this run was trained on"):
        load(archive(other)).must_be(data.fingerprint, 40)


@pytest.mark.parametrize(
    ("said", "features", "complaint"),
    [
        (SAID, (1, 5), r"expected features of floats \[40, 1, 5\], or \[40, 5\], got float32 \[40, 7, 5\]; add --data"),
        (SAID, (7, 6), r"expected features of floats \[40, 7, 6\], got float32 .*; add --data.features 7x5"),
        (SAID[:, 0], (7, 5), r"got float32 \[40, 5\]; add --data.features 5"),
        (SAID[:39], (7, 5), r"expected features of floats \[40, 7, 5\], got float32 \[39, 7, 5\]$"),
        (SAID.astype(int), (7, 5), r"got int64 \[40, 7, 5\]$"),
        (np.where(SAID[9, 2, 1] == SAID, np.nan, SAID), (7, 5), "features of image 9 are not finite"),
        (np.where(SAID[9, 2, 1] == SAID, 1e39, SAID.astype(float)), (7, 5), "features of image 9 are not finite"),
    ],
)
def test_what_does_not_fit_is_named(archive, said, features, complaint):
    with pytest.raises(DataError, match=complaint):
        load(archive(said), features)


def test_data_that_bring_none_are_refused_where_they_are_asked_for(tmp_path):
    np.savez(tmp_path / "latents.npz", images=LATENTS)
    np.save(tmp_path / "images.npy", LATENTS)
    for name in ("latents.npz", "images.npy"):
        with pytest.raises(DataError, match=f"{name}: no array in it, or beside it, is called features; expected"):
            load(tmp_path / name)


def test_mapped_features_that_are_not_finite_are_named_when_they_are_read(folder):
    bad = SAID.copy()
    bad[11, 0, 0] = np.inf
    np.save(folder.with_name("features.npy"), bad)
    data = load(folder, memory=0)
    with pytest.raises(DataError, match="features of image 11 are not finite"):
        data.features[np.array([3, 11])]
    with pytest.raises(DataError, match="features of image 11 are not finite"):
        load(folder)


def numbered():
    """Images whose pixels are the number of their patch, and features that are that number, too."""
    patches = np.arange(6.0).reshape(2, 3)
    image = patches.repeat(2, 0).repeat(2, 1)[None, :, :, None] + 10 * np.arange(12)[:, None, None, None]
    said = np.concatenate([np.full(1, -1), patches.reshape(-1)])[None, :, None] + 10.0 * np.arange(12)[:, None, None]
    return Dataset("numbered", image.astype(np.float32), features=TeacherFeatures("here", said))


def test_batches_are_taught_beside_what_they_are_told_and_turned_as_their_images():
    data, labels = numbered(), np.arange(12, dtype=np.int32)
    read = lambda **how: read_batch(data.images, labels, 2, batch_size=4, seed=0, features=data.features, **how)
    for flip in (False, True):
        images, (told, said) = read(flip=flip)
        of_patches = images[:, ::2, ::2, 0].reshape(4, 6)
        np.testing.assert_array_equal(said[:, 1:, 0], of_patches)
        np.testing.assert_array_equal(said[:, 0, 0], 10 * told - 1)
    assert not np.array_equal(read()[1].features, said)
    images, (told, said) = read(stacked=3, flip=True)
    assert (told.shape, said.shape) == ((3, 4), (3, 4, 7, 1))
    np.testing.assert_array_equal(said[:, :, 1:, 0], images[:, :, ::2, ::2, 0].reshape(3, 4, 6))
    shares = [read(flip=True, share=slice(k, k + 2))[1].features for k in (0, 2)]
    np.testing.assert_array_equal(np.concatenate(shares), read(flip=True)[1].features)


def test_features_of_whole_images_are_not_turned():
    said = SAID[:4, :1]
    assert mirrored_features(said, np.ones(4, bool), (4, 6)) is said
