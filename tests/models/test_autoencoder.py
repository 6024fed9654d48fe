"""An autoencoder's shapes, its parameters, what it draws, and what its judge sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import pix2pix
from gan_jax.models.autoencoder import Decoder, Encoder, Generator, Judge

IMAGES = np.random.default_rng(0).uniform(-1, 1, (3, 8, 12, 1)).astype(np.float32)
NETWORK = Generator(Encoder(channels=2, width=2, halvings=2), Decoder(channels=1, width=2, halvings=2))


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.fixture(scope="module")
def variables():
    return jax.jit(NETWORK.init)(jax.random.key(0), jnp.zeros((3, 1)), IMAGES)


@pytest.mark.parametrize(("halvings", "side"), [(2, 8), (3, 4)])
def test_codes_are_smaller_and_images_as_large_again(halvings, side):
    encoder, decoder = Encoder(5, 8, halvings), Decoder(3, 8, halvings)
    images = jnp.zeros((2, 32, 48, 3))
    (mean, log_variance), _ = jax.eval_shape(lambda: encoder.init_with_output(jax.random.key(0), images))
    assert mean.shape == log_variance.shape == (2, side, 3 * side // 2, 5)
    found, _ = jax.eval_shape(lambda: decoder.init_with_output(jax.random.key(0), jnp.zeros(mean.shape)))
    assert (found.shape, found.dtype) == (images.shape, jnp.float32)


def test_parameters_are_those_of_its_layers():
    """Counted by hand, of 4 channels twice doubled: 9 · in · out + out a layer, 2 · channels a norm."""
    layer = lambda i, o: 9 * i * o + o
    block = lambda c: 2 * (layer(c, c) + 2 * c)
    blocks = block(4) + block(8) + block(16)
    encoder = jax.eval_shape(lambda: Encoder(3, 4).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1))))
    assert count(encoder) == layer(1, 4) + blocks + layer(4, 8) + layer(8, 16) + 32 + layer(16, 6)
    decoder = jax.eval_shape(lambda: Decoder(1, 4).init(jax.random.key(0), jnp.zeros((1, 2, 2, 3))))
    assert count(decoder) == layer(3, 16) + blocks + layer(16, 8) + layer(8, 4) + 8 + layer(4, 1)


def test_codes_are_drawn_in_training_and_are_their_means_in_evaluation(variables):
    run = jax.jit(lambda key: NETWORK.apply(variables, None, IMAGES, train=True, rngs={"dropout": key}))
    drawn, again, other = run(jax.random.key(0)), run(jax.random.key(0)), run(jax.random.key(1))
    np.testing.assert_array_equal(drawn[0], again[0])
    assert not np.allclose(drawn[0], other[0], atol=1e-3)
    np.testing.assert_array_equal(drawn[1], other[1])  # what a code tells is no matter of luck

    @jax.jit
    def in_two(params):
        mean, log_variance = NETWORK.encoder.apply({"params": params["encoder"]}, IMAGES)
        wanted = (mean**2 + jnp.exp(log_variance) - 1 - log_variance) / 2
        return NETWORK.decoder.apply({"params": params["decoder"]}, mean), wanted.mean((1, 2, 3))

    for ours, wanted in zip(jax.jit(NETWORK.apply)(variables, None, IMAGES), in_two(variables["params"]), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_the_judge_sees_images_alone():
    network = pix2pix.Discriminator(2, 1)
    judge = Judge(network)
    images = jnp.asarray(IMAGES)
    variables = judge.init(jax.random.key(0), (images, jnp.zeros(3)), images)
    alone = {name: {**found["of_images"]} for name, found in variables.items()}
    told = judge.apply(variables, (images, jnp.ones(3)), 2 * images)
    np.testing.assert_array_equal(told, network.apply(alone, images))


def test_images_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="images of 8x10 pixels cannot be halved 2 times"):
        jax.eval_shape(lambda: Encoder(2, 2).init(jax.random.key(0), jnp.zeros((1, 8, 10, 1))))
