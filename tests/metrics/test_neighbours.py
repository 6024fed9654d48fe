import numpy as np
import pytest

from gan_jax.metrics import neighbours
from gan_jax.metrics.neighbours import density_coverage, nearest, precision_recall, radii

RNG = np.random.default_rng(3)
REAL = RNG.normal(size=(90, 5)).astype(np.float32)
FAKE = (0.7 * RNG.normal(size=(70, 5)) + 0.4).astype(np.float32)


def by_definition(real, fake, k):
    apart = lambda x, y: np.linalg.norm(x[:, None].astype(float) - y[None], axis=-1)
    reach = lambda x: np.sort(apart(x, x), axis=1)[:, k]  # place 0 is the sample itself
    inside = apart(fake, real) <= reach(real)[None]
    recalled = apart(real, fake) <= reach(fake)[None]
    return inside.any(1).mean(), recalled.any(1).mean(), inside.sum() / (k * len(fake)), inside.any(0).mean()


@pytest.fixture(params=[7, 32, 4096])
def block(request, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", request.param)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("width", [5, 40])
@pytest.mark.parametrize("k", [1, 5])
def test_any_block_gives_the_definition(k, width):
    # Turned into a wider space, where distances come from matrix products, they are the same.
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(width, 5)))[0].T
    real, fake = (REAL @ turn).astype(np.float32), (FAKE @ turn).astype(np.float32)
    precision, recall, density, coverage = by_definition(REAL, FAKE, k)
    assert precision_recall(real, fake, k=k) == pytest.approx((precision, recall))
    assert density_coverage(real, fake, k=k) == pytest.approx((density, coverage))


@pytest.mark.usefixtures("block")
def test_radii_are_distances_to_the_kth_other():
    apart = np.linalg.norm(REAL[:, None] - REAL[None], axis=-1)
    np.testing.assert_allclose(radii(REAL, 4), np.sort(apart, axis=1)[:, 4], rtol=1e-5)


def test_a_set_against_itself_is_perfect():
    assert precision_recall(REAL, REAL) == (1, 1)
    density, coverage = density_coverage(REAL, REAL)
    assert coverage == 1
    assert density == pytest.approx(1.2, abs=0.05)  # each ball holds its k neighbours and its own centre: (k + 1) / k


def test_copies_count_as_inside_even_far_from_the_origin():
    far = REAL + 1000
    assert precision_recall(far, far[:20])[0] == 1
    assert density_coverage(far, far[:20])[1] >= 20 / 90


@pytest.mark.parametrize("width", [3, 8, 33, 300])
def test_copies_are_at_no_distance(width):
    # Six of each: five others at distance zero, so that every ball is a point. Rounding must not move it.
    seeds = (3 * RNG.exponential(size=(40, 1)) * RNG.normal(size=(40, width))).astype(np.float32)
    real = RNG.permutation(np.repeat(seeds, 6, axis=0))
    np.testing.assert_array_equal(radii(real, 5), 0)
    assert precision_recall(real, seeds[:10])[0] == 1
    assert density_coverage(real, seeds[:10]) == (pytest.approx(6 / 5), 0.25)


@pytest.mark.parametrize("width", [3, 300])
def test_a_generator_that_copies_one_sample_recalls_that_one(width):
    real = RNG.normal(size=(50, width)).astype(np.float32)
    assert precision_recall(real, np.repeat(real[7:8], 20, axis=0)) == (1, 1 / 50)


def test_small_clusters_far_from_the_centre_keep_their_radii():
    # Of a deviation of 1 % of their distance from the mean, as on a ring of Gaussians in the plane.
    places = np.repeat([[0.8, 0], [-0.8, 0], [0, 0.8], [0, -0.8]], 50, axis=0)
    points = (places + 0.008 * RNG.normal(size=(200, 2))).astype(np.float32)
    apart = np.linalg.norm(points[:, None].astype(float) - points[None], axis=-1)
    np.testing.assert_allclose(radii(points, 1), np.sort(apart, axis=1)[:, 1], rtol=1e-3)


@pytest.mark.parametrize("scale", [2.0**60, 2.0**-60, 2.0**120])
@pytest.mark.parametrize("width", [5, 40])
def test_scores_do_not_depend_on_the_scale(scale, width):
    real, fake = (np.float32(scale) * np.tile(rows, width // 5) for rows in (REAL, FAKE))
    assert precision_recall(real, fake) == pytest.approx(precision_recall(REAL, FAKE))
    assert density_coverage(real, fake) == pytest.approx(density_coverage(REAL, FAKE))
    np.testing.assert_allclose(radii(real, 3), scale * np.sqrt(width / 5) * radii(REAL, 3), rtol=1e-5)


def test_small_differences_of_large_float64_features_are_kept():
    real, fake = (1e6 + 1e-3 * rows.astype(float) for rows in (REAL, FAKE))  # float32 has steps of 0.06 there
    assert precision_recall(real, fake) == pytest.approx(precision_recall(REAL, FAKE))
    np.testing.assert_allclose(radii(real, 3), 1e-3 * radii(REAL, 3), rtol=1e-4)


def test_features_beyond_float32_are_refused_by_their_size():
    with pytest.raises(ValueError, match=r"features as large as \d\.\de\+200 are beyond"):
        precision_recall(1e200 * REAL.astype(float), FAKE)


def test_sets_far_apart_share_nothing():
    assert precision_recall(REAL, FAKE + 100) == (0, 0)
    assert density_coverage(REAL, FAKE + 100) == (0, 0)


def test_one_mode_of_two_is_precise_but_recalls_half():
    two = np.concatenate([REAL, REAL + 50])
    precision, recall = precision_recall(two, REAL + RNG.normal(size=REAL.shape).astype(np.float32) * 0.01)
    assert precision == 1
    assert recall == 0.5


def test_distances_and_their_scores_do_not_depend_on_the_origin():
    moved = precision_recall(REAL + 300, FAKE + 300)
    assert moved == pytest.approx(precision_recall(REAL, FAKE), abs=0.02)


@pytest.mark.parametrize("score", [precision_recall, density_coverage])
def test_no_more_samples_than_neighbours_are_refused(score):
    with pytest.raises(ValueError, match="k = 5, needs k from 1 and more than k samples; one set has 5"):
        score(REAL, FAKE[:5], k=5)


@pytest.mark.parametrize("score", [precision_recall, density_coverage])
def test_bad_features_are_refused(score):
    with pytest.raises(ValueError, match="fake features are 4 wide, real ones 5"):
        score(REAL, FAKE[:, :4])
    with pytest.raises(ValueError, match="fake features of sample 2 are not finite"):
        score(REAL, np.where(np.arange(70)[:, None] == 2, np.inf, FAKE))


@pytest.mark.parametrize("parts", [1, 7])
def test_the_nearest_are_found_in_whatever_parts_they_come(parts):
    places, distances = nearest(np.array_split(REAL, parts), FAKE[:4], 3)
    apart = np.linalg.norm(FAKE[:4, None].astype(float) - REAL[None], axis=-1)
    np.testing.assert_array_equal(places, np.argsort(apart, axis=1)[:, :3])
    np.testing.assert_allclose(distances, np.sort(apart, axis=1)[:, :3], rtol=1e-12)


def test_only_a_copy_is_at_no_distance():
    near = REAL[:1] + np.float32(1e-4)
    places, distances = nearest([REAL], np.concatenate([REAL[5:6], near]), 1)
    assert places.ravel().tolist() == [5, 0]
    assert distances[0, 0] == 0 < distances[1, 0]


def test_more_neighbours_than_samples_are_refused():
    with pytest.raises(ValueError, match="one set has"):
        nearest([REAL[:2]], FAKE[:1], 3)
