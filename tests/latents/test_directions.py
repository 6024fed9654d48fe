"""Directions, against NumPy's own and against explicit Jacobians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.latents.directions import along, by_covariance, by_jacobian, by_weights

POINTS = jax.random.normal(jax.random.key(0), (200, 6)) * jnp.arange(6, 0, -1.0)[None] + 1


def same_lines(ours, theirs):
    """Whether axes are the same but for their signs."""
    np.testing.assert_allclose(np.abs(np.sum(np.asarray(ours) * np.asarray(theirs), axis=1)), 1, atol=1e-4)


def strongest(matrix, count):
    return np.linalg.eigh(np.asarray(matrix, np.float64))[1][:, ::-1].T[:count]


def test_components_are_numpys():
    found = by_covariance(POINTS, 3)
    points = np.asarray(POINTS, np.float64)
    _, singular, axes = np.linalg.svd(points - points.mean(0), full_matrices=False)
    same_lines(found.axes, axes[:3])
    np.testing.assert_allclose(found.deviations, singular[:3] / np.sqrt(200), rtol=1e-4)
    np.testing.assert_allclose(found.mean, points.mean(0), atol=1e-4)
    assert np.all(found.axes[np.arange(3), np.argmax(np.abs(found.axes), axis=1)] > 0)


def test_the_directions_of_a_linear_map_are_its_singular_vectors():
    matrix = jax.random.normal(jax.random.key(1), (6, 48))
    found = by_jacobian(lambda points: (points @ matrix).reshape(-1, 4, 4, 3), POINTS[:5], 2)
    same_lines(found.axes, np.linalg.svd(np.asarray(matrix, np.float64))[0].T[:2])
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-5)


def test_the_directions_of_a_curved_map_are_those_of_its_mean_squared_jacobian():
    matrix = jax.random.normal(jax.random.key(2), (6, 12))
    one = lambda point: jnp.tanh(point @ matrix / 4) * jnp.sum(point**2)
    jacobians = np.asarray(jax.vmap(jax.jacfwd(one))(POINTS[:9]), np.float64)
    found = by_jacobian(jax.vmap(one), POINTS[:9], 3)
    same_lines(found.axes, strongest(np.mean(jacobians.swapaxes(1, 2) @ jacobians, axis=0), 3))


def test_the_directions_of_weights_are_those_that_move_scales_most():
    one, two = jax.random.normal(jax.random.key(3), (2, 6, 9))
    params = {"layer_4": {"convolution": {"scales": {"kernel": one}, "kernel": two}}, "image": {"scales": {"bias": 0}}}
    same_lines(by_weights(params, POINTS, 2).axes, strongest(one @ one.T, 2))
    with pytest.raises(ValueError, match="no layer named scales; find directions by_jacobian"):
        by_weights({"dense": {"kernel": one}}, POINTS, 2)


def test_points_move_along_axes_by_deviations():
    found = by_covariance(POINTS, 2)
    moved = along(found, POINTS[:3], jnp.array([[0.0, 0.0], [1.0, 0.0], [0.0, -2.0]]))
    np.testing.assert_array_equal(moved[0], POINTS[0])
    np.testing.assert_allclose(moved[1] - POINTS[1], found.deviations[0] * found.axes[0], atol=1e-5)
    np.testing.assert_allclose(moved[2] - POINTS[2], -2 * found.deviations[1] * found.axes[1], atol=1e-5)
    layers = jnp.repeat(POINTS[:3, None], 4, axis=1)
    np.testing.assert_allclose(
        along(found, layers, jnp.ones((3, 4, 2)))[:, 2], along(found, POINTS[:3], jnp.ones((3, 2)))
    )


@pytest.mark.parametrize("find", [by_covariance, lambda points, count: by_jacobian(lambda p: p, points, count)])
@pytest.mark.parametrize("count", [0, 7])
def test_there_are_no_more_directions_than_dimensions(find, count):
    with pytest.raises(ValueError, match=f"a space of 6 dimensions has 1 to 6 directions, not {count}"):
        find(POINTS, count)
