import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.sequence import by_products, by_xla
from gan_jax.models.wgan_text import Discriminator, Generator, straight_through

KEY = jax.random.key(0)


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_the_papers_networks_have_its_parameters():
    """A dense layer, ten convolutions of 5 taps and 512 channels, and one of a single tap to or from the alphabet."""
    made = jax.eval_shape(lambda: Generator(32, 96).init({"params": KEY}, jnp.ones((2, 128))))
    judged = jax.eval_shape(lambda: Discriminator().init({"params": KEY}, jnp.ones((2, 1, 32, 96))))
    blocks = 10 * (5 * 512 * 512 + 512)
    assert count(made) == 129 * 32 * 512 + blocks + 513 * 96 == 15_275_104
    assert count(judged) == 97 * 512 + blocks + 32 * 512 + 1 == 13_178_369


@pytest.mark.parametrize("taps", [1, 3, 5])
def test_products_over_taps_are_xlas_convolution(taps):
    x, kernel = jax.random.normal(KEY, (2, 7, 3)), jax.random.normal(KEY, (taps, 3, 4))
    np.testing.assert_allclose(by_products(x, kernel), by_xla(x, kernel), atol=1e-5)
    direct = sum(x[0, 3 + i - taps // 2] @ kernel[i] for i in range(taps))
    np.testing.assert_allclose(by_products(x, kernel)[0, 3], direct, atol=1e-5)


def test_a_text_is_a_distribution_at_each_place_and_has_a_score():
    generator, critic = Generator(6, 5, width=4, blocks=1), Discriminator(width=4, blocks=1)
    texts, _ = jax.jit(lambda z: generator.init_with_output({"params": KEY}, z))(jnp.ones((3, 8)))
    assert texts.shape == (3, 1, 6, 5)
    assert jnp.all(texts >= 0)
    np.testing.assert_allclose(texts.sum(-1), np.ones((3, 1, 6)), rtol=1e-6)
    logits, _ = critic.init_with_output({"params": KEY}, texts)
    assert logits.shape == (3,)


def test_a_block_adds_three_tenths_of_its_branch():
    critic = Discriminator(width=4, blocks=1)
    texts = jnp.eye(5)[None, None, :, :]
    variables = critic.init({"params": KEY}, texts)
    params = variables["params"]
    read = texts[:, 0] @ params["characters"]["kernel"][0]
    inner = by_products(jax.nn.relu(read), params["block_0"]["convolution_0"]["kernel"])
    branch = by_products(jax.nn.relu(inner), params["block_0"]["convolution_1"]["kernel"])
    expected = (read + 0.3 * branch).reshape(1, -1) @ params["logit"]["kernel"]
    np.testing.assert_allclose(critic.apply(variables, texts), expected[:, 0], rtol=1e-5)


LOGITS = jnp.log(jnp.array([0.5, 0.3, 0.2]))


def test_straight_through_draws_characters_as_often_as_they_are_likely():
    drawn = straight_through(0.3)(KEY, jnp.broadcast_to(LOGITS, (1, 4000, 3)))
    np.testing.assert_allclose(np.sort(drawn[0], axis=-1), np.broadcast_to([0, 0, 1], (4000, 3)), atol=1e-6)
    np.testing.assert_allclose(drawn[0].mean(0), [0.5, 0.3, 0.2], atol=0.03)


def test_its_gradient_is_that_of_the_noisy_distribution_by_finite_differences():
    weights, temperature = jnp.array([1.0, -2.0, 3.0]), 0.7
    noise = jax.random.gumbel(KEY, (1, 1, 3))
    soft = lambda logits: jnp.sum(weights * jax.nn.softmax((logits + noise[0, 0]) / temperature))
    slope = jax.grad(lambda logits: jnp.sum(straight_through(temperature)(KEY, logits[None, None])[0, 0] * weights))
    differences = [(soft(LOGITS + d) - soft(LOGITS - d)) / 2e-2 for d in 1e-2 * jnp.eye(3)]
    np.testing.assert_allclose(slope(LOGITS), differences, rtol=1e-2)


def test_without_a_key_it_is_the_likeliest_character():
    np.testing.assert_allclose(straight_through(1.0)(None, LOGITS[None, None])[0, 0], [1, 0, 0], atol=1e-6)
    spelled = Generator(4, 3, width=2, blocks=1, spell=straight_through(1.0))
    variables = spelled.init({"params": KEY}, jnp.ones((2, 3)))
    once, again = (spelled.apply(variables, jnp.ones((2, 3))) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    keys = [{"params": jax.random.key(i)} for i in range(2)]
    drawn = [spelled.apply(variables, jnp.ones((2, 3)), train=True, rngs=rngs) for rngs in keys]
    assert not np.array_equal(*drawn)
