import jax
import numpy as np
import pytest

from gan_jax.metrics.kernel import kernel_distance, squared_mmd

RNG = np.random.default_rng(2)
REAL = RNG.normal(size=(60, 8)).astype(np.float32)
FAKE = (1.5 * RNG.normal(size=(50, 8)) + 0.5).astype(np.float32)


def by_definition(real, fake, dtype=float):
    """Sums over pairs, one by one (arXiv:1801.01401, eq. 4)."""
    kernel = lambda x, y: (np.dot(x.astype(dtype), y.astype(dtype)) / len(x) + 1) ** 3
    pairs = lambda xs: np.mean([kernel(x, y) for i, x in enumerate(xs) for j, y in enumerate(xs) if i != j])
    return pairs(real) + pairs(fake) - 2 * np.mean([kernel(x, y) for x in real for y in fake])


def test_it_is_the_sum_over_pairs():
    assert squared_mmd(REAL, FAKE) == pytest.approx(by_definition(REAL, FAKE), rel=1e-5)


def test_far_from_the_origin_float32_is_enough():
    # The kernel is not blind to the origin: here it is 10⁹ with differences of 10³.
    real, fake = REAL + 1000, FAKE + 1000
    assert squared_mmd(real, fake) == pytest.approx(by_definition(real, fake), rel=1e-3)


def test_a_distance_far_smaller_than_the_kernel_is_kept():
    real, fake = (0.1 * np.abs(RNG.normal(size=(2, 60, 500)))).astype(np.float32)
    exact = by_definition(real, fake)
    assert abs(exact) < 1e-4  # beside a kernel of more than 1
    assert squared_mmd(real, fake) == pytest.approx(exact, rel=1e-4)


def test_small_differences_of_large_float64_features_are_kept():
    real, fake = (100 + 1e-5 * rows.astype(float) for rows in (REAL, FAKE))  # float32 has steps of 8e-6 there
    assert squared_mmd(real, fake) == pytest.approx(float(by_definition(real, fake, np.longdouble)), rel=1e-3)


@pytest.mark.parametrize(
    "score", [squared_mmd, lambda real, fake: kernel_distance(real, fake, jax.random.key(0), size=9, subsets=2)]
)
@pytest.mark.parametrize("scale", [1e18, 1e300])
def test_features_beyond_float32_are_refused_by_their_size(score, scale):
    with pytest.raises(ValueError, match=r"features as large as \d\.\de\+\d+ are beyond .* divide them by their scale"):
        score(scale * REAL.astype(float), scale * FAKE.astype(float))


def test_it_is_symmetric():
    assert squared_mmd(FAKE, REAL) == pytest.approx(squared_mmd(REAL, FAKE), rel=1e-5)


def test_it_has_no_bias():
    draws = [squared_mmd(*RNG.normal(size=(2, 20, 4)).astype(np.float32)) for _ in range(400)]
    assert abs(np.mean(draws)) < 4 * np.std(draws) / 20


def test_subsets_of_everything_are_the_whole():
    mean, std = kernel_distance(REAL[:50], FAKE, jax.random.key(0), subsets=3, size=50)
    assert mean == pytest.approx(by_definition(REAL[:50], FAKE), rel=1e-5)
    assert std < 1e-5


def test_it_is_a_function_of_its_key():
    one, same, other = (kernel_distance(REAL, FAKE, jax.random.key(k), subsets=5, size=20) for k in (0, 0, 1))
    assert one == same != other
    assert one[0] == pytest.approx(by_definition(REAL, FAKE), abs=4 * one[1])


def test_too_few_samples_are_told():
    with pytest.raises(ValueError, match="subsets of 1000 were asked for, one set has 50 samples only"):
        kernel_distance(REAL, FAKE, jax.random.key(0))


@pytest.mark.parametrize(
    "score", [squared_mmd, lambda real, fake: kernel_distance(real, fake, jax.random.key(0), size=9)]
)
def test_bad_features_are_refused(score):
    with pytest.raises(ValueError, match="fake features are 7 wide, real ones 8: they come from different extractors"):
        score(REAL, FAKE[:, :7])
    with pytest.raises(ValueError, match="fake features of sample 3 are not finite"):
        score(REAL, np.where(np.arange(50)[:, None] == 3, np.nan, FAKE))


def test_one_sample_or_no_subset_are_refused():
    with pytest.raises(ValueError, match="needs two samples or more, got 1"):
        squared_mmd(REAL, FAKE[:1])
    with pytest.raises(ValueError, match="needs two samples or more, got 1"):
        kernel_distance(REAL, FAKE, jax.random.key(0), size=1)
    with pytest.raises(ValueError, match="one subset or more is needed, got 0"):
        kernel_distance(REAL, FAKE, jax.random.key(0), size=9, subsets=0)
