"""CycleGAN: the published sizes, the layers beside PyTorch's, and which way each of a pair goes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import pix2pix
from gan_jax.models.cyclegan import Generator, Judges, Translators
from gan_jax.network import evaluate, forward, init_weights

LATENTS = np.zeros((2, 1), np.float32)


def images(height, width, channels=3, batch=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (batch, height, width, channels)).astype(np.float32)


def shapes(network, inputs, condition):
    """Of the output, and the weights; nothing is computed."""
    weights = jax.eval_shape(partial(init_weights, network), jax.random.key(0), inputs, condition)
    output, _ = jax.eval_shape(partial(forward, network), weights, jax.random.key(0), inputs, condition)
    return output, weights


def some_weights(network, inputs, condition):
    """Any, so that nothing need be compiled for them."""
    _, weights = shapes(network, inputs, condition)
    assert weights.stats == {}
    draw = np.random.default_rng(1).normal
    return jax.tree.map(lambda leaf: np.float32(draw(0, 0.3, leaf.shape)), weights)


def count(weights):
    return sum(leaf.size for leaf in jax.tree.leaves(weights.params))


@pytest.mark.parametrize(("blocks", "published"), [(9, 11_378_179), (6, 7_837_699)])
def test_the_published_generators_have_the_parameters_of_their_layers(blocks, published):
    """Counted by hand: k² · in · out and a bias for each layer."""
    whole = images(256, 256, batch=1)
    translated, weights = shapes(Generator(blocks=blocks), LATENTS[:1], whole)
    layers = [(7, 3, 64), (3, 64, 128), (3, 128, 256), *2 * blocks * [(3, 256, 256)]]
    layers += [(3, 256, 128), (3, 128, 64), (7, 64, 3)]
    assert count(weights) == sum(k * k * seen * made + made for k, seen, made in layers) == published
    assert (translated.shape, translated.dtype) == (whole.shape, jnp.float32)


def sketch(torch, width):
    """The authors' layers, one block of them, as their appendix names them: channels 3 to 2."""
    nn = torch.nn
    normed = lambda layer, features: [layer, nn.InstanceNorm2d(features)]
    wide = 4 * width

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            layer = lambda: [nn.ReflectionPad2d(1), *normed(nn.Conv2d(wide, wide, 3), wide)]
            self.inner = nn.Sequential(*layer(), nn.ReLU(), *layer())

        def forward(self, x):
            return x + self.inner(x)

    up = lambda a, b: nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(
        *[nn.ReflectionPad2d(3), *normed(nn.Conv2d(3, width, 7), width), nn.ReLU()],
        *[*normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width), nn.ReLU()],
        *[*normed(nn.Conv2d(2 * width, wide, 3, stride=2, padding=1), wide), nn.ReLU()],
        Block(),
        *[*normed(up(wide, 2 * width), 2 * width), nn.ReLU()],
        *[*normed(up(2 * width, width), width), nn.ReLU()],
        *[nn.ReflectionPad2d(3), nn.Conv2d(width, 2, 7), nn.Tanh()],
    )


def test_the_layers_are_those_of_pytorch():
    """On mirrored images with mirrored kernels: where a stride leaves one pixel to be padded, PyTorch pads in front."""
    torch = pytest.importorskip("torch", exc_type=ImportError)
    network, given = Generator(2, 4, 1), images(12, 16)
    weights = some_weights(network, LATENTS, given)
    peer, p = sketch(torch, 4), weights.params
    block = [p["block_0"]["layer_0"], p["block_0"]["layer_1"]]
    ours = [p["image"], p["down_0"], p["down_1"], *block, p["up_1"], p["up_0"], p["pixels"]]
    theirs = [layer for layer in peer.modules() if hasattr(layer, "weight") and layer.weight is not None]
    with torch.no_grad():
        for own, layer in zip(ours, theirs, strict=True):
            # [k, k, in, out] of a convolution, [k, k, out, in] of its adjoint: both are PyTorch's, reversed
            layer.weight.copy_(torch.tensor(own["kernel"][::-1, ::-1].transpose(3, 2, 0, 1).copy()))
            layer.bias.copy_(torch.tensor(own["bias"]))
        mirrored = peer(torch.tensor(given[:, ::-1, ::-1].transpose(0, 3, 1, 2).copy())).numpy()
    expected = mirrored.transpose(0, 2, 3, 1)[:, ::-1, ::-1]
    np.testing.assert_allclose(jax.jit(partial(evaluate, network))(weights, LATENTS, given), expected, atol=2e-4)


def test_images_of_every_size_that_4_divides_are_translated_and_no_others():
    weights = some_weights(network := Generator(1, 2, 1), LATENTS, images(8, 8))
    for size in [(4, 4), (12, 20), (256, 4)]:
        translated = jax.eval_shape(partial(evaluate, network), weights, LATENTS, images(*size))
        assert translated.shape == (2, *size, 1)
    with pytest.raises(ValueError, match="multiples of 4, not 8x10 pixels"):
        shapes(network, LATENTS, images(8, 10))
    with pytest.raises(ValueError, match="its condition; it was given nothing"):
        shapes(network, LATENTS, None)


def test_each_of_a_pair_is_translated_into_the_other_domain_and_judged_in_its_own():
    a, b = images(8, 8, 1), images(8, 8, 1, seed=1)
    generator, judge = Generator(1, 1, 1), pix2pix.Discriminator(1, 1, norm="instance")
    translators, judges = Translators(generator, generator.clone()), Judges(judge, judge.clone())
    g, d = some_weights(translators, LATENTS, (a, b)), some_weights(judges, (a, b), (a, b))
    alone = lambda network, weights, name, *inputs: evaluate(
        network, weights._replace(params=weights.params[name]), *inputs
    )

    @jax.jit
    def both():
        made, said = evaluate(translators, g, LATENTS, (a, b)), evaluate(judges, d, (a, b), (a, b))
        to_a, to_b = alone(generator, g, "to_a", LATENTS, b), alone(generator, g, "to_b", LATENTS, a)
        return (made, said), ((to_a, to_b), (alone(judge, d, "of_a", a, None), alone(judge, d, "of_b", b, None)))

    ours, expected = both()
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), ours, expected)
    assert not np.allclose(*ours[0], atol=1e-2)
