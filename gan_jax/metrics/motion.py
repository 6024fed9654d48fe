"""How what is seen in clips moves: where its ink is in each frame, how fast it goes, and where to.

Clips are bright on black, uint8 `[N, T, H, W, C]`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

Clips = UInt8[np.ndarray, "clips time height width channels"]

FAINT = 64
"""Darker pixels are no ink: of 1,024 that are hardly grey the middle would draw the centre to itself."""


class Motion(NamedTuple):
    """What is known of all steps from a frame to the next, of all clips together."""

    speeds: Float[np.ndarray, " steps"]  # in pixels
    directions: Float[np.ndarray, " steps"]  # in radians, [-π, π]
    turns: Float[np.ndarray, " turns"]  # by how much the direction differs from that of the step before, [0, π]


def centres(clips: Clips) -> Float[np.ndarray, "clips time 2"]:
    """The centre of mass of each frame's ink, row and column; of a frame without any, the middle."""
    light = clips.mean(axis=-1)
    ink = np.where(light < FAINT, 0.0, light)
    mass = ink.sum(axis=(2, 3))
    found = [
        (ink.sum(axis=5 - axis) @ np.arange(clips.shape[axis])) / np.where(mass > 0, mass, 1)  # 3 is summed for 2
        for axis in (2, 3)
    ]
    middle = [(side - 1) / 2 for side in clips.shape[2:4]]
    return np.where(mass[..., None] > 0, np.stack(found, axis=-1), np.array(middle))


def motion(clips: Clips) -> Motion:
    """That of the centres of ink, of clips of three frames or more."""
    moves = np.diff(centres(clips), axis=1)
    angles = np.arctan2(moves[..., 0], moves[..., 1])
    turns = np.abs((np.diff(angles, axis=1) + np.pi) % (2 * np.pi) - np.pi)
    return Motion(np.linalg.norm(moves, axis=-1).ravel(), angles.ravel(), turns.ravel())


def apart(one: Motion, other: Motion) -> dict[str, float]:
    """speed_w1 in pixels, direction_w1 and turn_w1 in radians: how far their distributions are apart, 0 for the same.

    Wasserstein's distance of order 1, by how much values have to be moved on average.
    """
    return {
        "speed_w1": wasserstein(one.speeds, other.speeds),
        "direction_w1": wasserstein_on_circle(one.directions, other.directions),
        "turn_w1": wasserstein(one.turns, other.turns),
    }


def wasserstein(one: np.ndarray, other: np.ndarray) -> float:
    """∫ |F - G| of the two distribution functions."""
    values = np.sort(np.concatenate([one, other]))
    below = [np.searchsorted(np.sort(side), values[:-1], "right") / len(side) for side in (one, other)]
    return float(np.sum(np.abs(below[0] - below[1]) * np.diff(values)))


BINS = 360
"""Of a circle, parts within which angles are one."""


def wasserstein_on_circle(one: np.ndarray, other: np.ndarray) -> float:
    """The same of angles in [-π, π], moved the shorter way round: ∫ |F - G - m|, m the median of F - G.

    Delon et al. 2010 (doi:10.1137/090772708). To a degree.
    """
    shares = [np.histogram(side, BINS, (-np.pi, np.pi))[0] / len(side) for side in (one, other)]
    ahead = np.cumsum(shares[0] - shares[1])
    return float(np.sum(np.abs(ahead - np.median(ahead))) * 2 * np.pi / BINS)
