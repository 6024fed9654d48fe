"""Images that are no squares: every model makes and judges them, from a start of their own shape."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.config import ACGAN, DCGAN, MLP, R3GAN, SAGAN, SNGAN, BigGAN, Config, DataConfig, StyleGAN2
from gan_jax.config.checks import check
from gan_jax.models import r3gan, sagan, sngan
from gan_jax.sizes import coarsest, doublings, nearest, read, shown

CASES = [
    (MLP(latent_size=6), "5x9"),
    (DCGAN(), "6x8"),
    (DCGAN(), "28x20"),
    (DCGAN(), "48x64"),
    (ACGAN(), "16x4"),
    (SNGAN(), "24x32"),
    (SNGAN(), "48x64"),
    (SNGAN(), "48x40"),
    (SNGAN(), "64x128"),
    (SAGAN(), "24x32"),
    (SAGAN(), "64x48"),
    (BigGAN(latent_size=24), "24x32"),
    (BigGAN(latent_size=24), "128x96"),
    (R3GAN(), "6x8"),
    (R3GAN(precision="bfloat16"), "64x48"),
    (StyleGAN2(), "24x32"),
    (StyleGAN2(precision="bfloat16"), "64x16"),
]


def shapes(module, inputs, condition):
    rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
    draw = lambda inputs, condition: module.init_with_output(rngs, inputs, condition, train=True)
    return jax.eval_shape(draw, inputs, condition)


def drawn(model, size):
    """Shapes of a tiny pair's images, logits, and variables."""
    model = replace(model, generator_width=8, discriminator_width=8)
    config = Config(model=model, data=DataConfig(size=size, channels=3))
    labels = jnp.arange(2)
    generator, discriminator = config.model.networks(check(replace(config, conditional=True)).data, 2)
    images, g = shapes(generator, jnp.ones((2, model.latent_size)), labels)
    logits, d = shapes(discriminator, images, labels)
    return images, logits, (g["params"], d["params"])


@pytest.mark.parametrize(("model", "size"), CASES, ids=[f"{type(m).__name__} {s}" for m, s in CASES])
def test_each_model_makes_and_judges_rectangles(model, size):
    images, logits, _ = drawn(model, size)
    assert images.shape == (2, *read(size), 3)
    assert logits.shape[0] == 2


@pytest.mark.parametrize(("size", "start"), [("48x64", (3, 4)), ("64x32", (4, 2)), ("20x28", (5, 7)), ("8x64", None)])
def test_the_coarsest_maps_have_the_images_shape(size, start):
    if start is None:
        with pytest.raises(ValueError, match="longer side of 64 have multiples of 16, not 8x64"):
            coarsest(read(size))
        return
    assert coarsest(read(size)) == start
    if read(size)[0] % 16 == 0:
        (_, _, (generator, _)), (*_, (styled, _)) = drawn(R3GAN(), size), drawn(StyleGAN2(), size)
        assert generator["basis"].shape[:2] == styled["constant"].shape[:2] == start


@pytest.mark.parametrize(
    "model", [MLP(), DCGAN(), SNGAN(), BigGAN(latent_size=128), R3GAN(), StyleGAN2()], ids=lambda m: type(m).__name__
)
def test_a_square_by_two_sides_is_the_square(model):
    """By both spellings of its size, the same names and shapes; of one model, the same bits."""
    generator, _ = replace(model, generator_width=8).networks(DataConfig(size=32), 0)
    other = replace(generator, size=32)
    latents = jnp.ones((2, model.latent_size))
    one, two = (shapes(module, latents, None) for module in (generator, other))
    assert jax.tree.map(lambda leaf: leaf.shape, one) == jax.tree.map(lambda leaf: leaf.shape, two)
    if isinstance(model, MLP):
        drawn, same = (module.init_with_output(jax.random.key(0), latents) for module in (generator, other))
        jax.tree.map(np.testing.assert_array_equal, drawn, same)


def test_sngans_discriminator_halves_while_both_sides_are_even():
    """48x64 becomes 3x4 in four halvings; the fifth block, which would halve squares of 64, keeps it."""
    _, kept = jax.eval_shape(
        lambda: sngan.Discriminator(4).init_with_output(
            jax.random.key(0), jnp.ones((2, 48, 64, 3)), capture_intermediates=True, mutable=True
        )
    )
    seen = [kept["intermediates"][f"block_{i}"]["__call__"][0].shape[1:3] for i in range(5)]
    assert seen == [(24, 32), (12, 16), (6, 8), (3, 4), (3, 4)]


def test_attention_is_at_a_quarter_of_the_longer_side():
    _, kept = jax.eval_shape(
        lambda: sagan.Discriminator(8).init_with_output(
            jax.random.key(0), jnp.ones((2, 24, 32, 3)), capture_intermediates=True, mutable=True
        )
    )
    assert kept["intermediates"]["attention"]["__call__"][0].shape[1:3] == (6, 8)


def test_low_precision_counts_the_longer_side():
    discriminator = r3gan.Discriminator((16, 16), 1, low_precision_from=8)
    _, kept = jax.eval_shape(
        lambda: discriminator.init_with_output(
            jax.random.key(0), jnp.ones((2, 6, 8, 3)), capture_intermediates=True, mutable=True
        )
    )
    inside = kept["intermediates"]
    assert inside["block_8_0"]["__call__"][0].dtype == jnp.bfloat16
    assert inside["block_4_0"]["__call__"][0].dtype == jnp.float32


def test_sizes_are_read_as_they_are_shown():
    assert [shown(size) for size in (64, (64, 64), (48, 64))] == ["64", "64", "48x64"]
    assert [read(text) for text in (64, "48x64", "48", "48x", "-4x8", "4 x 8", "4x8x3")] == [64, (48, 64)] + [None] * 5


def test_the_nearest_size_is_itself_or_keeps_the_shape_roughly():
    known = (8, 16, 28, 32, 64, 128)
    for size in ((64, 64), (48, 64), (64, 16), (28, 20), (8, 2)):
        assert nearest(size, known) == size
        assert all(side % (1 << doublings(size)) == 0 for side in size)
    assert nearest((50, 64), known) == (48, 64)
    assert nearest((100, 200), known) == (64, 128)
    assert nearest((1, 64), known) == (16, 64)
    assert nearest((20, 28), (28,), square=True) == (28, 28)
