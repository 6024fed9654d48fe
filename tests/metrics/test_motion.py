import numpy as np
import pytest

from gan_jax.metrics.motion import Motion, apart, centres, motion, wasserstein, wasserstein_on_circle


def dots(*ways):
    """Clips of a white pixel on black, at the places of each way."""
    clips = np.zeros((len(ways), len(ways[0]), 9, 9, 1), np.uint8)
    for i, way in enumerate(ways):
        for t, (row, column) in enumerate(way):
            clips[i, t, row, column] = 255
    return clips


def test_speeds_directions_and_turns_of_a_known_way():
    """To the right, right again, down."""
    found = motion(dots([(1, 1), (1, 3), (1, 4), (4, 4)]))
    np.testing.assert_allclose(found.speeds, [2, 1, 3])
    np.testing.assert_allclose(found.directions, [0, 0, np.pi / 2])
    np.testing.assert_allclose(found.turns, [0, np.pi / 2])


def test_a_turn_is_the_shorter_way_round():
    """Left and a little up, then left and a little down: nearly π, and nearly -π."""
    turns = motion(dots([(4, 8), (3, 4), (4, 0)])).turns
    np.testing.assert_allclose(turns, [2 * np.arctan(1 / 4)])


def test_the_centre_is_of_ink_alone_and_of_none_the_middle():
    clips = dots([(2, 6)] * 3)
    clips[:, 0] = np.maximum(clips[:, 0], 40)  # a grey that is no ink
    clips[:, 2] = 30
    np.testing.assert_allclose(centres(clips)[0], [[2, 6], [2, 6], [4, 4]])


def test_distances_are_how_far_values_are_moved():
    one = np.array([0.0, 1.0, 2.0])
    assert wasserstein(one, one + 0.5) == pytest.approx(0.5)
    assert wasserstein(one, np.repeat(one, 3)) == 0
    assert wasserstein(np.zeros(3), np.array([0.0, 0.0, 3.0])) == pytest.approx(1)
    angles = np.linspace(-3, 3, 50)
    assert wasserstein_on_circle(np.full(5, 3.1), np.full(5, -3.1)) == pytest.approx(2 * np.pi - 6.2, abs=0.02)
    assert wasserstein_on_circle(angles, angles) == 0
    assert wasserstein_on_circle(np.zeros(4), np.full(4, np.pi / 2)) == pytest.approx(np.pi / 2, abs=0.02)


def test_each_distance_is_of_its_own_part():
    one, other = (
        Motion(np.full(4, speed), np.full(4, way), np.full(3, turn)) for speed, way, turn in ((1, 0, 0), (3, 1, 2))
    )
    assert apart(one, other) == pytest.approx({"speed_w1": 2, "direction_w1": 1, "turn_w1": 2}, abs=0.02)
