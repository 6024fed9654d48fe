"""Pictures found again in the space that they were drawn from."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.latents.projection import distances, init, make_step, nearest, pyramid

MATRIX = jax.random.normal(jax.random.key(0), (6, 48)) / 4
POINTS = jax.random.normal(jax.random.key(1), (3, 6))


def draw(weights, points, condition):
    """A tiny generator of 4x4x3 pixels; of layers, the first three numbers of each are told the first layer's."""
    whole = points if points.ndim == 2 else jnp.concatenate([points[:, 0, :3], points[:, 1, 3:]], axis=1)
    return jnp.tanh(whole @ weights + condition[:, None]).reshape(-1, 4, 4, 3)


SHIFT = jnp.array([0.0, 0.5, -0.5])
TARGETS = draw(MATRIX, POINTS, SHIFT)


def found(start, steps=200, **how):
    """Where a projection ends, and how far it was as it began."""
    step = jax.jit(make_step(draw, steps=steps, **how))
    state, first = step(init(start, jax.random.key(2)), MATRIX, TARGETS, SHIFT)
    for _ in range(steps - 1):
        state, far = step(state, MATRIX, TARGETS, SHIFT)
    return state, first, far


def test_a_known_point_is_found_again():
    state, first, far = found(jnp.zeros((3, 6)))
    assert np.all(np.asarray(first) > 0.05)
    assert np.all(np.asarray(far) < 1e-4)
    np.testing.assert_allclose(state.points, POINTS, atol=0.02)
    assert state.step == 200


def test_layers_are_moved_by_themselves():
    state, _, far = found(jnp.zeros((3, 2, 6)))
    assert np.all(np.asarray(far) < 1e-4)
    np.testing.assert_allclose(state.points[:, 0, :3], POINTS[:, :3], atol=0.02)
    np.testing.assert_allclose(state.points[:, 0, 3:], np.zeros((3, 3)), atol=1e-6)


def test_a_picture_is_found_whatever_is_beside_it():
    state, _, _ = found(jnp.zeros((3, 6)), steps=30, noise=0.0)
    step = jax.jit(make_step(draw, steps=30, noise=0.0))
    alone = init(jnp.zeros((1, 6)), jax.random.key(9))
    for _ in range(30):
        alone, _ = step(alone, MATRIX, TARGETS[1:2], SHIFT[1:2])
    np.testing.assert_allclose(alone.points[0], state.points[1], atol=1e-4)


def test_the_prior_draws_points_to_the_length_of_normal_ones():
    state, *_ = found(jnp.full((3, 6), 0.1), prior=1e4)
    np.testing.assert_allclose(jnp.linalg.norm(state.points, axis=-1), np.sqrt(6) * np.ones(3), rtol=0.01)


def test_pixels_at_all_scales_are_their_mean_squared_errors():
    x, y = jax.random.normal(jax.random.key(3), (2, 2, 6, 4, 1))
    scales = [x - y]
    scales.append(np.asarray(scales[0]).reshape(2, 3, 2, 2, 2, 1).mean((2, 4)))
    scales.append(scales[1][:, :2].reshape(2, 1, 2, 1, 2, 1).mean((2, 4)))
    expected = sum(np.mean(np.square(scale), axis=(1, 2, 3)) for scale in scales)
    np.testing.assert_allclose(distances(pyramid, x, y), expected, rtol=1e-5)


def test_the_nearest_of_many_is_the_same_one():
    images = jax.random.normal(jax.random.key(4), (50, 4, 4, 1))
    np.testing.assert_array_equal(nearest(pyramid, images, images[7:10] + 0.01), [7, 8, 9])
