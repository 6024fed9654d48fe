"""AC-GAN: what its discriminator says of labels, and some steps of the pair."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, Batch, init, make_step
from gan_jax.data import digits
from gan_jax.images import to_float
from gan_jax.losses import auxiliary, hinge, non_saturating
from gan_jax.models import acgan, dcgan
from gan_jax.network import forward


def test_the_second_logit_is_the_log_likelihood_of_the_label():
    module = acgan.Discriminator(3, 2)
    images = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
    variables = jax.jit(module.init)(jax.random.key(1), images, jnp.zeros(4, jnp.int32))
    logits = [jax.jit(module.apply)(variables, images, jnp.full(4, label)) for label in range(3)]
    np.testing.assert_allclose(sum(jnp.exp(found[:, 1]) for found in logits), 1, rtol=1e-5)
    np.testing.assert_array_equal(logits[0][:, 0], logits[1][:, 0])


def test_the_auxiliary_loss_is_the_game_and_both_players_wish_for_recognition():
    real, fake = jnp.array([[0.3, -1.0], [2.0, -3.0]]), jnp.array([[-0.5, -2.0], [1.0, -4.0]])
    loss = auxiliary(hinge, weight=0.5)
    for player in ("discriminator", "generator"):
        game = getattr(hinge, player)(real[:, 0], fake[:, 0])
        np.testing.assert_allclose(getattr(loss, player)(real, fake), game + 0.5 * (2 + 3), rtol=1e-6)
    with pytest.raises(ValueError, match=r"logits are \[B, 2\], not \[2\]"):
        loss.generator(real[:, 0], fake[:, 0])


def test_labels_are_needed():
    with pytest.raises(ValueError, match="needs a label"):
        acgan.Discriminator(3, 2).init(jax.random.key(0), jnp.zeros((2, 8, 8, 1)))


@pytest.mark.slow
def test_the_pair_trains_and_learns_to_name_digits():
    """Within some steps real digits' labels are likelier than by chance, log 1/10 = -2.3."""
    data = digits.load()
    adam = optax.adam(2e-3, b1=0.5)
    gan = GAN(
        dcgan.Generator(8, 1, 4, 10), acgan.Discriminator(10, 4, dropout=0.0), adam, adam, 8, auxiliary(non_saturating)
    )
    batch = lambda i: Batch(
        jnp.asarray(data.images[64 * i : 64 * i + 64]), jnp.asarray(data.labels[64 * i : 64 * i + 64])
    )
    state = init(gan, jax.random.key(0), batch(0))
    step = jax.jit(make_step(gan), donate_argnums=0)
    for i in range(80):
        state, metrics = step(state, batch(i % 20))
    assert np.isfinite(metrics["d/loss"])
    new = batch(24)
    logits, _ = forward(
        gan.discriminator, state.discriminator.weights, jax.random.key(1), to_float(new.images), new.condition
    )
    assert jnp.mean(logits[:, 1]) > -1.5
