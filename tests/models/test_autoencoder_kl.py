"""Stable Diffusion's autoencoder: its published numbers of parameters, and the shapes of its codes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models.autoencoder_kl import Attention, Decoder, Encoder

KEY = jax.random.key(0)


def count(network, inputs):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(lambda: network.init(KEY, inputs))))


def test_parameters_are_as_many_as_published():
    """As diffusers counts those of stabilityai/sd-vae-ft-mse's config, quant_conv and post_quant_conv among them."""
    assert count(Encoder(), jnp.zeros((1, 32, 32, 3))) == 34_163_664
    assert count(Decoder(), jnp.zeros((1, 4, 4, 4))) == 49_490_199


@pytest.mark.parametrize("halvings", [2, 3])
def test_codes_are_smaller_and_images_as_large_again(halvings):
    encoder, decoder = Encoder(5, 8, halvings, 1), Decoder(2, 8, halvings, 2)
    images = jnp.zeros((3, 32, 48, 2))
    mean, log_variance = jax.eval_shape(lambda: encoder.init_with_output(KEY, images)[0])
    assert mean.shape == log_variance.shape == (3, 32 >> halvings, 48 >> halvings, 5)
    found = jax.eval_shape(lambda: decoder.init_with_output(KEY, jnp.zeros(mean.shape))[0])
    assert (found.shape, found.dtype) == (images.shape, jnp.float32)
    with pytest.raises(ValueError, match=f"images of 36x30 pixels cannot be halved {halvings} times"):
        jax.eval_shape(encoder.init, KEY, jnp.zeros((1, 36, 30, 2)))


def test_attention_is_that_of_one_head_over_all_places():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 8)).astype(np.float32)
    found, variables = Attention().init_with_output(KEY, x)
    params = variables["params"]
    flat = x.reshape(2, 12, 8)
    tokens = (flat - flat.mean(1, keepdims=True)) / np.sqrt(flat.var(1, keepdims=True) + 1e-6)  # eight groups of one
    query, key, value = (tokens @ params[name]["kernel"] for name in ("query", "key", "value"))
    weights = np.asarray(jax.nn.softmax(query @ key.transpose(0, 2, 1) / np.sqrt(8), axis=-1))
    wanted = flat + weights @ value @ params["out"]["kernel"]
    np.testing.assert_allclose(found, wanted.reshape(x.shape), atol=1e-5)
