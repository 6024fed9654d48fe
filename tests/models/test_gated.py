"""Gated convolutions: what is published of them, what gates do, which pixels are seen, and what a mask is told."""

from functools import partial
from itertools import pairwise

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.config import Config, DataConfig, Gated, Inpainting
from gan_jax.config.build import build_gan
from gan_jax.config.checks import check
from gan_jax.errors import ConfigError
from gan_jax.models.composed import Composed
from gan_jax.models.gated import Discriminator, GatedConvolution, Generator
from gan_jax.network import evaluate, forward, init_weights
from gan_jax.tasks.degradations import box_hole, with_hole
from gan_jax.tasks.inpainting import known_pixels

KEY = jax.random.key(0)
LATENTS = np.zeros((2, 1), np.float32)


def images(size, channels=3, batch=2, seed=0):
    return jax.random.uniform(jax.random.key(seed), (batch, size, size, channels), minval=-1.0)


def holed(size, channels=3):
    """Images with a hole, as a network is given them."""
    whole = images(size, channels)
    return with_hole(whole, box_hole(KEY, whole.shape))


def count(network, *inputs):
    weights = jax.eval_shape(partial(init_weights, network), KEY, *inputs)
    return sum(leaf.size for leaf in jax.tree.leaves(weights.params))


def drawn(network, *inputs):
    """Its first weights, and the network with them."""
    weights = jax.jit(partial(init_weights, network))(KEY, *inputs)
    return weights, jax.jit(lambda *inputs: evaluate(network, weights, *inputs))


def test_the_published_networks_have_the_parameters_of_their_layers():
    """Counted by hand: a layer computes c, of which the next one sees a half; and k · k · in · c + c are its own."""
    layers = [(5, 48), (3, 96), (3, 96), *[(3, 192)] * 9, (3, 96), (3, 96), (3, 48), (3, 24)]
    seen = [5, *(c // 2 for _, c in layers)]
    generator = sum(k * k * i * c + c for (k, c), i in zip(layers, seen, strict=False)) + 9 * seen[-1] * 3 + 3
    widths = [4, 64, 128, 256, 256, 256, 256]
    judge = sum(25 * i * c + c for i, c in pairwise(widths))
    whole, given = np.zeros((1, 256, 256, 3), np.float32), np.zeros((1, 256, 256, 4), np.float32)
    assert count(Generator(), LATENTS[:1], given) == generator == 1_631_151
    assert count(Discriminator(), whole, given) == judge == 5_946_816


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_layer_is_one_convolution_gated_by_another(dilation):
    x = images(8, 3)
    layer = GatedConvolution(4, dilation=dilation)
    params = layer.init(KEY, x)["params"]
    kernel, bias = params["both"]["kernel"], jnp.arange(8.0)
    plain = jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", rhs_dilation=(dilation,) * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    plain = plain + bias[None, None, None]
    wanted = nn.elu(plain[..., :4]) / (1 + jnp.exp(-plain[..., 4:]))
    found = layer.apply({"params": {"both": {"kernel": kernel, "bias": bias}}}, x)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_closed_gate_hides_what_lies_behind_it():
    x = images(6, 2)
    params = GatedConvolution(3).init(KEY, x)["params"]["both"]
    closed = {"kernel": params["kernel"].at[..., 3:].set(0), "bias": params["bias"].at[3:].set(-100)}
    assert np.max(np.abs(GatedConvolution(3).apply({"params": {"both": closed}}, x))) < 1e-30


def test_gradients_reach_every_parameter_and_are_finite():
    given, network = holed(16), Generator(width=8, dilations=(2,))
    weights, _ = drawn(network, LATENTS, given)

    @jax.jit
    @jax.grad
    def slope(params):
        made, _ = forward(network, weights._replace(params=params), KEY, LATENTS, given)
        return jnp.mean(jnp.square(made))

    for path, leaf in jax.tree_util.tree_leaves_with_path(slope(weights.params)):
        assert np.all(np.isfinite(leaf)), path
        assert np.any(leaf != 0), path


def test_dilated_layers_look_across_the_hole():
    """A pixel sees farther with them than without."""
    given = images(64, 2, batch=1)

    def seen(dilations):
        weights, _ = drawn(network := Generator(1, 4, dilations), LATENTS[:1], given)
        corner = lambda given: evaluate(network, weights, LATENTS[:1], given)[0, 0, 0, 0]
        return np.nonzero(np.any(jax.jit(jax.grad(corner))(given)[0] != 0, axis=(0, 2)))[0].max()

    near, far = seen(()), seen((2, 4))
    assert far == near + 4 * (2 + 4)


@pytest.mark.parametrize("size", [(16, 16), (8, 20)])
def test_known_pixels_stay_and_holes_of_every_size_are_filled(size):
    network = Composed(Generator(1, 8, (2,)), known_pixels)
    weights, _ = drawn(network, LATENTS, holed(16, 1))
    whole = jax.random.uniform(KEY, (2, *size, 1), minval=-1.0)
    given = with_hole(whole, box_hole(KEY, whole.shape))
    made = jax.jit(partial(evaluate, network, weights))(LATENTS, given)
    known = np.broadcast_to(given[..., 1:] > 0, made.shape)
    assert made.shape == whole.shape
    np.testing.assert_array_equal(made[known], whole[known])
    assert not np.any(made[~known] == whole[~known])


def test_the_discriminator_is_told_the_mask_and_none_of_the_given_pixels():
    judged, given = images(16), holed(16)
    _, judge = drawn(Discriminator(4, layers=2), judged, given)
    logits = judge(judged, given)
    assert logits.shape == (2, 4, 4, 8)
    np.testing.assert_array_equal(logits, judge(judged, given.at[..., :-1].set(0.5)))
    assert np.any(logits != judge(judged, -given))


@pytest.mark.parametrize(("size", "dilations", "layers"), [(256, (2, 4, 8, 16), 6), (32, (2, 4), 3), (28, (2, 4), 2)])
def test_a_config_looks_no_farther_than_its_images_are_wide(size, dilations, layers):
    config = Config(data=DataConfig(name="mnist", size=size), task=Inpainting(l1=1.0), model=Gated())
    gan = build_gan(config, 10)
    assert (gan.generator.network.dilations, gan.discriminator.layers) == (dilations, layers)


def test_a_config_names_what_it_cannot_do():
    assert Gated().step(DataConfig(size=32)) == 4
    config = Config(data=DataConfig(name="mnist", size=30), task=Inpainting(l1=1.0), model=Gated(generator_width=6))
    with pytest.raises(ConfigError) as refused:
        check(config)
    assert "data.size: model gated halves images twice, and 4 does not divide 30 pixels" in str(refused.value)
    assert "model.generator_width: expected a multiple of 4, got 6" in str(refused.value)


def test_bfloat16_reaches_the_layers_and_draws_nearly_the_same():
    given = holed(16)
    for network, low, inputs in (
        (
            Generator(width=16, dilations=(2,)),
            Generator(width=16, dilations=(2,), dtype=jnp.bfloat16),
            (LATENTS, given),
        ),
        (Discriminator(8, layers=2), Discriminator(8, jnp.bfloat16, layers=2), (images(16), given)),
    ):
        weights, run = drawn(network, *inputs)
        made, wanted = jax.jit(partial(evaluate, low, weights))(*inputs), run(*inputs)
        assert made.dtype == jnp.float32
        assert 0 < np.max(np.abs(made - wanted)) < 0.05 * np.max(np.abs(wanted))


def test_images_that_cannot_be_halved_twice_are_refused():
    with pytest.raises(ValueError, match=r"4 does not divide both of \[16, 18\]"):
        Generator().init(KEY, LATENTS, np.zeros((2, 16, 18, 4), np.float32))
