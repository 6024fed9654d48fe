import numpy as np
import pytest

from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.moments import Moments, moments

RNG = np.random.default_rng(1)


def gaussian(mean, covariance, count=10_000):
    """The moments of a Gaussian as they are, without samples of it."""
    mean, covariance = np.asarray(mean, float), np.asarray(covariance, float)
    return Moments(count, mean, covariance * (count - 1))


def random_covariance(width, rank=None):
    root = RNG.normal(size=(width, rank or 2 * width))
    return root @ root.T / root.shape[1]


def test_isotropic_gaussians():
    a, b = gaussian([0, 0, 0], 4 * np.eye(3)), gaussian([1, 2, 2], 9 * np.eye(3))
    assert frechet_distance(a, b) == pytest.approx(9 + 3 * (3 - 2) ** 2)


def test_diagonal_gaussians():
    one, other = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.0])
    expected = np.sum((np.sqrt(one) - np.sqrt(other)) ** 2)
    assert frechet_distance(gaussian([0] * 3, np.diag(one)), gaussian([0] * 3, np.diag(other))) == pytest.approx(
        expected
    )


def test_correlated_gaussians_in_the_plane():
    # For 2x2 matrices tr sqrt(M) = sqrt(tr M + 2 sqrt(det M)), and M = C_a C_b has positive eigenvalues.
    a, b = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.3], [-0.3, 0.5]])
    root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a @ b)))
    expected = 1 + np.trace(a) + np.trace(b) - 2 * root
    assert frechet_distance(gaussian([0, 0], a), gaussian([0, 1], b)) == pytest.approx(expected)


def test_it_is_zero_to_itself_symmetric_and_blind_to_rotation():
    a, b = gaussian(RNG.normal(size=5), random_covariance(5)), gaussian(RNG.normal(size=5), random_covariance(5))
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    turned = [Moments(m.count, turn @ m.mean, turn @ m.scatter @ turn.T) for m in (a, b)]
    distance = frechet_distance(a, b)
    assert distance > 0.1
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(b, a) == pytest.approx(distance)
    assert frechet_distance(*turned) == pytest.approx(distance)


def test_covariances_of_low_rank_are_real_finite_and_right():
    from scipy.linalg import sqrtm

    # In one subspace of 3 dimensions out of 20 the distance is that of the 3-dimensional Gaussians.
    frame = np.linalg.qr(RNG.normal(size=(20, 3)))[0]
    a, b = random_covariance(3), random_covariance(3)
    embedded = [gaussian(np.zeros(20), frame @ c @ frame.T) for c in (a, b)]
    expected = np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real
    assert frechet_distance(*embedded) == pytest.approx(expected, rel=1e-6)


def test_fewer_samples_than_features_are_told():
    few = moments(RNG.normal(size=(10, 10)).astype(np.float32))
    with pytest.warns(UserWarning, match="of 10 samples with 10 features"):
        assert np.isfinite(frechet_distance(few, gaussian(np.zeros(10), np.eye(10))))


def test_it_grows_as_the_square_of_the_features_scale():
    real, fake = RNG.normal(size=(2, 200, 4)).astype(np.float32)
    expected = frechet_distance(moments(real), moments(fake))
    large = [moments(np.float32(2**62) * features) for features in (real, fake)]
    assert frechet_distance(*large) == pytest.approx(expected * 2.0**124, rel=1e-4)


def test_a_small_distance_of_large_features_is_kept():
    real, fake = 1e6 + 1e-3 * RNG.normal(size=(2, 500, 2)) * [[[1]], [[3]]]
    expected = frechet_distance(moments(1e3 * (real - 1e6)), moments(1e3 * (fake - 1e6))) * 1e-6
    assert expected > 1e-6
    assert frechet_distance(moments(real), moments(fake)) == pytest.approx(expected, rel=1e-3)


def test_features_beyond_float64_are_refused_by_their_size():
    with pytest.raises(ValueError, match=r"features as large as 2\.0e\+200 are beyond .* divide by their scale"):
        frechet_distance(gaussian([0, 2e200], np.eye(2)), gaussian([0, 0], np.eye(2)))


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="features are 2 and 3 wide"):
        frechet_distance(gaussian([0, 0], np.eye(2)), gaussian([0, 0, 0], np.eye(3)))
