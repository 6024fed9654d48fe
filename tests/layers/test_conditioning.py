"""How labels, attributes and images join latents and images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.conditioning import as_image, as_vectors, join_image, join_latent


def test_a_label_is_the_attribute_of_its_class():
    labels, attributes = jnp.array([2, 0]), jnp.array([[0.0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(as_vectors(labels, 3), attributes)
    latents, images = jnp.ones((2, 4)), jnp.ones((2, 8, 8, 1))
    np.testing.assert_array_equal(join_latent(latents, labels, 3), join_latent(latents, attributes, 3))
    np.testing.assert_array_equal(join_image(images, labels, 3), join_image(images, attributes, 3))


def test_several_and_continuous_attributes_come_through():
    attributes = jnp.array([[0.5, 1.0], [-2.0, 0.0]])
    np.testing.assert_array_equal(join_latent(jnp.zeros((2, 1)), attributes, 2)[:, 1:], attributes)
    np.testing.assert_array_equal(join_image(jnp.zeros((2, 4, 4, 1)), attributes, 2)[:, 3, 1, 1:], attributes)


def test_nothing_joins_nothing_and_an_image_its_channels():
    latents, images = jnp.ones((2, 4)), jnp.ones((2, 8, 8, 1))
    assert join_latent(latents, None, 0) is latents
    assert join_image(images, None, 0) is images
    assert join_image(images, jnp.zeros((2, 8, 8, 3)), 0).shape == (2, 8, 8, 4)
    assert join_latent(latents, jnp.zeros((2, 8, 8, 3)), 0).shape == (2, 4 + 192)


def test_a_smaller_image_joins_with_its_pixels_repeated():
    small = jnp.arange(6.0).reshape(1, 2, 3, 1)
    joined = join_image(jnp.zeros((1, 4, 6, 1)), small, 0)
    np.testing.assert_array_equal(joined[0, :, :, 1], jnp.kron(small[0, :, :, 0], jnp.ones((2, 2))))
    for size in [(2, 2), (3, 3), (8, 12), (4, 3)]:
        with pytest.raises(ValueError, match=f"{size[0]}x{size[1]} pixels does not fit images of 4x6"):
            join_image(jnp.zeros((1, 4, 6, 1)), jnp.zeros((1, *size, 1)), 0)


def test_a_translator_needs_an_image():
    image = jnp.ones((2, 4, 4, 1))
    assert as_image(image) is image
    with pytest.raises(ValueError, match="it was given nothing"):
        as_image(None)
    with pytest.raises(ValueError, match=r"it was given an array of \[3\]"):
        as_image(jnp.arange(3))


def test_a_network_of_classes_must_be_told_one():
    with pytest.raises(ValueError, match="built for 3 classes and needs a label for every image"):
        as_vectors(None, 3)
    assert as_vectors(None, 0) is None


@pytest.mark.parametrize("wrong", [-1, 3])
def test_labels_of_no_class_are_refused_where_they_are_known(wrong):
    labels = jnp.array([0, wrong])
    with pytest.raises(ValueError, match=f"labels of 3 classes are 0 to 2, not {wrong}"):
        as_vectors(labels, 3)
    compiled = jax.jit(as_vectors, static_argnums=1)(labels, 3)  # where they cannot be looked at
    np.testing.assert_array_equal(compiled, [[1, 0, 0], 3 * [np.nan]])
    with pytest.raises(ValueError, match=r"labels are \[B\], and attributes \[B, 3\], not \[B, 1\]; squeeze them"):
        as_vectors(labels[:, None], 3)
    np.testing.assert_array_equal(as_vectors(jnp.ones((4, 1)), 1), jnp.ones((4, 1)))  # one attribute is no label


@pytest.mark.parametrize(("dtype", "classes"), [(jnp.uint8, 256), (jnp.int8, 200)])
def test_labels_may_be_of_a_narrow_type(dtype, classes):
    labels = jnp.array([0, 100], dtype)
    for told in (as_vectors(labels, classes), jax.jit(as_vectors, static_argnums=1)(labels, classes)):
        np.testing.assert_array_equal(np.argmax(told, 1), labels)
        np.testing.assert_array_equal(np.sum(told, 1), 1)


def test_attributes_of_another_number_are_refused():
    with pytest.raises(ValueError, match="built for 3 attributes, not 2"):
        join_latent(jnp.ones((2, 4)), jnp.ones((2, 2)), 3)
    with pytest.raises(ValueError, match=r"no classes; build it with classes=N"):
        join_image(jnp.ones((2, 4, 4, 1)), jnp.array([0, 1]), 0)
