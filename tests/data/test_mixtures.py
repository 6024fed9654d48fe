import jax
import numpy as np
import pytest

from gan_jax.data import mixtures


@pytest.mark.parametrize(("mixture", "modes"), [(mixtures.ring(), 8), (mixtures.grid(), 25), (mixtures.ring(5), 5)])
def test_points_lie_around_all_centres_equally(mixture, modes):
    points = np.asarray(mixtures.sample(mixture, jax.random.key(0), 20_000))
    offsets = points[:, None] - np.asarray(mixture.centres)[None]
    distances = np.linalg.norm(offsets, axis=-1)
    nearest = distances.argmin(1)
    assert len(mixture.centres) == modes
    np.testing.assert_allclose(np.bincount(nearest, minlength=modes) / len(points), 1 / modes, rtol=0.15)
    own = np.take_along_axis(offsets, nearest[:, None, None], axis=1)[:, 0]
    np.testing.assert_allclose(own.std(0), mixture.std, rtol=0.03)
    assert np.abs(points).max() < 1


def test_modes_are_many_deviations_apart():
    for mixture in (mixtures.ring(), mixtures.grid()):
        apart = np.linalg.norm(mixture.centres[:, None] - mixture.centres[None], axis=-1)
        assert apart[apart > 0].min() > 20 * mixture.std


def test_points_are_images_of_one_pixel():
    assert mixtures.as_images(mixtures.sample(mixtures.ring(), jax.random.key(0), 3)).shape == (3, 1, 1, 2)
