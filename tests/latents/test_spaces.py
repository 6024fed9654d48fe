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
from gan_jax.models import gat, stylegan2
from gan_jax.network import init_weights

LATENTS = jax.random.normal(jax.random.key(0), (4, 8))
LABELS = jnp.arange(4) % 3

STYLED = {
    "stylegan2": (partial(stylegan2.Generator, 8, 1, 4, 3, mapping_layers=1, style_size=6), 4, 6),
    "gat": (partial(gat.Generator, 8, 1, 1, 4, 1, 4, 3, levels=1), 1, 4),
}
"""A generator, how many layers are told a style, and of how many numbers."""


def made(generator):
    return GAN(generator, toys.Discriminator(3), optax.sgd(0.1), optax.sgd(0.1), latent_size=8)


def begun(generator):
    """Weights whose mean styles have moved."""
    weights = jax.jit(partial(init_weights, generator))(jax.random.key(1), LATENTS, LABELS)
    moved = jax.tree.map(lambda mean: jax.random.normal(jax.random.key(2), mean.shape), weights.stats["mean_style"])
    return weights._replace(stats=weights.stats | {"mean_style": moved})


@pytest.mark.parametrize("model", STYLED)
def test_styles_and_what_is_drawn_of_them_are_the_generator(model):
    make, layers, features = STYLED[model]
    game, space = made(make()), space_of(made(make()))
    weights = begun(game.generator)
    points = space.map(weights, LATENTS, LABELS)
    assert (points.shape, space.layers, space.normal) == ((4, features), layers, False)
    images = jax.jit(partial(generate, game))(weights, LATENTS, LABELS)
    draw = jax.jit(space.draw)
    np.testing.assert_allclose(draw(weights, points, LABELS), images, atol=1e-5)
    each = jnp.repeat(points[:, None], layers, axis=1)
    np.testing.assert_allclose(draw(weights, each, LABELS), images, atol=1e-5)


@pytest.mark.parametrize("model", STYLED)
def test_truncation_of_points_is_that_of_the_generator(model):
    make, _, features = STYLED[model]
    space, weights = space_of(made(make())), begun(make())
    ours = truncated(space, weights, LATENTS, LABELS, 0.3)
    np.testing.assert_allclose(ours, space_of(made(make(truncation=0.3))).map(weights, LATENTS, LABELS), atol=1e-6)
    (mean,) = jax.tree.leaves(weights.stats["mean_style"])
    expected = jnp.broadcast_to(mean, (3, features))[LABELS]  # of GAT one for each label
    np.testing.assert_allclose(truncated(space, weights, LATENTS, LABELS, 0.0), expected, atol=1e-6)


def test_a_generator_without_styles_is_a_space_of_its_latents():
    toy = toys.make(classes=3)
    weights = init_weights(toy.generator, jax.random.key(1), LATENTS, LABELS)
    space = space_of(toy)
    assert space.map(weights, LATENTS, LABELS) is LATENTS
    assert (space.layers, space.normal) == (1, True)
    np.testing.assert_array_equal(space.draw(weights, LATENTS, LABELS), generate(toy, weights, LATENTS, LABELS))
    np.testing.assert_allclose(truncated(space, weights, LATENTS, LABELS, 0.5), LATENTS / 2)


def test_mixtures_of_all_layers_of_one_are_that_one():
    make, layers, features = STYLED["stylegan2"]
    weights, draw = begun(make()), jax.jit(space_of(made(make())).draw)
    a, b = jax.random.normal(jax.random.key(3), (2, 4, features))
    np.testing.assert_array_equal(draw(weights, mixed(a, b, layers, layers), LABELS), draw(weights, a, LABELS))
    np.testing.assert_array_equal(draw(weights, mixed(a, b, layers, 0), LABELS), draw(weights, b, LABELS))
    between = draw(weights, mixed(a, b, layers, 2), LABELS)
    assert np.all(np.any(between != draw(weights, a, LABELS), axis=(1, 2, 3)))
    np.testing.assert_array_equal(mixed(a, b, layers, 1)[:, :, 0], np.stack([a[:, 0], *[b[:, 0]] * 3], axis=1))


def test_crossing_mixes_every_row_with_every_column():
    rows, columns = jnp.arange(2.0)[:, None], jnp.arange(10.0, 13)[:, None]
    table = crossed(rows, columns, 2, 1).reshape(2, 3, 2)
    np.testing.assert_array_equal(table[:, :, 0], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(table[:, :, 1], [[10, 11, 12]] * 2)
