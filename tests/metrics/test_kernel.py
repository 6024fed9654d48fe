import jax
import numpy as np
import pytest

from gan_jax.metrics.kernel import kernel_distance, squared_mmd

RNG = np.random.default_rng(2)
REAL = RNG.normal(size=(60, 8)).astype(np.float32)
FAKE = (1.5 * RNG.normal(size=(50, 8)) + 0.5).astype(np.float32)


def by_definition(real, fake):
    """Sums over pairs, one by one (arXiv:1801.01401, eq. 4)."""
    kernel = lambda x, y: (np.dot(x.astype(float), y.astype(float)) / len(x) + 1) ** 3
    pairs = lambda xs: np.mean([kernel(x, y) for i, x in enumerate(xs) for j, y in enumerate(xs) if i != j])
    return pairs(real) + pairs(fake) - 2 * np.mean([kernel(x, y) for x in real for y in fake])


def test_it_is_the_sum_over_pairs():
    assert squared_mmd(REAL, FAKE) == pytest.approx(by_definition(REAL, FAKE), rel=1e-5)


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
