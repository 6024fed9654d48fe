import numpy as np
import pytest

from gan_jax.metrics.ngrams import divergence, divergences, markov


def texts(*rows):
    return np.array([list(row.encode()) for row in rows], np.uint8)


def test_the_same_shares_are_not_apart_and_other_characters_are_one_bit_apart():
    assert divergences(texts("abcd", "abcd"), texts("abcd")) == {f"js{n}": 0.0 for n in (1, 2, 3, 4)}
    for n in (1, 2, 3, 4):
        assert divergence(texts("abca"), texts("xyzx"), n) == pytest.approx(1.0)


def test_a_divergence_by_hand():
    """p = (1/2, 1/2, 0), q = (1/2, 0, 1/2): their mean has 1.5 bits, each of them 1."""
    assert divergence(texts("ab"), texts("ac"), 1) == pytest.approx(0.5)
    # ab, bc beside ab, bd: the same shares, of pairs.
    assert divergence(texts("abc"), texts("abd"), 2) == pytest.approx(0.5)


def test_it_is_symmetric_and_no_pair_spans_two_texts():
    one, other = texts("aab", "bba"), texts("abb", "bab")
    assert divergence(one, other, 2) == pytest.approx(divergence(other, one, 2))
    assert divergence(texts("ab", "cd"), texts("cd", "ab"), 2) == 0  # else bc were apart from da


def test_few_texts_of_one_distribution_are_farther_apart_than_many():
    draw = np.random.default_rng(0)
    sample = lambda count: draw.integers(20, size=(count, 16), dtype=np.uint8)
    few, many = (divergence(sample(count), sample(count), 2) for count in (20, 2000))
    assert few > 10 * many > 0


LONG = np.frombuffer(b"the cat sat on the mat and then that hat ate the oat; " * 8, np.uint8)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_model_writes_only_what_its_text_has_and_as_often(n):
    written = markov(LONG, n, count=4000, length=12, seed=0)
    assert written.shape == (4000, 12)
    ring = np.concatenate([LONG, LONG])
    known = {bytes(ring[i : i + n]) for i in range(len(LONG))}
    assert {bytes(row[i : i + n]) for row in written for i in range(13 - n)} <= known
    real = ring[np.arange(len(LONG))[:, None] + np.arange(12)]
    assert divergence(written, real, n) < 0.003
    if n < 4:
        assert divergence(written, real, n + 1) > 0.02


def test_a_model_is_a_function_of_its_seed():
    once, again, other = (markov(LONG, 3, count=5, length=9, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_piece_may_be_shorter_than_the_state():
    assert markov(LONG, 4, count=3, length=2, seed=0).shape == (3, 2)
