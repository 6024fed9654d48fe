"""SNGAN, SAGAN and BigGAN: the published sizes, what labels do, and some steps through the one train step."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import GAN, Batch, gan, init, make_step, standing_statistics
from gan_jax.losses import hinge
from gan_jax.models import biggan, sagan, sngan

# Compilation is most of these tests' time, and random numbers are much of it.
key = partial(jax.random.key, impl="unsafe_rbg")


def shapes(module, inputs, condition=None):
    draw = lambda inputs, condition: module.init_with_output(jax.random.key(0), inputs, condition, train=True)
    return jax.eval_shape(draw, inputs, condition)


def count(module, inputs, condition=None):
    return sum(leaf.size for leaf in jax.tree.leaves(shapes(module, inputs, condition)[1]["params"]))


def test_sngan_for_cifar_10_has_as_many_parameters_as_published():
    """As mimicry counts them."""
    assert count(sngan.Generator(32), jnp.ones((2, 128))) == 4_276_739
    assert count(sngan.Discriminator(), jnp.ones((2, 32, 32, 3))) == 1_053_825


def test_biggan_128_has_as_many_parameters_as_published():
    """As the authors' code counts them, for the 1,000 classes of ImageNet."""
    labels = jnp.arange(2)
    assert count(biggan.Generator(128, classes=1000), jnp.ones((2, 120)), labels) == 70_433_988
    assert count(biggan.Discriminator(classes=1000), jnp.ones((2, 128, 128, 3)), labels) == 87_982_370


SIZES = {sngan: (28, 32, 48, 64, 128), sagan: (32, 64, 128, 256), biggan: (32, 64, 128, 256)}
PAIRS = [
    pytest.param(model, size, id=f"{model.__name__.split('.')[-1]}-{size}") for model, s in SIZES.items() for size in s
]


@pytest.mark.parametrize(("model", "size"), PAIRS)
@pytest.mark.parametrize("channels", [1, 4])
def test_every_size_and_number_of_channels(model, size, channels):
    latents = jnp.ones((2, 7 * len(biggan.PLANS[size].up) if model is biggan else 7))
    images, _ = shapes(model.Generator(size, channels, 8), latents)
    assert images.shape == (2, size, size, channels)
    assert images.dtype == jnp.float32
    logits, _ = shapes(model.Discriminator(8, dtype=jnp.bfloat16), images)
    assert (logits.shape, logits.dtype) == ((2,), jnp.float32)


@pytest.mark.parametrize(("model", "size"), [(sagan, 128), (biggan, 128)])
def test_attention_is_where_the_paper_has_it(model, size):
    """SAGAN's at 32x32, of 4 and 2 times the width; BigGAN's at 64x64, of 2 times and once the width."""
    latents = jnp.ones((2, 120))
    _, generator = shapes(model.Generator(size, 3, 8), latents)
    _, discriminator = shapes(model.Discriminator(8), jnp.ones((2, size, size, 3)))
    width = lambda variables: variables["params"]["attention"]["out"]["kernel"].shape[-1] // 8
    assert (width(generator), width(discriminator)) == {sagan: (4, 2), biggan: (2, 1)}[model]


@pytest.mark.parametrize(
    ("model", "size", "said"),
    [(sngan, 50, "SNGAN makes images of 28, 32"), (sagan, 28, "SAGAN makes"), (biggan, 16, "BigGAN makes")],
)
def test_other_sizes_are_refused(model, size, said):
    with pytest.raises(ValueError, match=said):
        shapes(model.Generator(size), jnp.ones((2, 24)))


def test_latents_that_biggan_cannot_split_are_refused():
    with pytest.raises(ValueError, match="at 32 pixels splits latents into 4; 30 is no multiple"):
        shapes(biggan.Generator(32), jnp.ones((2, 30)))


def pair(model, classes):
    """A tiny pair, at the smallest size of the model."""
    size = {sngan: 28, sagan: 32, biggan: 32}[model]
    width = {sngan: 4, sagan: 8, biggan: 2}[model]
    adam = optax.adam(1e-3, b1=0.0)
    return size, GAN(
        model.Generator(size, 1, width, classes), model.Discriminator(width, classes), adam, adam, 8, hinge
    )


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (sngan, 3),
        *(
            pytest.param(*other, marks=pytest.mark.slow)
            for other in ((sngan, 0), (sagan, 0), (sagan, 3), (biggan, 0), (biggan, 3))
        ),
    ],
)
def test_a_pair_trains_in_one_program_and_draws_each_image_by_itself(model, classes):
    size, players = pair(model, classes)
    labels = jnp.arange(6) % 3 if classes else None
    batch = Batch(jax.random.uniform(key(1), (6, size, size, 1)), labels)
    state = jax.jit(lambda: init(players, key(0), batch))()
    traces = []
    step = jax.jit(lambda state, batch: traces.append(1) or make_step(players)(state, batch))
    first, _ = step(state, batch)
    for _ in range(2):
        state, metrics = step(state, batch)
    assert len(traces) == 1
    assert all(np.isfinite(value) for value in metrics.values())
    for player in ("generator", "discriminator"):
        before, after = (getattr(s, player).weights.params for s in (first, state))
        moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), before, after)
        assert sum(jax.tree.leaves(moved)) > 0.8 * len(jax.tree.leaves(moved))
    before, after = (s.discriminator.weights.stats["spectral"]["block_1"]["convolution_0"]["u"] for s in (first, state))
    np.testing.assert_allclose(jnp.linalg.norm(after), 1, rtol=1e-4)
    assert not np.allclose(before, after)
    weights = standing_statistics(players, state.average, key(2), labels, batch_size=6, passes=2)
    latents = gan.sample_latents(players, key(3), 6)
    draw = jax.jit(lambda latents, labels: gan.generate(players, weights, latents, labels))
    alone = draw(latents[2:3], None if labels is None else labels[2:3])
    np.testing.assert_allclose(draw(latents, labels)[2:3], alone, atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [sngan, *(pytest.param(model, marks=pytest.mark.slow) for model in (sagan, biggan))],
    ids=["sngan", "sagan", "biggan"],
)
def test_labels_and_attributes_reach_both_networks(model):
    """Batch statistics and singular vectors fixed, so that nothing but the label differs."""
    _, players = pair(model, 3)
    latents, labels = jnp.ones((3, 8)), jnp.arange(3)
    begin = lambda network, seed, inputs: jax.jit(partial(network.init, train=True))(
        {"params": key(seed)}, inputs, labels
    )
    generate, judge = jax.jit(players.generator.apply), jax.jit(players.discriminator.apply)
    variables = begin(players.generator, 0, latents)
    # Conditional norms start flat: move their maps, as training does.
    params = jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(key(1), leaf.shape), variables["params"])
    images = generate(variables | {"params": params}, latents, labels)
    assert not np.allclose(images[0], images[1], atol=1e-4)
    attributes = generate(variables | {"params": params}, latents, jax.nn.one_hot(labels, 3))
    np.testing.assert_allclose(attributes, images, atol=1e-5)
    same = jnp.broadcast_to(images[:1], images.shape)
    logits = judge(begin(players.discriminator, 2, same), same, labels)
    assert not np.allclose(logits[0], logits[1], atol=1e-5)
