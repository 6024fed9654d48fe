"""Arrays in files: bytes are pictures, floats are scaled; what does not fit is named."""

import numpy as np
import pytest

from gan_jax import memory
from gan_jax.data import arrays, scaling
from gan_jax.errors import DataError

LATENTS = np.random.default_rng(0).normal(3, 2, size=(40, 4, 6, 4)).astype(np.float32)
BYTES = np.random.default_rng(0).integers(0, 256, size=(5, 4, 6, 3)).astype(np.uint8)


@pytest.fixture
def file(tmp_path):
    def write(images, name="latents.npz", **others):
        path = tmp_path / name
        np.save(path, images) if name.endswith(".npy") else np.savez_compressed(path, images=images, **others)
        return str(path)

    return write


def load(path, size=(4, 6), channels=4, deviation=0.5, **options):
    return arrays.load(path, size=size, channels=channels, deviation=deviation, **options)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int16, np.uint8])
def test_numbers_of_any_kind_are_seen_scaled(file, kind):
    images = np.round(10 * LATENTS).clip(0).astype(kind)
    data = load(file(images))
    assert data.images.dtype == np.float32
    np.testing.assert_array_equal(data.images, scaling.measured("x", images, 0.5).seen(images))
    assert data.labels is None
    np.testing.assert_allclose(data.scaling.back(data.images), images.astype(np.float32), atol=1e-3)


def test_labels_and_the_names_of_classes_come_along(file):
    labels = np.arange(40) % 3
    data = load(file(LATENTS, labels=labels))
    assert data.labels.dtype == np.int32
    assert (data.labels.tolist(), data.classes) == (labels.tolist(), ("0", "1", "2"))
    assert load(file(LATENTS, labels=labels, classes=np.array(["a", "b", "c"]))).classes == ("a", "b", "c")


def test_an_npy_beyond_memory_is_read_as_needed_and_is_the_same(file):
    path = file(LATENTS, "latents.npy")
    held, mapped = load(path), load(path, memory=1000)
    assert (held.in_memory, mapped.in_memory) == (True, False)
    np.testing.assert_array_equal(mapped.images[np.array([3, 0, 39])], held.images[[3, 0, 39]])
    assert (mapped.scaling, mapped.pixels) == (held.scaling, held.fingerprint)


def test_bytes_are_pictures(file):
    data = load(file(BYTES, labels=np.arange(5)), size=(8, 8), channels=1, deviation=None)  # resized elsewhere
    np.testing.assert_array_equal(data.images, BYTES)
    assert data.scaling is None
    assert load(file(BYTES, "bytes.npy"), deviation=None).in_memory


@pytest.mark.parametrize(
    ("images", "deviation", "needed"),
    [(BYTES, None, BYTES.nbytes), (LATENTS.astype(np.float16), 0.5, 4 * LATENTS.size)],
)
def test_images_that_do_not_fit_into_memory_are_refused_before_any_is_held(
    file, monkeypatch, images, deviation, needed
):
    path = file(images, "images.npy")
    monkeypatch.setattr(memory, "available_memory", lambda: needed - 1)
    with pytest.raises(DataError, match=r"images\.npy: its images.* need .* of memory, .* free; .*--data\.memory 0"):
        load(path, deviation=deviation)
    assert not load(path, deviation=deviation, memory=0).in_memory


@pytest.mark.parametrize(
    ("images", "others", "options", "said"),
    [
        (
            LATENTS,
            {},
            {"deviation": None},
            "its images are float32, not uint8; if they are floats such as",
        ),
        (
            LATENTS,
            {},
            {"size": 8},
            "are 4x6 of 4 channels, and floats are not resized; add --data.size 4x6",
        ),
        (LATENTS, {}, {"channels": 3}, "floats are not resized; add --data.size 4x6 --data.channels 4"),
        (LATENTS[..., 0], {}, {}, r"expected images \[N, H, W, C\] of numbers, got float32 \[40, 4, 6\]"),
        (LATENTS[:0], {}, {}, "expected images"),
        (LATENTS > 0, {}, {}, "of numbers, got bool"),
        (
            LATENTS,
            {"labels": np.zeros(39, int)},
            {},
            r"labels \[40\], whole numbers from 0, got int64 \[39\]",
        ),
        (LATENTS, {"labels": np.zeros(40)}, {}, "whole numbers from 0, got float64"),
        (LATENTS, {"labels": np.full(40, -1)}, {}, "whole numbers from 0"),
        (LATENTS, {"labels": np.arange(40), "classes": ["a"]}, {}, "1 classes are named, and labels go up to 39"),
        (BYTES[..., :2], {}, {"deviation": None}, "uint8 of 1 or 3 channels"),
    ],
)
def test_what_does_not_fit_is_named(file, images, others, options, said):
    with pytest.raises(DataError, match=said):
        load(file(images, **others), **options)


def test_files_that_are_none_are_named(tmp_path):
    np.savez(tmp_path / "other.npz", x=LATENTS, y=LATENTS)
    np.save(tmp_path / "objects.npy", np.array([{}]))
    (tmp_path / "text.npy").write_text("no array")
    for name, said in (
        ("gone.npz", "no such file"),
        ("other.npz", "no array in it is called images; there are x, y"),
        ("objects.npy", "no arrays that NumPy can read"),
        ("text.npy", "no arrays that NumPy can read"),
    ):
        with pytest.raises(DataError, match=f"{name}: {said}"):
            load(str(tmp_path / name))
