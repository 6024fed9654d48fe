"""Digits that move: where they are at each frame is known by hand."""

import numpy as np
import pytest

from gan_jax.data import moving
from gan_jax.data.dataset import Dataset
from gan_jax.images import to_frames
from gan_jax.metrics.motion import centres

WHITE = Dataset("white", np.full((6, 8, 8, 1), 255, np.uint8), np.arange(6) % 2, ("even", "odd"), origin="here")


def test_a_way_is_folded_between_walls():
    way = np.array([0.0, 3.0, 5.0, 7.0, 10.0, 12.0, -2.0])
    np.testing.assert_allclose(moving.bounced(way, 5.0), [0, 3, 5, 3, 0, 2, 2])


def test_a_digit_keeps_its_ink_and_goes_its_way_within_the_frame():
    data = moving.load(WHITE, frames=6, side=16)
    assert (data.images.shape, data.things, data.frames) == ((6, 96, 16, 1), "clips", 6)
    clips = to_frames(data.images[:], 6)
    ink = clips.sum(axis=(2, 3, 4))
    np.testing.assert_allclose(ink, 255 * 10 * 10, rtol=0.01)  # of a digit ten pixels large, between pixels, too
    for i, seen in enumerate(centres(clips)):
        draw = np.random.Generator(np.random.Philox(key=[0, i]))
        start, angle, speed = draw.uniform(0, 6, size=2), draw.uniform(0, 2 * np.pi), 16 * draw.uniform(1 / 32, 5 / 64)
        way = start + speed * np.arange(6)[:, None] * [np.sin(angle), np.cos(angle)]
        np.testing.assert_allclose(seen, 4.5 + moving.bounced(way, 6), atol=0.15)  # faint borders are no ink


def test_a_clip_is_a_function_of_its_number_and_the_seed():
    data, other = (moving.load(WHITE, frames=3, side=16, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(data.images[[4, 1]], data.images[:][[4, 1]])
    assert not np.array_equal(data.images[[1]], other.images[[1]])
    assert data.fingerprint != other.fingerprint
    assert data.fingerprint == moving.load(WHITE, frames=3, side=16).fingerprint


def test_digits_are_of_one_channel():
    with pytest.raises(ValueError, match="expected one channel, got 3"):
        moving.load(Dataset("colours", np.zeros((2, 8, 8, 3), np.uint8)), frames=3, side=16)
