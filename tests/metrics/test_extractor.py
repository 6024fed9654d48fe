import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax.metrics import extractor
from gan_jax.metrics.extractor import Extractor, Features, extract_all, fingerprint


def images(count, size=8, channels=3):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, channels)).astype(np.uint8)


def mean_colour():
    extract = lambda params, batch: Features(batch.mean((1, 2)) * params, labels=jnp.argmax(batch.mean((1, 2)), -1))
    return Extractor("colour", "mean colour", "0", jnp.ones(()), extract)


def test_the_batch_size_does_not_matter():
    some = images(23)
    whole, parts = (extract_all(mean_colour(), some, batch_size=size) for size in (23, 4))
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-6)
    np.testing.assert_array_equal(parts.labels, whole.labels)
    assert parts.logits is None
    assert parts.values.shape == (23, 3)


def test_two_devices_find_the_same():
    some = images(20)
    mesh = Mesh(np.asarray(jax.devices()[:2]), ("data",))
    shared = extract_all(mean_colour(), some, batch_size=8, sharding=NamedSharding(mesh, PartitionSpec("data")))
    np.testing.assert_allclose(shared.values, extract_all(mean_colour(), some).values, rtol=1e-6)


def test_pixels_of_small_images_are_themselves():
    some = images(2, size=8)
    found = extractor.pixels().extract((), some)
    np.testing.assert_allclose(found.values, some.reshape(2, -1) / 127.5 - 1, atol=1e-6)


def test_pixels_of_large_images_are_averaged_in_blocks():
    some = images(1, size=64, channels=1)
    found = extractor.pixels().extract((), some).values.reshape(16, 16)
    np.testing.assert_allclose(found[3, 5], some[0, 12:16, 20:24].mean() / 127.5 - 1, atol=1e-5)


def test_pixels_of_images_that_are_no_squares_are_averaged_along_each_side_by_itself():
    some = np.random.default_rng(0).integers(0, 256, (1, 48, 20, 1)).astype(np.uint8)
    found = extractor.pixels().extract((), some).values.reshape(16, 20)
    np.testing.assert_allclose(found[3, 5], some[0, 9:12, 5].mean() / 127.5 - 1, atol=1e-5)


def test_a_fingerprint_tells_values_shapes_and_names_apart():
    base = {"a": np.zeros((2, 3), np.float32)}
    others = [{"a": np.ones((2, 3), np.float32)}, {"a": np.zeros((3, 2), np.float32)}, {"b": base["a"]}]
    assert fingerprint(base) == fingerprint({"a": jnp.zeros((2, 3))})
    assert len({fingerprint(tree) for tree in [base, *others]}) == 4
