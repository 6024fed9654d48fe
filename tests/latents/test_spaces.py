"""Generators in two parts draw what they draw in one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax.gan import GAN, generate
from gan_jax.latents.mixing import crossed, mixed
from gan_jax.latents.spaces import space_of, truncated
from gan_jax.models import stylegan2
from gan_jax.network import init_weights

LATENTS = jax.random.normal(jax.random.key(0), (4, 8))
LABELS = jnp.arange(4) % 3


def stylegan(truncation=1.0):
    generator = stylegan2.Generator(8, 1, 4, 3, mapping_layers=1, style_size=6, truncation=truncation)
    return GAN(generator, toys.Discriminator(3), optax.sgd(0.1), optax.sgd(0.1), latent_size=8)


@pytest.fixture(scope="module")
def weights():
    found = jax.jit(partial(init_weights, stylegan().generator))(jax.random.key(1), LATENTS, LABELS)
    mean = {"mean": jax.random.normal(jax.random.key(2), (6,))}
    return found._replace(stats=found.stats | {"mean_style": mean})


@pytest.fixture(scope="module")
def draw():
    return jax.jit(space_of(stylegan()).draw)


def test_styles_and_what_is_drawn_of_them_are_the_generator(weights, draw):
    space = space_of(stylegan())
    points = space.map(weights, LATENTS, LABELS)
    assert (points.shape, space.layers, space.normal) == ((4, 6), 4, False)
    images = jax.jit(partial(generate, stylegan()))(weights, LATENTS, LABELS)
    np.testing.assert_allclose(draw(weights, points, LABELS), images, atol=1e-5)
    each = jnp.repeat(points[:, None], 4, axis=1)
    np.testing.assert_allclose(draw(weights, each, LABELS), images, atol=1e-5)


def test_truncation_of_points_is_that_of_the_generator(weights):
    ours = truncated(space_of(stylegan()), weights, LATENTS, LABELS, 0.3)
    np.testing.assert_allclose(ours, space_of(stylegan(0.3)).map(weights, LATENTS, LABELS), atol=1e-6)
    mean = truncated(space_of(stylegan()), weights, LATENTS, LABELS, 0.0)
    np.testing.assert_allclose(mean, np.tile(weights.stats["mean_style"]["mean"], (4, 1)), atol=1e-6)


def test_a_generator_without_styles_is_a_space_of_its_latents():
    toy = toys.make(classes=3)
    weights = init_weights(toy.generator, jax.random.key(1), LATENTS, LABELS)
    space = space_of(toy)
    assert space.map(weights, LATENTS, LABELS) is LATENTS
    assert (space.layers, space.normal) == (1, True)
    np.testing.assert_array_equal(space.draw(weights, LATENTS, LABELS), generate(toy, weights, LATENTS, LABELS))
    np.testing.assert_allclose(truncated(space, weights, LATENTS, LABELS, 0.5), LATENTS / 2)


def test_mixtures_of_all_layers_of_one_are_that_one(weights, draw):
    a, b = jax.random.normal(jax.random.key(3), (2, 4, 6))
    np.testing.assert_array_equal(draw(weights, mixed(a, b, 4, 4), LABELS), draw(weights, a, LABELS))
    np.testing.assert_array_equal(draw(weights, mixed(a, b, 4, 0), LABELS), draw(weights, b, LABELS))
    assert np.all(np.any(draw(weights, mixed(a, b, 4, 2), LABELS) != draw(weights, a, LABELS), axis=(1, 2, 3)))
    np.testing.assert_array_equal(mixed(a, b, 4, 1)[:, :, 0], np.stack([a[:, 0], *[b[:, 0]] * 3], axis=1))


def test_crossing_mixes_every_row_with_every_column():
    rows, columns = jnp.arange(2.0)[:, None], jnp.arange(10.0, 13)[:, None]
    table = crossed(rows, columns, 2, 1).reshape(2, 3, 2)
    np.testing.assert_array_equal(table[:, :, 0], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(table[:, :, 1], [[10, 11, 12]] * 2)
