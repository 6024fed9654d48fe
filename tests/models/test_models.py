"""Every pair of networks: shapes, ranges, parameter counts, conditions."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.convolution import convolution, transposed_convolution
from gan_jax.models import article, dcgan, mlp

PAIRS = {
    "mlp": lambda classes: (mlp.Generator(12, 3, 16, classes), mlp.Discriminator(8, classes=classes), 12, 3),
    "dcgan": lambda classes: (dcgan.Generator(16, 3, 4, classes), dcgan.Discriminator(4, classes), 16, 3),
    "dcgan without norm": lambda classes: (
        dcgan.Generator(28, 1, 4, classes),
        dcgan.Discriminator(4, classes, norm="none"),
        28,
        1,
    ),
    "article": lambda classes: (
        article.Generator(1, 4, classes),
        article.Discriminator(4, classes=classes),
        28,
        1,
    ),
}


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def shapes(module, inputs, condition=None):
    rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
    return jax.eval_shape(lambda: module.init_with_output(rngs, inputs, condition, train=True))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("kind", ["none", "labels", "image"])
def test_each_pair_takes_no_condition_labels_or_an_image(name, kind):
    generator, discriminator, size, channels = PAIRS[name](5 if kind == "labels" else 0)
    condition = {"none": None, "labels": jnp.arange(2), "image": jnp.ones((2, size, size, 1))}[kind]
    images, _ = shapes(generator, jnp.ones((2, 7)), condition)
    assert images.shape == (2, size, size, channels)
    logits, _ = shapes(discriminator, jnp.ones(images.shape), condition)
    assert logits.shape == (2,)


@pytest.mark.parametrize("name", PAIRS)
def test_generators_stay_in_range_and_start_in_its_middle(name):
    generator, *_ = PAIRS[name](0)
    latents = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
    draw = jax.jit(partial(generator.init_with_output, train=True))
    images, _ = draw(jax.random.key(0, impl="unsafe_rbg"), latents)
    assert np.abs(images).max() <= 1
    assert abs(float(images.mean())) < 0.3


@pytest.mark.parametrize("name", PAIRS)
def test_labels_without_classes_are_refused(name):
    generator, *_ = PAIRS[name](0)
    with pytest.raises(ValueError, match="classes=N"):
        shapes(generator, jnp.ones((2, 7)), jnp.arange(2))


@pytest.mark.parametrize("size", dcgan.SIZES)
def test_dcgan_makes_and_judges_every_size_it_promises(size):
    images, _ = shapes(dcgan.Generator(size, 3, 2), jnp.ones((2, 7)))
    assert images.shape == (2, size, size, 3)
    logits, variables = shapes(dcgan.Discriminator(2), jnp.ones(images.shape))
    assert logits.shape == (2,)
    kernel = variables["params"]["logit"]["kernel"]
    stages = {8: 1, 16: 2, 28: 2, 32: 3, 64: 4, 128: 5}[size]
    assert kernel.shape[0] == (size >> stages) ** 2 * (2 << stages - 1)


def test_dcgan_64_has_the_parameters_of_its_layers():
    """Counted by hand: kernel² · in · out for each layer, 2 for each normalised channel."""
    _, generator = shapes(dcgan.Generator(64, 3, 64), jnp.ones((2, 100)))
    up = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 3
    assert count(generator) == 100 * 16 * 512 + up + 2 * (512 + 256 + 128 + 64)
    _, discriminator = shapes(dcgan.Discriminator(64), jnp.ones((2, 64, 64, 3)))
    down = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64
    assert count(discriminator) == down + 2 * (128 + 256 + 512) + 16 * 512 + 1


def test_original_gan_has_the_widths_of_its_paper():
    _, generator = shapes(mlp.Generator(28), jnp.ones((2, 100)))
    assert count(generator) == 101 * 1200 + 1201 * 1200 + 1201 * 784
    _, discriminator = shapes(mlp.Discriminator(), jnp.ones((2, 28, 28, 1)))
    assert count(discriminator) == 785 * 1200 + 241 * 1200 + 241


def test_the_articles_pair_has_the_parameters_of_its_layers():
    """Counted by hand: kernel² · in · out for each layer, and a bias everywhere."""
    _, generator = shapes(article.Generator(), jnp.ones((2, 100)))
    assert count(generator) == 101 * 6272 + 2 * (25 * 128 * 128 + 128) + 25 * 128 + 1 == 1_456_129
    _, discriminator = shapes(article.Discriminator(), jnp.ones((2, 28, 28, 1)))
    assert count(discriminator) == 25 * 128 + 128 + 25 * 128 * 128 + 128 + 49 * 128 + 1 == 419_329
    assert set(generator) == set(discriminator) == {"params"}


def test_the_articles_layers_are_these():
    """With other biases than zero, which would hide a slope; dropout acts in training only."""
    draw = np.random.default_rng(0).normal
    latents, images = draw(size=(2, 7)).astype(np.float32), draw(size=(2, 28, 28, 1)).astype(np.float32)
    generator, discriminator = article.Generator(1, 2), article.Discriminator(2)
    weights = lambda variables: jax.tree.map(lambda leaf: np.float32(draw(0.1, 0.2, leaf.shape)), variables["params"])
    linear = lambda p, x: x @ p["kernel"] + p["bias"][None]
    layer = lambda operator, p, x, stride: operator(x, p["kernel"], stride) + p["bias"][None, None, None]

    @jax.jit
    def drawn(p):
        x = nn.relu(linear(p["project"], latents)).reshape(2, 7, 7, 2)
        x = nn.leaky_relu(layer(transposed_convolution, p["up_1"], x, 1), 0.01)
        x = nn.leaky_relu(layer(transposed_convolution, p["up_2"], x, 2), 0.01)
        x = jnp.tanh(layer(transposed_convolution, p["pixels"], x, 2))
        return x, generator.apply({"params": p}, latents, train=True)

    @jax.jit
    def judged(p):
        x = nn.leaky_relu(layer(convolution, p["down_0"], images, 2), 0.01)
        x = nn.leaky_relu(layer(convolution, p["down_1"], x, 2), 0.01)
        logits = linear(p["logit"], x.reshape(2, -1))[:, 0]
        trained = discriminator.apply({"params": p}, images, train=True, rngs={"dropout": jax.random.key(0)})
        return logits, discriminator.apply({"params": p}, images), trained

    np.testing.assert_allclose(*drawn(weights(shapes(generator, latents)[1])), atol=1e-5)
    wanted, alone, trained = judged(weights(shapes(discriminator, images)[1]))
    np.testing.assert_allclose(wanted, alone, rtol=1e-4, atol=1e-4)
    assert not np.allclose(trained, alone, atol=1e-3)


def test_the_articles_kernels_start_as_kerass_do():
    """Uniform up to √(6 / (fan-in + fan-out)), a fan being k² times the channels: which is which does not matter."""
    generator, discriminator = article.Generator(1, 32), article.Discriminator(32)
    draw = lambda key: (generator.init(key, jnp.ones((1, 100))), discriminator.init(key, jnp.ones((1, 28, 28, 1))))
    g, d = jax.jit(draw)(jax.random.key(0, impl="unsafe_rbg"))
    fans = {"project": 100 + 49 * 32, "up_1": 25 * 64, "up_2": 25 * 64, "pixels": 25 * 33}
    fans |= {"down_0": 25 * 33, "down_1": 25 * 64, "logit": 49 * 32 + 1}
    for name, layer in (g["params"] | d["params"]).items():
        limit = np.sqrt(6 / fans[name])
        assert 0.98 * limit < np.abs(layer["kernel"]).max() <= limit
        np.testing.assert_allclose(np.std(layer["kernel"]), limit / np.sqrt(3), rtol=0.05)
        assert not np.any(layer["bias"])


def test_dcgan_names_the_sizes_it_can_make():
    with pytest.raises(ValueError, match="8, 16, 28, 32, 64, 128 pixels, not 48"):
        shapes(dcgan.Generator(48), jnp.ones((2, 7)))


def test_half_precision_dcgan_answers_in_float32():
    images, variables = shapes(dcgan.Generator(16, 3, 4, dtype=jnp.bfloat16), jnp.ones((2, 7)))
    logits, _ = shapes(dcgan.Discriminator(4, dtype=jnp.bfloat16), jnp.ones(images.shape))
    assert images.dtype == logits.dtype == jnp.float32
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}


def test_dropout_of_the_original_discriminator_acts_in_training_only():
    discriminator = mlp.Discriminator(8)
    images = jax.random.normal(jax.random.key(0), (2, 8, 8, 1))
    variables = discriminator.init(jax.random.key(1), images)
    judge = lambda seed, train: discriminator.apply(
        variables, images, train=train, rngs={"dropout": jax.random.key(seed)}
    )
    assert not np.array_equal(judge(0, True), judge(1, True))
    np.testing.assert_array_equal(judge(0, False), judge(1, False))


def test_a_dcgan_discriminator_without_norm_judges_each_image_alone_and_keeps_signals_at_their_scale():
    module = dcgan.Discriminator(32, norm="none")
    images = jax.random.normal(jax.random.key(0), (16, 64, 64, 3))
    variables = module.init(jax.random.key(1), images, train=True)
    assert set(variables) == {"params"}
    logits, seen = module.apply(variables, images, train=True, capture_intermediates=True, mutable=["intermediates"])
    deepest = seen["intermediates"]["down_3"]["__call__"][0]
    assert 0.5 < float(jnp.std(deepest)) < 2.5
    np.testing.assert_allclose(module.apply(variables, images[3:4]), logits[3:4], atol=1e-5)


def test_a_projection_adds_the_labels_embedding_times_the_features():
    told, untold = dcgan.Discriminator(2, 3, told="projection"), dcgan.Discriminator(2, 0, told="projection")
    images = jnp.asarray(np.random.default_rng(0).normal(size=(3, 8, 8, 1)), jnp.float32)
    variables = told.init(jax.random.key(0), images, jnp.arange(3))
    params = variables["params"]
    assert params["embed"]["kernel"].shape == (3, 32)  # of 4x4 maps of 2 channels
    judge = lambda kernel, labels: told.apply(
        variables | {"params": params | {"embed": {"kernel": kernel}}}, images, labels
    )
    plain = untold.apply({**variables, "params": {k: v for k, v in params.items() if k != "embed"}}, images)
    np.testing.assert_array_equal(judge(jnp.zeros((3, 32)), jnp.arange(3)), plain)
    features = jax.jacobian(judge)(params["embed"]["kernel"], jnp.arange(3))  # [image, class, feature]
    for i in range(3):
        np.testing.assert_array_equal(features[i, np.arange(3) != i], 0)
        assert np.abs(features[i, i]).max() > 0
    added = jnp.einsum("icf,cf->i", features, params["embed"]["kernel"])
    np.testing.assert_allclose(judge(params["embed"]["kernel"], jnp.arange(3)), plain + added, rtol=1e-5, atol=1e-6)
