"""pix2pix: the published sizes, what a pixel and a patch see, where noise comes from, and what `Composed` keeps."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import export
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gan_jax import GAN, per_device
from gan_jax.models.composed import Composed
from gan_jax.models.pix2pix import Discriminator, Generator, receptive_field
from gan_jax.network import evaluate, forward, init_weights
from gan_jax.tasks.inpainting import known_pixels
from gan_jax.types import Weights

LATENTS = np.zeros((2, 1), np.float32)


def images(size, channels=3, batch=2):
    height, width = (size, size) if isinstance(size, int) else size
    return np.random.default_rng(0).uniform(-1, 1, (batch, height, width, channels)).astype(np.float32)


def shapes(network, inputs, condition):
    """Of the output, and the weights; nothing is computed."""
    weights = jax.eval_shape(partial(init_weights, network), jax.random.key(0), inputs, condition)
    output, _ = jax.eval_shape(partial(forward, network), weights, jax.random.key(0), inputs, condition)
    return output, weights


def some_weights(network, inputs, condition, low=0.05):
    """Any, so that nothing need be compiled for them; variances are positive."""
    draw = np.random.default_rng(1).uniform
    _, (params, stats) = shapes(network, inputs, condition)
    fill = lambda low: lambda leaf: np.float32(draw(low, 0.1, leaf.shape))
    return Weights(jax.tree.map(fill(low), params), jax.tree.map(fill(0.05), stats))


def count(weights):
    return sum(leaf.size for leaf in jax.tree.leaves(weights.params))


def seen(function, inputs):
    """Rows and columns of the first image that a scalar function looks at: (first, behind the last), of each."""
    slope = jax.jit(jax.grad(function))(inputs)[0]
    return [(int(where.min()), int(where.max()) + 1) for where in np.nonzero(np.any(slope != 0, axis=-1))]


def test_the_published_networks_have_the_parameters_of_their_layers():
    """Counted by hand: 16 · in · out for each layer, 2 for each normalised channel, and a bias where none is."""
    whole = images(256, batch=1)
    translated, generator = shapes(Generator(), LATENTS[:1], whole)
    down = 3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 4 * 512 * 512
    up = 512 * 512 + 3 * 1024 * 512 + 1024 * 256 + 512 * 128 + 256 * 64 + 128 * 3
    norms = (128 + 256 + 4 * 512) + (4 * 512 + 256 + 128 + 64)
    assert count(generator) == 16 * (down + up) + 3 + 2 * norms == 54_413_955
    assert (translated.shape, translated.dtype) == (whole.shape, jnp.float32)
    logits, discriminator = shapes(Discriminator(), translated, whole)
    layers = 16 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 64 + 1
    assert count(discriminator) == layers + 2 * (128 + 256 + 512) == 2_768_705
    assert (logits.shape, logits.dtype) == ((1, 32, 32), jnp.float32)


@pytest.mark.parametrize(
    ("size", "depth"), [(32, 5), (28, 2), (512, 8), ((48, 64), 4), ((6, 10), 1), (256, 8)], ids=str
)
def test_images_are_halved_as_often_as_they_can_be(size, depth):
    translated, weights = shapes(Generator(1, 2), LATENTS, images(size, 4))
    assert translated.shape == (2, *images(size).shape[1:3], 1)
    assert len([name for name in weights.params if name.startswith("down_")]) == depth


def test_images_that_cannot_be_halved_so_often_are_refused():
    with pytest.raises(ValueError, match="images of 28 pixels at most 2 times, not 3; change the depth"):
        shapes(Generator(depth=3), LATENTS, images(28))
    with pytest.raises(ValueError, match="images of 27x28 pixels at most 0 times, not 1"):
        shapes(Generator(), LATENTS, images((27, 28)))
    with pytest.raises(ValueError, match="not 0"):
        shapes(Generator(depth=0), LATENTS, images(8))
    with pytest.raises(ValueError, match="its condition; it was given nothing"):
        shapes(Generator(), LATENTS, None)


@pytest.mark.parametrize("silenced", [0, 1, 2])
def test_a_pixel_sees_its_surroundings_by_the_skips_of_every_size(silenced):
    """Weights are positive, so that nothing cancels out. Without the coarsest ways the next finer skip is left."""
    network, condition = Generator(1, 1, 3), np.abs(images(64, 1, 1))
    params, stats = some_weights(network, LATENTS[:1], condition)
    for i in range(silenced):
        params[f"up_{2 - i}"]["kernel"] *= 0
        params[f"up_norm_{2 - i}"]["bias"] *= 0
    stats = jax.tree.map(lambda leaf: leaf * 0 + 0.01, stats)
    pixel = lambda condition: evaluate(network, Weights(params, stats), LATENTS[:1], condition)[0, 32, 32, 0]
    reach = 2 ** (3 - silenced + 2) - 2
    rows, columns = seen(pixel, condition)
    assert rows == columns
    assert rows[1] - rows[0] == reach
    assert rows[0] < 32 < rows[1]


@pytest.mark.parametrize("layers", [1, 3])
def test_a_logit_sees_a_patch_of_its_receptive_field(layers):
    assert [receptive_field(n) for n in (1, 2, 3, 4, 5)] == [16, 34, 70, 142, 286]
    network, whole = Discriminator(1, layers, norm="none"), np.abs(images(32 * 2**layers // 2, 1, 1))
    weights = some_weights(network, whole, None)
    middle = whole.shape[1] // 2**layers // 2
    rows, columns = seen(lambda whole: evaluate(network, weights, whole, None)[0, middle, middle], whole)
    assert rows[1] - rows[0] == columns[1] - columns[0] == receptive_field(layers)


def test_a_discriminator_takes_no_condition_an_image_or_a_smaller_one():
    whole, patches = images(28, 1), (2, 4, 4)
    kernel = lambda weights: weights.params["down_0"]["kernel"].shape[2]
    for condition, channels in [(None, 1), (images(28, 4), 5), (images(14, 3), 4)]:
        logits, weights = shapes(Discriminator(2), whole, condition)
        assert (logits.shape, kernel(weights)) == (patches, channels)
    with pytest.raises(ValueError, match="5x5 pixels does not fit images of 28x28"):
        shapes(Discriminator(2), whole, images(5))


@pytest.fixture(scope="module")
def noisy():
    """A tiny network of depth 5, the least that has dropout, its weights, a batch, and the network compiled."""
    network, condition = Generator(1, 2), images(32, 2)
    weights = some_weights(network, LATENTS, condition, low=-0.1)
    return network, weights, condition, jax.jit(partial(evaluate, network))


def test_noise_comes_with_a_key_alone(noisy):
    _, weights, condition, translate = noisy
    still, first, again, other = (
        translate(weights, LATENTS, condition, key)
        for key in (None, jax.random.key(0), jax.random.key(0), jax.random.key(1))
    )
    np.testing.assert_array_equal(still, translate(weights, LATENTS + 1, condition, None))
    np.testing.assert_array_equal(first, again)
    assert np.std(first - still) > 0
    assert np.std(first - other) > 0


@pytest.mark.parametrize(("size", "dropped"), [(256, [5, 6, 7]), (128, [4, 5, 6]), (32, [4]), (16, [])])
def test_dropout_is_in_the_first_three_stages_that_are_wide(size, dropped):
    _, kept = jax.eval_shape(
        lambda: Generator(1, 1).init_with_output(
            jax.random.key(0), LATENTS, images(size), train=True, capture_intermediates=True, mutable=True
        )
    )
    assert sorted(name for name in kept["intermediates"] if name.startswith("drop_")) == [f"drop_{i}" for i in dropped]


def test_images_are_translated_one_by_one_in_evaluation(noisy):
    _, weights, condition, translate = noisy
    together = translate(weights, LATENTS, condition)
    assert np.abs(together).max() <= 1
    alone = translate(weights, LATENTS[1:], condition[1:])
    np.testing.assert_allclose(together[1:], alone, atol=1e-6)


def test_instance_norm_keeps_images_apart_in_training_too():
    network, whole = Discriminator(2, 1, norm="instance"), images(16)
    weights = some_weights(network, whole, None, low=-0.1)
    assert weights.stats == {}
    judge = jax.jit(lambda whole: forward(network, weights, jax.random.key(0), whole, None)[0])
    np.testing.assert_allclose(judge(whole)[:1], judge(whole[:1]), atol=1e-5)


def test_gradients_reach_every_parameter_and_are_finite():
    """Through both networks, as the generator's loss is taken, in bfloat16; what comes out is float32."""
    condition = images(8, 2)
    generator, discriminator = Generator(1, 2, dtype=jnp.bfloat16), Discriminator(2, 1, dtype=jnp.bfloat16)
    g = some_weights(generator, LATENTS, condition, low=-0.1)
    d = some_weights(discriminator, condition[..., :1], condition, low=-0.1)

    def score(params):
        fakes, _ = forward(generator, g._replace(params=params[0]), jax.random.key(0), LATENTS, condition)
        logits, _ = forward(discriminator, d._replace(params=params[1]), jax.random.key(1), fakes, condition)
        return jnp.mean(jnp.sin(logits)), (fakes, logits)

    slopes, outputs = jax.jit(jax.grad(score, has_aux=True))((g.params, d.params))
    assert {leaf.dtype for leaf in jax.tree.leaves((slopes, outputs))} == {jnp.dtype("float32")}
    assert all(np.all(np.isfinite(leaf)) and np.any(leaf != 0) for leaf in jax.tree.leaves(slopes))


def test_a_depth_that_is_named_serves_every_size_that_it_divides():
    network = Generator(1, 2, depth=2)
    weights = some_weights(network, LATENTS, images(8))
    translated = jax.eval_shape(partial(evaluate, network), weights, LATENTS, images((12, 20)))
    assert translated.shape == (2, 12, 20, 1)


def test_composed_keeps_known_pixels_exactly_and_adds_no_variables():
    network, whole = Generator(1, 2), images(8, 1)
    known = np.ones((2, 8, 8, 1), bool)
    known[:, 2:6, 3:7] = False
    condition = np.concatenate([np.where(known, whole, 0), np.where(known, 1, -1)], axis=-1).astype(np.float32)
    weights = some_weights(network, LATENTS, condition, low=-0.1)
    assert shapes(Composed(network, known_pixels), LATENTS, condition)[1] == shapes(network, LATENTS, condition)[1]
    own, composed = jax.jit(
        lambda: [evaluate(n, weights, LATENTS, condition) for n in (network, Composed(network, known_pixels))]
    )()
    np.testing.assert_array_equal(composed[known], whole[known])
    np.testing.assert_array_equal(composed[~known], own[~known])
    assert not np.any(own[known] == whole[known])
    with pytest.raises(ValueError, match=r"conditions \[2, 8, 8, 2\], a mask .* not with \[2, 8, 8, 1\]"):
        known_pixels(whole, whole)


def test_a_composed_network_is_told_the_axis_of_devices():
    still = optax.identity()
    spread = per_device.spread(GAN(Composed(Generator(), known_pixels), Discriminator(), still, still, 1), "rows")
    assert isinstance(spread.generator, Composed)
    assert spread.generator.network.axis_name == spread.discriminator.axis_name == "rows"


def test_batches_are_of_any_size_and_lie_over_a_mesh():
    network, condition = Generator(1, 2), images(8, 2)
    weights = some_weights(network, LATENTS, condition)
    translate = jax.jit(partial(evaluate, network, weights))
    (batch,) = export.symbolic_shape("b")
    given = [jax.ShapeDtypeStruct((batch, *array.shape[1:]), array.dtype) for array in (LATENTS, condition)]
    exported = export.export(translate, platforms=["cpu"])(*given)
    np.testing.assert_allclose(exported.call(LATENTS, condition), translate(LATENTS, condition), atol=1e-5)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Explicit,))
    along = NamedSharding(mesh, PartitionSpec("data"))
    lay = lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=along)
    with jax.set_mesh(mesh):
        translated = jax.eval_shape(translate, lay(LATENTS), lay(condition))
        judge = Discriminator(2, 1, norm="instance")
        judged = jax.eval_shape(partial(evaluate, judge), shapes(judge, condition, condition)[1], *2 * [lay(condition)])
    assert translated.sharding.spec[0] == judged.sharding.spec[0] == "data"
