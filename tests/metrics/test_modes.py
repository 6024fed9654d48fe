import jax
import numpy as np
import pytest

from gan_jax.data import mixtures
from gan_jax.metrics.modes import mixture_quality, mode_coverage


def test_uniform_labels_cover_all_at_no_distance():
    assert mode_coverage(np.arange(1000) % 50, 50) == (50, pytest.approx(0, abs=1e-12))


def test_one_mode_is_log_modes_away():
    assert mode_coverage(np.full(10, 3), 8) == (1, pytest.approx(np.log(8)))


def test_uneven_labels():
    shares = np.array([0.5, 0.25, 0.25, 0.0])
    expected = np.sum(shares[:3] * np.log(4 * shares[:3]))
    assert mode_coverage(np.array([0, 0, 1, 2]), 4) == (3, pytest.approx(expected))


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_out_of_range_are_refused(label):
    with pytest.raises(ValueError, match=rf"labels in \[0, 4\), got some from {min(label, 2)} to {max(label, 2)}"):
        mode_coverage(np.array([2, label]), 4)


@pytest.mark.parametrize("labels", [np.zeros(0, int), np.zeros((3, 1), int), np.zeros(3)])
def test_what_are_no_labels_is_refused(labels):
    with pytest.raises(ValueError, match=r"expected labels \[N\], whole numbers"):
        mode_coverage(labels, 4)


def test_points_of_the_mixture_itself():
    mixture = mixtures.grid()
    share, modes = mixture_quality(mixtures.sample(mixture, jax.random.key(0), 20_000), *mixture)
    assert modes == 25
    assert share == pytest.approx(1 - np.exp(-4.5), abs=0.003)  # P(r <= 3 sigma) of a round Gaussian in the plane


def test_points_between_modes_are_of_low_quality():
    mixture = mixtures.ring(2)
    points = np.concatenate([np.zeros((3, 2)), np.asarray(mixture.centres[:1])])
    assert mixture_quality(points, *mixture) == (0.25, 1)


def test_a_point_on_the_border_is_good_and_one_beyond_is_not():
    points = np.array([[3.0, 0.0], [3.001, 0.0]])
    assert mixture_quality(points, np.zeros((1, 2)), 1.0) == (0.5, 1)
    assert mixture_quality(points, np.zeros((1, 2)), 0.5) == (0, 0)
    assert mixture_quality(points, np.zeros((1, 2)), 0.5, within=7) == (1, 1)


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="points of sample 1 are not finite"):
        mixture_quality(np.array([[0, 0], [np.nan, 0]]), np.zeros((1, 2)), 1.0)
    with pytest.raises(ValueError, match="points have 3 coordinates, centres 2"):
        mixture_quality(np.zeros((4, 3)), np.zeros((1, 2)), 1.0)
