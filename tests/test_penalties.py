"""Penalties against critics whose slope is known."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import penalties


def images(seed, shape=(3, 4, 4, 2)):
    return jax.random.normal(jax.random.key(seed), shape)


def test_r1_of_a_linear_critic_is_half_the_squared_norm_of_its_weights():
    a = images(1)[0]
    critic = lambda x: jnp.einsum("bhwc,hwc->b", x, a)
    value = penalties.r1(10.0)(jax.random.key(0), critic, images(2), images(3))
    np.testing.assert_allclose(value, 5.0 * jnp.sum(a**2), rtol=1e-5)


def test_r1_of_a_quadratic_critic_is_taken_image_by_image():
    root = jax.random.normal(jax.random.key(1), (32, 32))
    matrix = root + root.T
    critic = lambda x: 0.5 * jnp.einsum("bi,ij,bj->b", x.reshape(3, 32), matrix, x.reshape(3, 32))
    real = images(2)
    expected = 0.5 * jnp.mean(jnp.sum((real.reshape(3, 32) @ matrix) ** 2, axis=1))
    np.testing.assert_allclose(penalties.r1(1.0)(jax.random.key(0), critic, real, images(3)), expected, rtol=1e-4)


def test_r1_looks_at_real_images_only():
    critic = lambda x: jnp.sum(x**2, axis=(1, 2, 3))
    here, there = (penalties.r1(1.0)(jax.random.key(0), critic, images(2), images(i)) for i in (3, 4))
    assert here == there


def test_total_adds_up_and_none_adds_nothing():
    critic = lambda x: jnp.sum(x**2, axis=(1, 2, 3))
    arguments = (jax.random.key(0), critic, images(2), images(3))
    both = penalties.total(penalties.r1(1.0), penalties.none, penalties.r1(2.0))
    np.testing.assert_allclose(both(*arguments), penalties.r1(3.0)(*arguments), rtol=1e-6)
