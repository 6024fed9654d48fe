import numpy as np
import pytest

from gan_jax import memory
from gan_jax.data import stacked
from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError


def digits(count=50):
    """Each image is filled with its own label, so that a stack shows what it is."""
    labels = (np.arange(count) % 10).astype(np.int32)
    images = np.broadcast_to(labels[:, None, None, None], (count, 2, 2, 1)).astype(np.uint8)
    return Dataset("digits", images, labels, tuple(map(str, range(10))))


def test_the_class_spells_the_three_digits():
    made = stacked.load(digits(), count=200)
    assert made.images.shape == (200, 2, 2, 3)
    shown = made.images[:, 0, 0].astype(int) @ [100, 10, 1]
    np.testing.assert_array_equal(shown, made.labels)
    assert made.classes[made.labels[0]] == "".join(map(str, made.images[0, 0, 0]))


def test_all_modes_are_there_and_about_equally_often():
    made = stacked.load(digits(), count=30_000)
    counts = np.bincount(made.labels, minlength=1000)
    assert counts.min() > 0
    np.testing.assert_allclose(counts.reshape(10, 100).sum(1), 3000, rtol=0.1)


def test_it_is_a_function_of_its_seed():
    one, same, other = (stacked.load(digits(), count=20, seed=seed) for seed in (0, 0, 1))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_colour_images_are_refused():
    coloured = Dataset("cifar", np.zeros((10, 2, 2, 3), np.uint8), np.zeros(10, np.int32), tuple("0123456789"))
    with pytest.raises(ValueError, match="cifar: expected one channel and ten classes to stack, got 3 and 10"):
        stacked.load(coloured)


def test_more_stacks_than_memory_holds_are_refused_with_both_figures(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(DataError, match=r"stacked_digits: 1,000 images of 2x2x3 need 24\.0 kB of memory, 1\.0 kB are"):
        stacked.load(digits(), count=1000)
