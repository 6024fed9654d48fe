"""ESRGAN: the published sizes, the start, what blocks compute, and images of other sizes."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax.models.esrgan import DenseBlock, Discriminator, Generator, ResidualDenseBlocks
from gan_jax.network import evaluate, forward, init_weights

KEY = jax.random.key(0)
LATENTS = np.zeros((2, 1), np.float32)
TINY = Generator(1, 2, 4, 1, 2)


def images(size, channels=3, batch=2):
    return np.random.default_rng(0).uniform(-1, 1, (batch, size, size, channels)).astype(np.float32)


def shapes(network, inputs, condition=None):
    """Of the output, and the weights; nothing is computed."""
    weights = jax.eval_shape(partial(init_weights, network), jax.random.key(0), inputs, condition)
    output, _ = jax.eval_shape(partial(forward, network), weights, jax.random.key(0), inputs, condition)
    return output, weights


def some_weights(network, inputs, condition=None):
    """Any, so that nothing need be compiled for them."""
    draw = np.random.default_rng(1).normal
    return jax.tree.map(lambda leaf: np.float32(draw(0, 0.3, leaf.shape)), shapes(network, inputs, condition)[1])


def count(weights):
    return sum(leaf.size for leaf in jax.tree.leaves(weights.params))


def test_the_published_networks_have_the_parameters_of_their_layers():
    """Counted by hand: kernel² · in · out, and a bias for all but the discriminator's spectral layers."""
    generator = jax.eval_shape(partial(init_weights, Generator()), KEY, LATENTS, images(8))
    block = 3 * (9 * 32 * (64 + 96 + 128 + 160) + 4 * 32 + 9 * 192 * 64 + 64)
    others = (9 * 3 * 64 + 64) + 4 * (9 * 64 * 64 + 64) + (9 * 64 * 3 + 3)
    assert count(generator) == 23 * block + others == 16_697_987
    logits, discriminator = shapes(Discriminator(), images(32))
    down = 16 * (64 * 128 + 128 * 256 + 256 * 512)
    up = 9 * (512 * 256 + 256 * 128 + 128 * 64) + 2 * 9 * 64 * 64
    assert count(discriminator) == (9 * 3 * 64 + 64) + down + up + (9 * 64 + 1) == 4_376_897
    assert (logits.shape, logits.dtype) == ((2, 32, 32), jnp.float32)
    assert len(jax.tree.leaves(discriminator.stats)) == 8
    assert count(shapes(Generator(blocks=2, width=32, growth=16), LATENTS, images(8))[1]) == 398_755


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_every_doubling_is_a_stage(factor):
    enlarged, weights = shapes(Generator(2, factor, 4, 1, 2), LATENTS, images(3, 1))
    assert (enlarged.shape, enlarged.dtype) == ((2, 3 * factor, 3 * factor, 2), jnp.float32)
    assert len([name for name in weights.params if name.startswith("up_")]) == {1: 0, 2: 1, 4: 2, 8: 3}[factor]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="power of two, such as 2 or 4, not 3 times"):
        shapes(Generator(factor=3), LATENTS, images(8))
    with pytest.raises(ValueError, match="its condition; it was given nothing"):
        shapes(Generator(), LATENTS)
    with pytest.raises(ValueError, match="depth 3 halves images with sides that 8 divides, not 28x28; lower the depth"):
        shapes(Discriminator(), images(28))
    assert shapes(Discriminator(4, depth=2), images(28, 1))[0].shape == (2, 28, 28)


def test_a_silent_block_passes_on_what_it_was_given():
    """Without kernels and biases each dense block is the identity, and the block x + 0.2 x."""
    x = images(4, 8)
    block = ResidualDenseBlocks(4)
    variables = jax.eval_shape(block.init, jax.random.key(0), x)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), variables)
    np.testing.assert_allclose(jax.jit(block.apply)(zeros, x), 1.2 * x, rtol=1e-6)
    for i in range(3):
        zeros["params"][f"dense_{i}"]["layer_4"]["bias"] += 1
    np.testing.assert_allclose(jax.jit(block.apply)(zeros, x), 1.2 * x + 0.2 * 3 * 0.2, rtol=1e-5, atol=1e-6)


def test_dense_blocks_start_at_a_tenth_of_hes_scale():
    params = jax.jit(DenseBlock(16).init)(jax.random.key(0), images(4, 32))["params"]
    for i in range(5):
        kernel = params[f"layer_{i}"]["kernel"]
        assert kernel.shape[2:] == (32 + 16 * i, 16 if i < 4 else 32)
        np.testing.assert_allclose(np.std(kernel), 0.1 * np.sqrt(2 / (9 * kernel.shape[2])), rtol=0.1)


def test_one_network_enlarges_images_of_every_size_each_by_itself():
    """An image is not seen to its ends: far from what was cut off, that of a part is the same."""
    large = images(40, 1)
    weights = some_weights(TINY, LATENTS, images(8, 1))
    enlarge = jax.jit(partial(evaluate, TINY, weights))
    whole, part = enlarge(LATENTS, large), enlarge(LATENTS[1:], large[1:, :24, :28])
    assert (whole.shape, part.shape) == ((2, 80, 80, 1), (1, 48, 56, 1))
    # 3x3 kernels before the doubling: at the image, three times five, behind them; and two and a bit after it.
    reach = 1 + 15 + 1 + 2
    inner = slice(0, 2 * (24 - reach))
    np.testing.assert_allclose(whole[1:, inner, inner], part[:, inner, inner], rtol=1e-4, atol=1e-4)
    assert not np.allclose(whole[1:, :48, :56], part, atol=1e-2)


def test_a_discriminator_judges_each_image_and_hears_of_no_condition():
    network, whole = Discriminator(2, depth=1), images(8, 1)
    weights = some_weights(network, whole)
    judge = jax.jit(partial(evaluate, network, weights))
    logits = judge(whole, images(4))
    np.testing.assert_array_equal(logits, judge(whole, images(4) + 1))
    np.testing.assert_allclose(judge(whole[1:], images(4)[1:]), logits[1:], rtol=1e-4, atol=1e-5)


def test_a_logit_sees_what_is_next_to_it_even_if_nothing_comes_from_below():
    """By the skip of the image's own size: four 3x3 kernels. Weights are positive, so that nothing cancels out."""
    network, whole = Discriminator(1, depth=1), np.abs(images(16, 1, 1))
    weights = jax.tree.map(np.abs, some_weights(network, whole))

    def cut(call, args, kwargs, context):
        return 0 * call(*args, **kwargs) if context.module.name == "up_0" else call(*args, **kwargs)

    with nn.intercept_methods(cut):
        slope = jax.jit(jax.grad(lambda whole: evaluate(network, weights, whole, None)[0, 8, 8]))(whole)
    rows, columns = np.nonzero(slope[0, :, :, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 12, 4, 12)


PLAYERS = {"generator": (TINY, LATENTS, images(4, 1)), "discriminator": (Discriminator(2, depth=1), images(4), None)}


@pytest.mark.parametrize("player", PLAYERS)
def test_gradients_reach_every_parameter_and_are_finite(player):
    network, inputs, condition = PLAYERS[player]
    weights = some_weights(network, inputs, condition)

    def score(params):
        return jnp.sum(jnp.sin(forward(network, weights._replace(params=params), KEY, inputs, condition)[0]))

    slopes = jax.jit(jax.grad(score))(weights.params)
    assert all(np.all(np.isfinite(leaf)) and np.any(leaf != 0) for leaf in jax.tree.leaves(slopes))


@pytest.mark.parametrize("player", PLAYERS)
def test_bfloat16_answers_in_float32_much_the_same(player):
    network, inputs, condition = PLAYERS[player]
    weights = some_weights(network, inputs, condition)
    exact, rough = jax.jit(
        lambda: [evaluate(network.clone(dtype=d), weights, inputs, condition) for d in (jnp.float32, jnp.bfloat16)]
    )()
    assert rough.dtype == jnp.float32
    assert {
        leaf.dtype for leaf in jax.tree.leaves(shapes(network.clone(dtype=jnp.bfloat16), inputs, condition)[1])
    } == {jnp.dtype("float32")}
    assert 0 < np.std(rough - exact) < 0.05 * np.std(exact)


def test_batches_are_of_any_size_and_lie_over_a_mesh():
    condition = images(4, 1)
    enlarge = jax.jit(partial(evaluate, TINY, some_weights(TINY, LATENTS, condition)))
    (batch,) = export.symbolic_shape("b")
    given = [jax.ShapeDtypeStruct((batch, *array.shape[1:]), array.dtype) for array in (LATENTS, condition)]
    exported = export.export(enlarge, platforms=["cpu"])(*given)
    np.testing.assert_allclose(exported.call(LATENTS, condition), enlarge(LATENTS, condition), rtol=1e-4, atol=1e-5)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Explicit,))
    lay = lambda array: jax.ShapeDtypeStruct(
        array.shape, array.dtype, sharding=NamedSharding(mesh, PartitionSpec("data"))
    )
    judge = Discriminator(2, depth=1)
    with jax.set_mesh(mesh):
        enlarged = jax.eval_shape(enlarge, lay(LATENTS), lay(condition))
        judged = jax.eval_shape(partial(evaluate, judge), shapes(judge, condition)[1], lay(condition), None)
    assert enlarged.sharding.spec[0] == judged.sharding.spec[0] == "data"
