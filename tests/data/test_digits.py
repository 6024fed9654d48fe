import numpy as np

from gan_jax.data import digits


def test_digits_are_all_there():
    data = digits.load()
    assert data.images.shape == (1797, 8, 8, 1)
    assert data.images.dtype == np.uint8
    assert (data.images.min(), data.images.max()) == (0, 255)
    assert len(np.unique(data.images)) == 17


def test_digits_have_their_labels():
    data = digits.load()
    assert data.labels.dtype == np.int32
    assert data.classes == tuple("0123456789")
    assert np.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_zero_has_a_hole():
    data = digits.load()
    mean = data.images[data.labels == 0].mean(0)[..., 0]
    assert mean[3:5, 3:5].max() < 60 < mean[3:5, 1:3].max()


def test_digits_are_the_same_each_time():
    assert digits.load().fingerprint == digits.load().fingerprint
