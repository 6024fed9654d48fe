"""Floats are brought to one deviation, channel by channel, and back."""

import numpy as np
import pytest

from gan_jax.data import scaling
from gan_jax.errors import DataError


def latents(count=500, channels=4, seed=0):
    """Of channels whose means and deviations are far apart, like those of an autoencoder."""
    rng = np.random.default_rng(seed)
    place = np.array([5.81, -3.25, 1000.0, 0.0])[:channels]
    return np.float32(place + rng.normal(size=(count, 6, 5, channels)) * np.array([4.17, 0.01, 3.0, 1e5])[:channels])


@pytest.mark.parametrize("deviation", [0.5, 1.0])
def test_each_channel_has_a_mean_of_zero_and_the_deviation(deviation):
    found = scaling.measured("latents", latents(), deviation)
    seen = found.seen(latents()).astype(np.float64)
    np.testing.assert_allclose(seen.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std((0, 1, 2)), deviation, rtol=1e-4)
    np.testing.assert_allclose(found.back(found.seen(latents())), latents(), rtol=1e-5, atol=1e-5)


def test_blocks_do_not_matter(monkeypatch):
    whole = scaling.measured("latents", latents(), 0.5)
    monkeypatch.setattr("gan_jax.data.reading.BLOCK_BYTES", 10_000)
    assert scaling.measured("latents", latents(), 0.5) == whole


def test_scaled_images_are_a_source_of_what_networks_see():
    images = latents()
    found = scaling.measured("latents", images, 0.5)
    source = scaling.Scaled(images, found)
    assert (source.shape, source.dtype, len(source)) == (images.shape, np.float32, 500)
    for rows in (slice(3, 9), np.array([7, 7, 0])):
        np.testing.assert_array_equal(source[rows], found.seen(images[rows]))


def test_what_cannot_be_scaled_is_named():
    images = latents()
    images[123, 2, 3, 1] = np.inf
    with pytest.raises(DataError, match="latents: image 123 has values that are not finite"):
        scaling.measured("latents", images, 0.5)
    images = latents()
    images[..., 2] = 7
    with pytest.raises(DataError, match="latents: channel 2 is the same in all images"):
        scaling.measured("latents", images, 0.5)
