import jax
import numpy as np
import pytest

from gan_jax.data import digits
from gan_jax.metrics import classifier


@pytest.fixture(scope="module")
def data():
    return digits.load()


def train(data, **options):
    return classifier.train(data.images, data.labels, 10, **options)


@pytest.fixture(scope="module")
def trained(data):
    return train(data, steps=200)


def test_it_learns_the_digits(trained):
    assert 0.9 < trained.accuracy <= 1


def test_it_is_a_function_of_its_arguments(data, trained):
    again = train(data, steps=200)
    assert again.accuracy == trained.accuracy
    jax.tree.map(np.testing.assert_array_equal, again.params, trained.params)


def test_the_accuracy_is_of_images_that_it_was_not_trained_on(data):
    # With labels that say nothing about the images, only training images could be known by heart.
    rng = np.random.default_rng(0)
    accuracy = classifier.train(data.images[:300], rng.integers(10, size=300), 10, steps=300).accuracy
    assert accuracy < 0.4


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (28, 1), (64, 3)])
def test_any_size_has_the_same_number_of_features(size, channels):
    network = classifier.Classifier(7)
    images = np.zeros((2, size, size, channels), np.float32)
    shapes = jax.eval_shape(lambda: network.init_with_output(jax.random.key(0), images)[0])
    assert [shape.shape for shape in shapes] == [(2, classifier.WIDTH), (2, 7)]


def test_too_little_to_learn_from_is_refused(data):
    with pytest.raises(ValueError, match="20 images and 2 classes or more, got 19 and 10"):
        classifier.train(data.images[:19], data.labels[:19], 10)
