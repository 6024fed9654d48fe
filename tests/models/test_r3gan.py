"""R3GAN's networks: the published sizes, the start, precision, conditions, and some steps on real digits."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, Batch, flops, gan
from gan_jax.augment import together
from gan_jax.data import digits
from gan_jax.losses import relativistic
from gan_jax.models import r3gan
from gan_jax.penalties import r1, r2, total


def shapes(module, inputs, condition=None):
    draw = lambda inputs, condition: module.init_with_output(jax.random.key(0), inputs, condition, train=True)
    return jax.eval_shape(draw, inputs, condition)


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def small(classes=0, **fields):
    fields = {"widths": (32, 16), "blocks": 1, "classes": classes} | fields
    size = 4 << (len(fields["widths"]) - 1)
    return r3gan.Generator(size=size, channels=1, **fields), r3gan.Discriminator(**fields)


BLOCK = 768 * 1536 + 1536 + 9 * 16 * 1536 + 1536 + 1536 * 768


def test_cifar_10_pair_has_the_parameters_of_its_layers():
    """Counted by hand, and as many as the authors' published code makes: 20,781,952 and 21,280,512."""
    images, generator = shapes(r3gan.Generator(classes=10), jnp.ones((2, 64)), jnp.arange(2))
    assert images.shape == (2, 32, 32, 3)
    assert count(generator) == 10 * 64 + 128 * 768 + 16 * 768 + 8 * BLOCK + 768 * 3 == 20_781_952
    logits, discriminator = shapes(r3gan.Discriminator(classes=10), images, jnp.arange(2))
    assert logits.shape == (2,)
    assert count(discriminator) == 3 * 768 + 8 * BLOCK + 16 * 768 + 768 * 768 + 10 * 768 == 21_280_512


def test_unconditional_pair_loses_its_embeddings_only():
    images, generator = shapes(r3gan.Generator(), jnp.ones((2, 64)))
    assert count(generator) == 64 * 768 + 16 * 768 + 8 * BLOCK + 768 * 3
    _, discriminator = shapes(r3gan.Discriminator(), images)
    assert count(discriminator) == 3 * 768 + 8 * BLOCK + 16 * 768 + 768


@pytest.mark.parametrize("stages", [1, 2, 4, 7])
@pytest.mark.parametrize("channels", [1, 3, 16])
def test_every_power_of_two_and_up_to_16_channels(stages, channels):
    widths = tuple(16 * max(1, 4 - i) for i in range(stages))
    size = 4 << (stages - 1)
    images, generator = shapes(r3gan.Generator(size, channels, widths, 1), jnp.ones((2, 8)))
    logits, discriminator = shapes(r3gan.Discriminator(widths, 1), images)
    assert images.shape == (2, size, size, channels)
    assert logits.shape == (2,)
    assert {"to_8", "to_16", "to_32"} & set(generator["params"]) == {f"to_{4 << i}" for i in range(1, min(stages, 4))}
    assert len([name for name in discriminator["params"] if name.startswith("to_")]) == min(stages, 4) - 1


@pytest.fixture(scope="module")
def drawn():
    """A conditional pair of two stages, its variables, and one batch."""
    generator, discriminator = small(classes=10, widths=(128, 64))
    latents, labels = jax.random.normal(jax.random.key(1), (2, 64)), jnp.array([3, 7])
    made = jax.jit(generator.init_with_output)(jax.random.key(2), latents, labels)
    judged = jax.jit(discriminator.init_with_output)(jax.random.key(3), made[0], labels)
    return (generator, discriminator), latents, labels, made, judged


def test_kernels_start_at_the_deviations_of_the_paper(drawn):
    """g = √(2 / 1.04) · L^(-1/4) for the first two kernels of a block, here L = 2; 1 elsewhere; over √fan-in."""
    *_, (_, generator), (_, discriminator) = drawn
    gain = np.sqrt(2 / 1.04) * 2 ** (-1 / 4)
    for params in (generator["params"], discriminator["params"]):
        block = params["block_4_0"]
        np.testing.assert_allclose(np.std(block["widen"]["kernel"]), gain / np.sqrt(128), rtol=0.05)
        np.testing.assert_allclose(np.std(block["mix"]["kernel"]), gain / np.sqrt(9 * 16), rtol=0.05)
        assert not np.any(block["narrow"]["kernel"])
        assert not np.any(block["widen"]["bias"])
    np.testing.assert_allclose(np.std(generator["params"]["basis"]), 1, rtol=0.1)
    np.testing.assert_allclose(np.std(generator["params"]["scale"]["kernel"]), 1 / np.sqrt(128), rtol=0.05)
    np.testing.assert_allclose(np.std(discriminator["params"]["basis"]), 1 / 4, rtol=0.1)
    np.testing.assert_allclose(np.std(discriminator["params"]["logit"]["kernel"]), 1 / np.sqrt(128), rtol=0.05)
    embedding = discriminator["params"]["embed"]["kernel"]
    np.testing.assert_allclose(np.std(embedding), 1 / np.sqrt(10 * 128), rtol=0.1)


def test_pair_starts_with_finite_answers_of_moderate_size(drawn):
    *_, (images, _), (logits, _) = drawn
    assert images.shape == (2, 8, 8, 1)
    assert 0.1 < np.std(images) < 10
    assert logits.shape == (2,)
    assert np.all(np.isfinite(logits))
    assert np.max(np.abs(logits)) < 10


def test_labels_move_images_and_logits(drawn):
    (generator, discriminator), latents, labels, (images, g), (logits, d) = drawn
    assert not np.allclose(generator.apply(g, latents, labels + 1), images, atol=1e-3)
    assert not np.allclose(discriminator.apply(d, images, labels + 1), logits, atol=1e-3)


def test_a_label_is_the_attribute_of_its_class(drawn):
    (generator, discriminator), latents, labels, (images, g), (logits, d) = drawn
    attributes = jax.nn.one_hot(labels, generator.classes)
    np.testing.assert_allclose(generator.apply(g, latents, attributes), images, atol=1e-5)
    np.testing.assert_allclose(discriminator.apply(d, images, attributes), logits, atol=1e-5)


def test_block_starts_as_the_identity_and_its_branch_is_added():
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 16))
    block = r3gan.Block(group_channels=16, expansion=2, gain=1.0)
    out, variables = block.init_with_output(jax.random.key(1), x)
    np.testing.assert_array_equal(out, x)
    variables["params"]["narrow"]["kernel"] += 1.0
    moved = block.apply(variables, x) - x
    assert np.std(moved) > 0
    np.testing.assert_allclose(moved, jnp.broadcast_to(moved[:, :, :, :1], moved.shape), atol=1e-4)


def test_low_precision_starts_at_the_stage_it_names():
    generator, discriminator = small(low_precision_from=8)

    def seen(module, inputs):
        _, kept = jax.eval_shape(
            lambda: module.init_with_output(jax.random.key(0), inputs, capture_intermediates=True, mutable=True)
        )
        assert {leaf.dtype for leaf in jax.tree.leaves(kept["params"])} == {jnp.dtype("float32")}
        inside = kept["intermediates"]
        return inside["block_4_0"]["__call__"][0].dtype, inside["block_8_0"]["__call__"][0].dtype

    assert seen(generator, jnp.ones((2, 8))) == (jnp.float32, jnp.bfloat16)
    assert seen(discriminator, jnp.ones((2, 8, 8, 1))) == (jnp.float32, jnp.bfloat16)
    assert shapes(generator, jnp.ones((2, 8)))[0].dtype == jnp.float32
    assert shapes(discriminator, jnp.ones((2, 8, 8, 1)))[0].dtype == jnp.float32


def test_what_does_not_fit_is_refused():
    latents = jnp.ones((2, 8))
    with pytest.raises(ValueError, match="4 widths are those of images of 32 pixels, not 64"):
        shapes(r3gan.Generator(64), latents)
    with pytest.raises(ValueError, match="2 widths are those of images of 8 pixels, not 16"):
        shapes(small()[1], jnp.ones((2, 16, 16, 1)))
    with pytest.raises(ValueError, match="longer side of 8 have multiples of 2, not 8x5"):
        shapes(small()[1], jnp.ones((2, 8, 5, 1)))
    with pytest.raises(ValueError, match="1 to 16 channels, not 17"):
        shapes(r3gan.Generator(4, 17, (16,)), latents)
    with pytest.raises(ValueError, match="20 channels, expanded to 40, do not split into groups of 16"):
        shapes(r3gan.Generator(4, 1, (20,)), latents)
    with pytest.raises(ValueError, match="at least one block, not 0"):
        shapes(small(blocks=0)[0], latents)


@pytest.mark.parametrize("place", [0, 1])
def test_conditions_that_do_not_fit_are_refused(place):
    inputs = [jnp.ones((2, 8)), jnp.ones((2, 8, 8, 1))][place]
    with pytest.raises(ValueError, match="classes=N"):
        shapes(small()[place], inputs, jnp.arange(2))
    with pytest.raises(ValueError, match="10 classes and needs a label"):
        shapes(small(10)[place], inputs)
    with pytest.raises(ValueError, match=r"labels \[B\] or attributes \[B, K\], not an array of"):
        shapes(small(10)[place], inputs, jnp.ones((2, 8, 8, 1)))


def test_some_steps_on_digits_keep_losses_finite_and_move_the_images():
    generator, discriminator = small(classes=10, widths=(32, 32))
    optimizer = optax.adam(2e-4, b1=0.0, b2=0.9)
    game = GAN(generator, discriminator, optimizer, optimizer, 16, relativistic, total(r1(0.05), r2(0.05)))
    data = digits.load()
    batch = Batch(jnp.asarray(data.images[:16]), jnp.asarray(data.labels[:16]))
    state = jax.jit(lambda key: gan.init(game, key, batch))(jax.random.key(0))
    latents = jax.random.normal(jax.random.key(1), (4, 16))
    draw = jax.jit(lambda state: gan.generate(game, state.generator.weights, latents, batch.condition[:4]))
    before, step = draw(state), jax.jit(gan.make_step(game))
    for _ in range(5):
        state, metrics = step(state, batch)
        assert np.all(np.isfinite(list(metrics.values())))
    assert np.all(np.isfinite(draw(state)))
    assert np.max(np.abs(draw(state) - before)) > 1e-3
    assert metrics["d/penalty"] > 0
    assert np.any(state.discriminator.weights.params["block_8_0"]["narrow"]["kernel"])


class Apart(r3gan.Discriminator):
    """The same without the word."""

    judges_alone = False


def test_the_loss_and_its_penalties_go_back_through_the_discriminator_once():
    """To the same gradients, and with a sixth fewer of the products of such an update, also as XLA counts them."""
    game = GAN(*small(widths=(16,)), *2 * [optax.sgd(1.0)], 16, relativistic, total(r1(0.5), r2(0.5)), draws=together)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 4, 4, 1)).astype(np.float32)
    state = gan.init(game, jax.random.key(0), Batch(images))
    filled = jax.tree.map(lambda leaf: leaf + 0.02, state.discriminator.weights)  # blocks start as the identity
    state = state._replace(discriminator=state.discriminator._replace(weights=filled))
    ends, work = [], []
    for each in (game, replace(game, discriminator=Apart((16,), 1))):
        update = jax.jit(partial(gan.update_discriminator, each))
        compiled = update.lower(state, Batch(images), state.key).compile()
        ends.append(compiled(state, Batch(images), state.key))
        work.append((flops.count(update, state, Batch(images), state.key), compiled.cost_analysis()["flops"]))
    (once, told), (apart, expected) = ends
    for metric in expected:
        np.testing.assert_allclose(told[metric], expected[metric], rtol=1e-4, err_msg=metric)
    for new, old, start in zip(*map(jax.tree.leaves, (once.discriminator, apart.discriminator, filled)), strict=True):
        np.testing.assert_allclose(new - start, old - start, rtol=1e-3, atol=1e-5 * np.max(np.abs(old - start)))
    assert all(0.8 < new / old < 0.9 for new, old in zip(*work, strict=True))
