"""SRGAN: the published sizes, where pixels go, silent blocks, and images of other sizes."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, per_device
from gan_jax.config import SRGAN, Config, DataConfig, SuperResolution
from gan_jax.config.build import build_gan
from gan_jax.config.checks import check
from gan_jax.errors import ConfigError
from gan_jax.layers.resampling import shuffled
from gan_jax.models.srgan import Discriminator, Generator
from gan_jax.network import evaluate, forward, init_weights

KEY = jax.random.key(0)
LATENTS = np.zeros((2, 1), np.float32)


def images(size, channels=3, batch=2):
    return np.random.default_rng(0).uniform(-1, 1, (batch, size, size, channels)).astype(np.float32)


def shapes(network, inputs, condition=None):
    """Of the output, and the weights; nothing is computed."""
    weights = jax.eval_shape(partial(init_weights, network), KEY, inputs, condition)
    output, _ = jax.eval_shape(partial(forward, network), weights, KEY, inputs, condition)
    return output, weights


def count(weights):
    return sum(leaf.size for leaf in jax.tree.leaves(weights.params))


def test_the_published_networks_have_the_parameters_of_their_layers():
    """Counted by hand: kernel² · in · out and a bias, two of each normalised channel, one slope a rectifier."""
    enlarged, generator = shapes(Generator(), LATENTS, images(24))
    same = 9 * 64 * 64 + 64 + 2 * 64
    up = 9 * 64 * 256 + 256 + 1
    ends = 81 * 3 * 64 + 64 + 1 + 81 * 64 * 3 + 3
    assert count(generator) == 16 * (2 * same + 1) + same + 2 * up + ends == 1_549_462
    assert (enlarged.shape, enlarged.dtype) == ((2, 96, 96, 3), jnp.float32)
    logits, discriminator = shapes(Discriminator(), images(96))
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    layers = sum(9 * a * b + 3 * b for a, b in pairwise(widths)) - 2 * 64
    assert count(discriminator) == layers + (6 * 6 * 512 + 1) * 1024 + 1025 == 23_565_505
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)


def test_pixels_are_shuffled_as_the_paper_has_it():
    """Eq. 4: what becomes of row i and column j of each 2x2 pixels lies in channel 4 c + 2 i + j."""
    x = jnp.arange(2 * 3 * 5 * 8, dtype=jnp.float32).reshape(2, 3, 5, 8)
    y = shuffled(x, 2)
    assert y.shape == (2, 6, 10, 2)
    for channel in range(2):
        for i in range(2):
            for j in range(2):
                np.testing.assert_array_equal(y[:, i::2, j::2, channel], x[..., 4 * channel + 2 * i + j])
    np.testing.assert_array_equal(shuffled(x, 1), x)
    with pytest.raises(ValueError, match="8 channels are no 3 x 3 pixels each; take a multiple of 9"):
        shuffled(x, 3)


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_every_doubling_is_a_stage(factor):
    enlarged, weights = shapes(Generator(2, factor, 4, 1), LATENTS, images(3, 1))
    assert enlarged.shape == (2, 3 * factor, 3 * factor, 2)
    assert len([name for name in weights.params if name.startswith("up_slope")]) == {1: 0, 2: 1, 4: 2, 8: 3}[factor]


def test_blocks_whose_last_gains_are_zero_pass_on_what_they_were_given():
    """Then any number of blocks is none, and the long skip adds nothing to the first features."""
    network, condition = Generator(1, 1, 4, 3), images(8, 1)
    weights = jax.jit(partial(init_weights, network))(KEY, LATENTS, condition)
    gains = [f"norm_{i}_1" for i in range(3)]
    for name in gains:
        weights.params[name]["scale"] *= 0
    silent = Generator(1, 1, 4, 0)
    kept = {name: value for name, value in weights.params.items() if not name.startswith(("block", "norm", "slope"))}
    body = {"body_norm": weights.stats["batch_stats"]["body_norm"]}
    alone = weights._replace(params=kept, stats={"batch_stats": body})
    run = jax.jit(lambda: (evaluate(network, weights, LATENTS, condition), evaluate(silent, alone, LATENTS, condition)))
    whole, short = run()
    np.testing.assert_allclose(whole, short, rtol=1e-5, atol=1e-6)
    assert np.ptp(whole) > 0.1


def test_the_same_weights_enlarge_images_of_every_size():
    network = Generator(1, 2, 4, 1)
    weights = shapes(network, LATENTS, images(8, 1))[1]
    enlarged = jax.eval_shape(partial(evaluate, network), weights, LATENTS, images(13, 1))
    assert enlarged.shape == (2, 26, 26, 1)


def test_bfloat16_is_what_layers_compute_in_and_not_what_comes_out():
    low = jnp.bfloat16
    for network, given in ((Generator(1, 2, 4, 1, low), LATENTS), (Discriminator(2, low), images(16, 1))):
        run = partial(network.init_with_output, train=True)
        assert "bf16" in str(jax.make_jaxpr(run)(KEY, given, images(8, 1)))
        dtypes = {leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(run, KEY, given, images(8, 1)))}
        assert dtypes == {jnp.dtype("float32")}


def test_training_sees_the_batch_and_is_told_the_axis_of_devices():
    network, condition = Generator(1, 2, 4, 1), images(8, 1)
    weights = jax.jit(partial(init_weights, network))(KEY, LATENTS, condition)
    _, moved = jax.jit(partial(forward, network))(weights, KEY, LATENTS, condition)
    assert any(jnp.any(a != b) for a, b in zip(*map(jax.tree.leaves, (moved, weights.stats)), strict=True))
    still = optax.identity()
    spread = per_device.spread(GAN(network, Discriminator(), still, still, 1), "rows")
    assert spread.generator.axis_name == spread.discriminator.axis_name == "rows"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="power of two, such as 2 or 4, not 3 times"):
        shapes(Generator(factor=3), LATENTS, images(8))
    with pytest.raises(ValueError, match="its condition; it was given nothing"):
        shapes(Generator(), LATENTS)


def test_the_command_lines_networks_are_these():
    model = SRGAN(generator_width=8, discriminator_width=4, blocks=2)
    task = SuperResolution(factor=2, l1=1.0)
    config = Config(data=DataConfig(name="digits", size=16), task=task, model=model)
    gan = build_gan(check(config), 0)
    assert (gan.generator.factor, gan.generator.width, gan.generator.blocks, gan.generator.channels) == (2, 8, 2, 1)
    assert gan.discriminator == Discriminator(4)
    with pytest.raises(ConfigError, match="model srgan doubles images, and 3 is no power of two"):
        check(Config(data=DataConfig(name="digits", size=18), task=SuperResolution(factor=3, l1=1.0), model=model))
