import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gan_jax.metrics.moments import Moments, merge, moments, update

RNG = np.random.default_rng(0)
FEATURES = (RNG.normal(size=(500, 6)) @ RNG.normal(size=(6, 6)) + RNG.normal(size=6)).astype(np.float32)


def assert_close(found: Moments, features, rtol=1e-5):
    exact = np.asarray(features, np.float64)
    assert found.count == len(exact)
    np.testing.assert_allclose(found.mean, exact.mean(0), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(found.covariance, np.cov(exact.T), rtol=rtol, atol=rtol * np.abs(np.cov(exact.T)).max())


@pytest.mark.parametrize("batch", [1, 7, 128, 500])
def test_any_batch_size_gives_the_same(batch):
    found = moments(FEATURES[:batch])
    for start in range(batch, 500, batch):
        found = update(found, FEATURES[start : start + batch])
    assert_close(found, FEATURES)


def test_two_devices_give_the_same():
    mesh = Mesh(np.asarray(jax.devices()[:2]), ("data",))
    assert_close(moments(jax.device_put(FEATURES, NamedSharding(mesh, PartitionSpec("data")))), FEATURES)


def test_order_and_grouping_do_not_matter():
    a, b, c = moments(FEATURES[:100]), moments(FEATURES[100:350]), moments(FEATURES[350:])
    for found in (merge(merge(a, b), c), merge(a, merge(b, c)), merge(c, merge(b, a))):
        assert_close(found, FEATURES)


def test_a_large_offset_costs_no_accuracy():
    far = (RNG.normal(size=(2000, 4)) + 1000).astype(np.float32)
    found = moments(far[:700])
    assert_close(update(found, far[700:]), far)


def test_of_one_sample_there_is_a_mean_but_no_covariance():
    found = moments(FEATURES[:1])
    np.testing.assert_array_equal(found.mean, FEATURES[0])
    with pytest.raises(ValueError, match="two samples or more, got 1"):
        _ = found.covariance


def test_what_is_not_finite_is_named_by_its_row():
    bad = FEATURES.copy()
    bad[17, 3] = np.nan
    with pytest.raises(ValueError, match="features of sample 17 are not finite"):
        moments(bad)


def test_small_differences_of_large_float64_features_are_kept():
    features = 1e6 + 1e-3 * RNG.normal(size=(400, 3))
    found = moments(features[:100])
    found = update(found, features[100:])
    np.testing.assert_allclose(found.covariance, np.cov(features.T), rtol=1e-4, atol=1e-10)


def test_features_whose_squares_float32_cannot_hold_are_summed_in_float64():
    large = (1e18 * FEATURES).astype(np.float32)
    assert_close(moments(large), large)
    assert_close(moments(jax.numpy.asarray(large)), large)


def test_large_features_whose_sum_alone_is_beyond_float32_are_finite():
    large = np.full((3, 4), 1e38, np.float32)
    np.testing.assert_allclose(moments(large).mean, 1e38)


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="features are 6 and 5 wide: they come from different extractors"):
        update(moments(FEATURES), FEATURES[:, :5])


def test_what_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"expected features \[N, D\] of one sample or more, got an array \(0, 6\)"):
        moments(FEATURES[:0])


def test_infinities_of_both_signs_do_not_cancel():
    bad = FEATURES.copy()
    bad[5, :2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="features of sample 5 are not finite"):
        moments(jax.numpy.asarray(bad))
