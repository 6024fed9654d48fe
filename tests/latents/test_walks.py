"""Ways between points, against their closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.latents.walks import lerp, loop, slerp

EAST, NORTH = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])


def test_slerp_goes_in_equal_angles():
    t = jnp.linspace(0, 1, 7)
    walked = slerp(EAST[None], NORTH[None], t)
    angle = np.pi / 2 * np.asarray(t)
    np.testing.assert_allclose(walked, np.stack([np.cos(angle), np.sin(angle)], axis=-1), atol=1e-6)


@pytest.mark.parametrize("way", [lerp, slerp])
def test_ways_begin_and_end_at_their_points(way):
    a, b = jax.random.normal(jax.random.key(0), (2, 5, 16))
    np.testing.assert_allclose(way(a, b, 0.0), a, atol=1e-5)
    np.testing.assert_allclose(way(a, b, jnp.ones(5)), b, atol=1e-5)


def test_normal_points_keep_their_length_on_great_circles_alone():
    a, b = jax.random.normal(jax.random.key(0), (2, 100, 256))
    length = lambda way: np.mean(np.linalg.norm(way(a, b, 0.5), axis=-1)) / 16
    assert abs(length(slerp) - 1) < 0.02
    assert abs(length(lerp) - np.sqrt(0.5)) < 0.02


@pytest.mark.parametrize("b", [EAST, -EAST, 3 * EAST, 0 * EAST])
def test_slerp_is_finite_where_there_is_no_one_great_circle(b):
    walked = slerp(jnp.tile(EAST[None], (5, 1)), jnp.tile(b[None], (5, 1)), jnp.linspace(0, 1, 5))
    assert np.all(np.isfinite(walked))
    np.testing.assert_allclose(walked[-1], b, atol=1e-3)


def test_a_loop_is_closed_and_even_and_passes_its_points():
    points = jnp.stack([EAST, NORTH, -EAST, -NORTH])
    walked = np.asarray(loop(points, 40))
    np.testing.assert_allclose(walked[::10], points, atol=1e-6)
    steps = np.linalg.norm(np.roll(walked, -1, axis=0) - walked, axis=-1)
    np.testing.assert_allclose(steps, 2 * np.sin(np.pi / 40), atol=1e-5)


def test_a_loop_has_a_frame_for_each_point():
    np.testing.assert_array_equal(loop(jnp.stack([EAST, NORTH]), 2, lerp), [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="through 2 points has as many frames or more, not 1"):
        loop(jnp.stack([EAST, NORTH]), 1)
