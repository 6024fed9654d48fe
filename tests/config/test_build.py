"""A config becomes the rules that it names: weights, schedules, averages, augmentations."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toys
from gan_jax import init, make_step, penalties, schedules
from gan_jax.config import (
    GAT,
    MLP,
    R3GAN,
    AdamConfig,
    AnnealConfig,
    AnyModel,
    AugmentConfig,
    AverageConfig,
    Config,
    DataConfig,
    FromEdges,
    PenaltyConfig,
    Reconstruction,
    Restyled,
    RestyledOneWay,
    build,
)
from gan_jax.config.checks import check
from gan_jax.config.schema import kinds
from gan_jax.rules import Adaptive, adaptive

KEY = jax.random.key(0)
REAL, FAKE = (jax.random.normal(key, (4, 8, 8, 1)) for key in jax.random.split(KEY))


def critic(x):
    return jnp.sum(x**2, axis=(1, 2, 3))


def gan_of(**fields):
    return build.build_gan(check(Config(model=MLP(), batch_size=4, **fields)), 0)


def penalty_at(gan, step):
    rule = adaptive(gan.penalty)
    return rule.at(rule.start, jnp.int32(step))(KEY, critic, REAL, FAKE)


def test_penalties_are_those_with_a_weight():
    assert gan_of().penalty is penalties.none
    expected = penalties.r1(2.0)(KEY, critic, REAL, FAKE) + penalties.r2(3.0)(KEY, critic, REAL, FAKE)
    np.testing.assert_allclose(penalty_at(gan_of(penalty=PenaltyConfig(r1=2.0, r2=3.0)), 0), expected, rtol=1e-5)
    expected = penalties.r1(2.0)(KEY, critic, REAL[::2], FAKE)
    np.testing.assert_allclose(penalty_at(gan_of(penalty=PenaltyConfig(r1=2.0, lazy=2)), 0), expected, rtol=1e-5)
    assert isinstance(gan_of(penalty=PenaltyConfig(lecam=0.1)).penalty, Adaptive)


@pytest.mark.parametrize("updates", [1, 2])
def test_an_annealed_penalty_reaches_its_share_when_the_images_are_seen(updates):
    gan = gan_of(
        penalty=PenaltyConfig(r1=2.0), discriminator_steps=updates, anneal=AnnealConfig(images=80, penalty=0.1)
    )
    whole = penalties.r1(2.0)(KEY, critic, REAL, FAKE)
    steps = 80 // 4 // updates
    for step, share in ((0, 1.0), (steps // 2, 0.55), (steps, 0.1), (2 * steps, 0.1)):
        np.testing.assert_allclose(penalty_at(gan, step), share * whole, rtol=1e-4)


def test_learning_rate_and_beta2_follow_their_cosines_in_both_networks():
    """Two updates of D a step: it is at the same place of the curve as G, having seen the same images."""
    ends = AnnealConfig(images=160, learning_rate=1e-4, beta2=0.99)
    network = AdamConfig(learning_rate=2e-4, beta1=0.0, beta2=0.9)
    gan = gan_of(generator=network, discriminator=network, discriminator_steps=2, anneal=ends)
    toy = dataclasses.replace(
        toys.make(), generator_optimizer=gan.generator_optimizer, discriminator_optimizer=gan.discriminator_optimizer
    )
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), toys.batch(size=4))
    state = init(toy, KEY, toys.batch(size=4))
    step = jax.jit(make_step(toy, discriminator_steps=2))
    for _ in range(11):
        state, _ = step(state, batch)
    rates = schedules.cosine(2e-4, 1e-4, 160, 8), schedules.cosine(0.9, 0.99, 160, 8)
    for player, updates in ((state.generator, 10), (state.discriminator, 10.5)):
        found = player.opt_state.hyperparams
        np.testing.assert_allclose(found["learning_rate"], rates[0](jnp.float32(updates)), rtol=1e-5)
        np.testing.assert_allclose(found["b2"], rates[1](jnp.float32(updates)), rtol=1e-5)


@pytest.mark.parametrize(("fields", "every"), [({"lazy": 2}, 2), ({"lazy": 2, "path_lazy": 4}, 4)])
def test_path_lengths_are_as_lazy_as_penalties_or_have_a_pace_of_their_own(fields, every):
    rule = gan_of(penalty=PenaltyConfig(path_length=2.0, **fields)).latent_penalty
    seen = []
    stretch = lambda latents, marks: seen.append(latents.shape) or latents[:, :, None, None]
    rule.at(rule.start, jnp.int32(0)).generator(KEY, stretch, jnp.ones((8, 3)), {})
    assert set(seen) == {(8 // every, 3)}


def test_the_average_is_the_one_that_was_asked_for():
    old, new = jnp.zeros(()), jnp.ones(())
    share = lambda gan, step: float(gan.average(old, new, jnp.int32(step)))
    assert share(gan_of(average=AverageConfig(decay=0.75)), 1000) == pytest.approx(0.25)
    assert share(gan_of(average=AverageConfig(half_life=40.0)), 100_000) == pytest.approx(1 - 0.5**0.1)
    # Karras et al. 2024 give γ = 6.94 for a width of 0.10: the newest of 1,000 steps weighs about (γ + 1) / 1,000.
    assert share(gan_of(average=AverageConfig(width=0.1)), 999) == pytest.approx(7.94e-3, rel=5e-3)
    growing = gan_of(anneal=AnnealConfig(images=400, half_life=40.0))
    assert share(growing, 0) == 1
    assert share(growing, 50) == pytest.approx(1 - 0.5**0.2)
    assert share(growing, 1000) == pytest.approx(1 - 0.5**0.1)


@pytest.mark.parametrize(
    "name", ["ada", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ada_cutout", "ada_full"))]
)
def test_the_strength_of_augmentations_is_fixed_annealed_or_adapts(name):
    images = jnp.clip(REAL, -1, 1)
    fixed = jax.jit(gan_of(augment=AugmentConfig(name, p=1.0)).augment)(KEY, images)
    assert not np.allclose(fixed, images)
    np.testing.assert_array_equal(jax.jit(gan_of(augment=AugmentConfig(name)).augment)(KEY, images), images)
    rule = gan_of(augment=AugmentConfig(name), anneal=AnnealConfig(images=40, augment_p=1.0)).augment
    rising = jax.jit(lambda step: rule.at((), step)(KEY, images))
    np.testing.assert_array_equal(rising(jnp.int32(0)), images)
    np.testing.assert_allclose(rising(jnp.int32(10)), fixed, atol=1e-5)
    adapts = gan_of(augment=AugmentConfig(name, p=0.2, target=0.6, kimg=1.0)).augment
    assert adapts.learn(adapts.start, {"d/real_sign": jnp.float32(1)}).p == pytest.approx(0.204)


@pytest.mark.parametrize(
    ("size", "width", "widths", "group", "low"),
    [
        (32, 768, (768,) * 4, 16, 8),
        (64, 768, (768, 768, 768, 768, 384), 16, 8),
        (256, 768, (768, 768, 768, 768, 384, 192, 96), 16, 32),
        (128, 768, (768, 768, 768, 768, 384, 192), 16, 16),
        (32, 1536, (1536,) * 4, 32, 8),
    ],
)
def test_r3gan_has_the_published_widths_groups_and_precisions(size, width, widths, group, low):
    model = R3GAN(generator_width=width, discriminator_width=width, precision="bfloat16")
    gan = build.build_gan(check(Config(data=DataConfig(size=size), model=model)), 0)
    for player in (gan.generator, gan.discriminator):
        assert (player.widths, player.group_channels, player.low_precision_from) == (widths, group, low)


ELSEWHERE = {
    "mlp",
    "article",
    "fmgan",
    "wgantext",
    "relgan",
    "mocogan",
    "gated",
    "srgan",
}  # in float32, or in the model's tests


@pytest.mark.parametrize("name", sorted(set(kinds(AnyModel)) - ELSEWHERE))
def test_bfloat16_reaches_the_layers_and_leaves_weights_and_logits_in_float32(name):
    size = 32 if name in ("sagan", "biggan") else 28 if name == "sngan" else 16
    widths: dict = {"generator_width": 8, "discriminator_width": 8} | ({"heads": 2} if name == "gat" else {})
    model = kinds(AnyModel)[name](latent_size=8, precision="bfloat16", **widths)
    translates = model.translates
    config = Config(data=DataConfig(size=size, channels=1), model=model, conditional=not translates)
    tasks = {"cyclegan": Restyled(), "cut": RestyledOneWay()} | dict.fromkeys(
        ("autoencoder", "autoencoderkl"), Reconstruction()
    )
    config = dataclasses.replace(config, task=tasks.get(name, FromEdges())) if translates else config
    gan = build.build_gan(check(config), 3)
    inputs = {"generator": jnp.ones((4, 8)), "discriminator": jnp.ones((4, size, size, 1))}
    rngs = {"params": KEY, "dropout": KEY}
    told = jnp.ones((4, size, size, 1)) if translates else jnp.arange(4) % 3
    if name == "cyclegan":
        told = inputs["discriminator"] = (told, told)
    if name in ("cut", "autoencoder", "autoencoderkl"):
        inputs["discriminator"] = (told, jnp.zeros(4))
    for player, x in inputs.items():
        run = partial(getattr(gan, player).init_with_output, train=True)
        text = str(jax.make_jaxpr(run)(rngs, x, told))
        outputs, variables = jax.eval_shape(run, rngs, x, told)
        assert "bf16" in text
        assert {leaf.dtype for leaf in jax.tree.leaves((outputs, variables))} == {jnp.dtype("float32")}


def first_step(config, gradient, width=4):
    """What the first update makes of a gradient."""
    optimizer = config.build(AnnealConfig(), 1, width)
    params = jnp.full_like(gradient, 2.0)
    return optimizer.update(gradient, optimizer.init(params), params)[0]


def test_a_step_size_is_that_of_its_width_and_decay_is_a_share_of_the_parameters():
    gradient = jnp.array([3.0, -4.0])
    plain = first_step(AdamConfig(learning_rate=0.1), gradient)
    np.testing.assert_allclose(plain, [-0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(first_step(AdamConfig(learning_rate=0.1, base_width=8), gradient), 2 * plain, rtol=1e-5)
    decayed = first_step(AdamConfig(learning_rate=0.1, weight_decay=0.5), gradient)
    np.testing.assert_allclose(decayed, plain - 0.1 * 0.5 * 2.0, atol=1e-6)


def test_a_gradient_is_clipped_to_its_norm():
    # An epsilon as large as the gradients: else Adam's first step is of one size, whatever they are.
    config = AdamConfig(learning_rate=0.1, epsilon=1.0)
    clipped = first_step(dataclasses.replace(config, clip=1.0), jnp.array([3.0, -4.0]))
    np.testing.assert_allclose(clipped, first_step(config, jnp.array([0.6, -0.8])), rtol=1e-5)
    small = jnp.array([0.3, -0.4])
    np.testing.assert_allclose(first_step(dataclasses.replace(config, clip=1.0), small), first_step(config, small))


def test_slopes_by_difference_are_r1_and_r2():
    gan = gan_of(penalty=PenaltyConfig(r1=2.0, r2=3.0, by_difference=True))
    both = penalties.total(penalties.r1_by_difference(2.0), penalties.r2_by_difference(3.0))
    np.testing.assert_allclose(penalty_at(gan, 0), both(KEY, critic, REAL, FAKE), rtol=1e-5)


@pytest.mark.parametrize(
    ("data", "confined"), [(DataConfig(), True), (DataConfig(path="/x.npz", size=8, deviation=1.0), False)]
)
def test_a_transformer_ends_where_its_data_do(data, confined):
    model = GAT(generator_width=8, discriminator_width=8, depth=4, heads=2, unroll=False)
    generator, _ = model.networks(data, 0)
    latents = jax.random.normal(KEY, (3, 64))
    variables = jax.tree.map(lambda leaf: 20 * leaf, jax.jit(partial(generator.init, train=True))(KEY, latents))
    draw = lambda train: generator.apply(variables, latents, train=train)
    drawn, levels = jax.jit(lambda: (draw(False), draw(True)))()
    for images in (drawn, *levels):
        assert (float(jnp.max(jnp.abs(images))) <= 1) is confined
