"""The heart: what a step moves, what it must not, and that it is a pure function."""

import dataclasses
import math
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax.serialization import msgpack_restore, to_bytes

import toys
from gan_jax import (
    Batch,
    augment,
    averaging,
    generate,
    init,
    latent_penalties,
    losses,
    make_step,
    parallel,
    penalties,
    rules,
    sample_latents,
    scheduled,
)
from gan_jax.augment import ada, diffaugment
from gan_jax.gan import update_discriminator, update_generator
from gan_jax.layers.conditioning import join_latent
from gan_jax.losses import AdversarialLoss, relativistic
from gan_jax.run.checkpoints import from_arrays, to_arrays


def same(a, b):
    bits = lambda leaf: jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf
    equal = jax.tree.map(lambda x, y: bool(jnp.array_equal(bits(x), bits(y))), a, b)
    return all(jax.tree.leaves(equal))


@pytest.fixture(scope="module")
def begun():
    """A toy GAN, its first state and a batch."""
    gan = toys.make()
    return gan, init(gan, jax.random.key(0), toys.batch()), toys.batch()


def test_discriminator_update_moves_the_discriminator_alone(begun):
    gan, state, batch = begun
    moved, _ = jax.jit(lambda s, b, k: update_discriminator(gan, s, b, k))(state, batch, jax.random.key(1))
    assert same(moved._replace(discriminator=state.discriminator), state)
    assert not same(moved.discriminator.weights.params, state.discriminator.weights.params)
    assert not same(moved.discriminator.weights.stats, state.discriminator.weights.stats)


def test_generator_update_moves_the_generator_and_its_average_alone(begun):
    gan, state, batch = begun
    moved, _ = jax.jit(lambda s, b, k: update_generator(gan, s, b, k))(state, batch, jax.random.key(1))
    assert same(moved._replace(generator=state.generator, average=state.average), state)
    assert not same(moved.generator.weights.params, state.generator.weights.params)
    assert not same(moved.average, state.average)


def test_gradients_are_those_of_a_hand_written_game():
    """Scalar players: G(z) = g, D(x) = d * x, SGD with rate 1, non-saturating loss, all worked out on paper."""

    class Constant:
        def init(self, rngs, inputs, condition, *, train):
            return {"params": jnp.array(0.5)}

        def apply(self, variables, inputs, condition, *, train, rngs, mutable):
            return jnp.full((len(inputs), 1, 1, 1), variables["params"]), {}

    class Slope(Constant):
        def apply(self, variables, inputs, condition, *, train, rngs, mutable):
            return variables["params"] * inputs[:, 0, 0, 0], {}

    gan = toys.make(optimizer=optax.sgd(1.0))
    gan = type(gan)(Constant(), Slope(), gan.generator_optimizer, gan.discriminator_optimizer, latent_size=2)
    batch = Batch(jnp.full((4, 1, 1, 1), 0.25))
    state = init(gan, jax.random.key(0), batch)
    moved, metrics = make_step(gan)(state, batch)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    d, g, x = 0.5, 0.5, 0.25
    d_slope = -x * sigmoid(-d * x) + g * sigmoid(d * g)
    new_d = d - d_slope
    new_g = g + new_d * sigmoid(-new_d * g)
    np.testing.assert_allclose(moved.discriminator.weights.params, new_d, rtol=1e-5)
    np.testing.assert_allclose(moved.generator.weights.params, new_g, rtol=1e-5)
    np.testing.assert_allclose(metrics["d/gradient_norm"], abs(d_slope), rtol=1e-5)


def test_step_is_pure_and_compiles_once(begun):
    gan, state, batch = begun
    traces = []

    @jax.jit
    def step(state, batch):
        traces.append(1)
        return make_step(gan)(state, batch)

    first, again = step(state, batch), step(state, batch)
    assert same(first, again)
    later = first[0]
    for seed in range(3):
        later, _ = step(later, toys.batch(seed))
    assert len(traces) == 1
    assert int(later.step) == 4
    assert same(later.key, state.key)


def test_no_key_pays_for_two_things(begun):
    gan, state, batch = begun
    with jax.debug_key_reuse(True):
        jax.jit(make_step(gan))(state, batch)


def test_every_step_draws_new_latents(begun):
    gan, state, batch = begun
    frozen = type(gan)(gan.generator, gan.discriminator, optax.sgd(0.0), optax.sgd(0.0), latent_size=8)
    step = jax.jit(make_step(frozen))
    state, first = step(state, batch)
    _, second = step(state, batch)
    assert first["g/loss"] != second["g/loss"]


def test_several_discriminator_steps_equal_as_many_updates_by_hand():
    gan = toys.make()
    batches = [toys.batch(seed) for seed in range(3)]
    state = init(gan, jax.random.key(0), batches[0])
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches)
    whole, _ = jax.jit(make_step(gan, discriminator_steps=3))(state, stacked)
    *keys, g_key = jax.random.split(jax.random.fold_in(state.key, 0), 4)
    discriminate = jax.jit(partial(update_discriminator, gan))
    for batch, key in zip(batches, keys, strict=True):
        state, _ = discriminate(state, batch, key)
    state, _ = jax.jit(partial(update_generator, gan))(state, batches[-1], g_key)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6)
    jax.tree.map(close, (whole.generator, whole.discriminator), (state.generator, state.discriminator))


def test_the_generator_may_have_a_batch_of_its_own():
    """Two updates of D and three batches: the third moves G alone."""
    gan = toys.make(loss=relativistic)
    batches = [toys.batch(seed) for seed in range(3)]
    stack = lambda *batches: jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches)
    state = init(gan, jax.random.key(0), batches[0])
    step = jax.jit(make_step(gan, discriminator_steps=2))
    own, _ = step(state, stack(*batches))
    other, _ = step(state, stack(*batches[:2], toys.batch(7)))
    shared, _ = step(state, stack(*batches[:2]))
    again, _ = step(state, stack(*batches[:2], batches[1]))
    assert same(own.discriminator, other.discriminator)
    assert not same(own.generator.weights.params, other.generator.weights.params)
    close = lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6)  # two programs
    jax.tree.map(close, shared._replace(key=()), again._replace(key=()))


def test_batches_that_do_not_go_round_are_refused():
    gan = toys.make()
    batches = jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), toys.batch())
    with pytest.raises(ValueError, match=r"2 updates of the discriminator need as many batches.*got 4"):
        make_step(gan, discriminator_steps=2)(init(gan, jax.random.key(0), toys.batch()), batches)


def test_several_averages_are_kept_beside_the_one_that_is_sampled_from(begun):
    _, _, batch = begun
    gan = toys.make(average=averaging.ema(0.5), more_averages={"now": averaging.ema(0.0), "mean": averaging.power(0)})
    state = init(gan, jax.random.key(0), batch)
    seen, step = [], jax.jit(make_step(gan))
    for seed in range(3):
        state, _ = step(state, toys.batch(seed))
        seen.append(state.generator.weights)
    assert same(state.more_averages["now"], seen[-1])
    mean = jax.tree.map(lambda *leaves: sum(leaves) / 3, *seen)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state.more_averages["mean"], mean)
    assert not same(state.average, seen[-1])


class Narrow(nn.Module):
    """A generator of bfloat16 parameters, with a counter and a key among its statistics."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        passes = self.variable("counter", "passes", lambda: jnp.zeros((), jnp.int32))
        self.variable("counter", "key", lambda: jax.random.key(0))
        if train and not self.is_initializing():
            passes.value += 1
        x = nn.Dense(16, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16, name="pixels")(latents)
        return nn.tanh(x.astype(jnp.float32)).reshape(len(x), 4, 4, 1)


def test_averages_of_bfloat16_parameters_are_float32_and_can_be_drawn_from():
    gan = dataclasses.replace(toys.make(more_averages={"long": averaging.ema(0.99)}), generator=Narrow())
    state = init(gan, jax.random.key(0), toys.batch())
    step = jax.jit(make_step(gan), donate_argnums=0)
    for _ in range(2):
        state, _ = step(state, toys.batch())
    for average in (state.average, state.more_averages["long"]):
        assert {leaf.dtype for leaf in jax.tree.leaves(average.params)} == {jnp.dtype("float32")}
        assert average.stats["counter"]["passes"] == 2
        images = generate(gan, average, sample_latents(gan, jax.random.key(1), 2))
        assert (images.shape, images.dtype) == ((2, 4, 4, 1), jnp.float32)
    assert {leaf.dtype for leaf in jax.tree.leaves(state.generator.weights.params)} == {jnp.dtype("bfloat16")}


def test_a_loss_that_compares_sees_real_and_fake_in_both_updates():
    seen = []

    def watch(real_logits, fake_logits):
        seen.append((real_logits.shape, fake_logits.shape))
        return jnp.mean(fake_logits - real_logits)

    gan = toys.make(loss=AdversarialLoss(watch, watch))
    state = init(gan, jax.random.key(0), toys.batch())
    jax.eval_shape(make_step(gan), state, toys.batch())
    assert seen == [((8,), (8,))] * 2


def test_penalty_is_added_to_the_discriminators_loss_and_handed_the_critic_it_trains():
    seen = {}

    def spy(key, critic, real, fake):
        seen.update(logits=critic(real).shape, handed=critic(real) is critic(real))
        jax.debug.callback(lambda low, high: seen.update(range=(low, high)), real.min(), real.max())
        return jnp.float32(7.0)

    gan = toys.make(penalty=spy)
    batch = toys.batch()
    state = init(gan, jax.random.key(0), batch)
    plain = jax.jit(make_step(toys.make()))(state, batch)[1]
    with_penalty = jax.jit(make_step(gan))(state, batch)[1]
    jax.effects_barrier()
    assert seen["logits"] == (8,)
    assert seen["handed"]
    assert -1 <= seen["range"][0] < seen["range"][1] <= 1
    assert with_penalty["d/penalty"] == 7.0
    assert with_penalty["d/loss"] == plain["d/loss"]


def test_vmap_over_states_trains_each_as_if_alone():
    gan = toys.make()
    batch = toys.batch()
    states = jax.jit(jax.vmap(lambda key: init(gan, key, batch)))(jax.random.split(jax.random.key(0), 3))
    many, metrics = jax.jit(jax.vmap(make_step(gan), in_axes=(0, None)))(states, batch)
    assert metrics["d/loss"].shape == (3,)
    alone, _ = jax.jit(make_step(gan))(jax.tree.map(lambda leaf: leaf[1], states), batch)
    close = lambda a, b: np.testing.assert_allclose(a[1], b, atol=1e-5)
    jax.tree.map(close, (many.generator, many.discriminator), (alone.generator, alone.discriminator))


def test_vmap_over_learning_rates():
    sgd = optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)
    gan = toys.make(optimizer=sgd)
    batch = toys.batch()

    def begin(rate):
        state = init(gan, jax.random.key(0), batch)
        opt_state = state.generator.opt_state
        opt_state.hyperparams["learning_rate"] = rate
        return state._replace(generator=state.generator._replace(opt_state=opt_state))

    begun = jax.jit(jax.vmap(begin))(jnp.array([0.0, 0.1]))
    moved, _ = jax.jit(jax.vmap(make_step(gan), in_axes=(0, None)))(begun, batch)
    still = lambda i: same(
        jax.tree.map(lambda a: a[i], moved.generator.weights.params),
        jax.tree.map(lambda a: a[i], begun.generator.weights.params),
    )
    assert still(0)
    assert not still(1)


def test_generated_images_do_not_depend_on_their_neighbours(begun):
    gan, state, _ = begun
    latents = sample_latents(gan, jax.random.key(2), 6)
    together = generate(gan, state.average, latents)
    alone = generate(gan, state.average, latents[2:3])
    assert together.shape == (6, 4, 4, 1)
    np.testing.assert_allclose(together[2:3], alone, atol=1e-6)


def test_labels_change_what_is_generated():
    gan = toys.make(classes=3)
    state = init(gan, jax.random.key(0), toys.batch(classes=3))
    state, _ = jax.jit(make_step(gan))(state, toys.batch(classes=3))
    latents = jnp.tile(sample_latents(gan, jax.random.key(2), 1), (3, 1))
    images = generate(gan, state.average, latents, jnp.arange(3))
    assert not np.allclose(images[0], images[1])


def test_a_condition_that_is_an_image_of_bytes_is_scaled_like_any_image():
    seen = []

    class Watch:
        def init(self, rngs, inputs, condition, *, train):
            return {"params": jnp.zeros(())}

        def apply(self, variables, inputs, condition, *, train, rngs, mutable):
            seen.append(float(np.asarray(condition).max()))
            return jnp.zeros((len(inputs), 1, 1, 1)) + variables["params"], {}

    gan = toys.make()
    gan = type(gan)(Watch(), Watch(), gan.generator_optimizer, gan.discriminator_optimizer)
    batch = Batch(jnp.zeros((2, 1, 1, 1), jnp.uint8), jnp.full((2, 1, 1, 1), 255, jnp.uint8))
    with jax.disable_jit():
        state = init(gan, jax.random.key(0), batch)
        make_step(gan)(state, batch)
        generate(gan, state.average, jnp.zeros((2, 128)), batch.condition)
    assert set(seen) == {1.0}


def test_first_state_has_buffers_of_its_own_so_that_a_step_may_consume_it(begun):
    gan, _, batch = begun
    state = init(gan, jax.random.key(3), batch)
    step = jax.jit(make_step(gan), donate_argnums=0)
    state, _ = step(state, batch)
    state, metrics = step(state, batch)
    assert np.isfinite(metrics["d/loss"])


def test_a_generator_of_the_wrong_size_is_named_before_training():
    wrong = Batch(jnp.zeros((2, 5, 5, 1)))
    with pytest.raises(ValueError, match=r"makes images of \(4, 4, 1\), the data are \(5, 5, 1\)"):
        init(toys.make(), jax.random.key(0), wrong)


def test_the_discriminator_sees_augmented_images_and_the_penalty_those_before():
    """With T(x) = 3x and D linear, slopes at the image are three times D's own."""
    networks = toys.make()
    linear = lambda factor: dataclasses.replace(
        networks,
        discriminator=Linear(),
        augment=lambda key, images: factor * images,
        penalty=penalties.r1(2.0),
    )
    batch = toys.batch()
    found = {}
    for factor in (1.0, 3.0):
        gan = linear(factor)
        state = init(gan, jax.random.key(0), batch)
        _, metrics = jax.jit(make_step(gan))(state, batch)
        found[factor] = metrics
    assert found[3.0]["d/penalty"] == pytest.approx(9 * float(found[1.0]["d/penalty"]), rel=1e-5)
    assert found[3.0]["d/real_logit"] == pytest.approx(3 * float(found[1.0]["d/real_logit"]), rel=1e-5)


class Linear(nn.Module):
    """D(x) = a·x."""

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        return nn.Dense(1, use_bias=False, name="a")(images.reshape(len(images), -1))[:, 0]


@pytest.mark.parametrize(("draws", "alike"), [(augment.together, True), (augment.independent, False)])
def test_real_and_fake_images_share_their_augmentation_or_do_not(draws, alike):
    seen = []

    def note(key, images):
        jax.debug.callback(lambda data: seen.append(data.tolist()), jax.random.key_data(key))
        return images

    gan = dataclasses.replace(toys.make(), augment=note, draws=draws)
    batch = toys.batch()
    state = init(gan, jax.random.key(0), batch)
    jax.jit(partial(update_discriminator, gan))(state, batch, jax.random.key(1))
    jax.effects_barrier()
    assert (len({str(key) for key in seen}) == 1) == alike


class Apart(nn.Module):
    """D(x, c) = w · mean (x - c)²: how far an image is from the one that it was asked to be."""

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        weight = self.param("weight", nn.initializers.ones, ())
        return weight * jnp.mean(jnp.square(images - condition), axis=(1, 2, 3))


def test_a_condition_that_is_an_image_is_augmented_as_its_image_is():
    gan = dataclasses.replace(
        toys.make(augment=partial(diffaugment.translation, ratio=0.5), penalty=penalties.lazy(penalties.r1(1.0), 2)),
        discriminator=Apart(),
    )
    images = toys.batch().images
    batch = Batch(images, images)
    _, metrics = jax.jit(make_step(gan))(init(gan, jax.random.key(0), batch), batch)
    assert metrics["d/real_logit"] == metrics["d/penalty"] == 0
    assert metrics["d/fake_logit"] > 0.1


def test_rules_may_change_with_the_step():
    batch = toys.batch()
    rule = scheduled(lambda step: penalties.r1(jnp.where(step < 1, 0.0, 2.0)))
    gan = dataclasses.replace(toys.make(), discriminator=Linear(), penalty=rule)
    state = init(gan, jax.random.key(0), batch)
    step = jax.jit(make_step(gan))
    state, first = step(state, batch)
    a = np.asarray(state.discriminator.weights.params["a"]["kernel"])
    _, second = step(state, batch)
    assert first["d/penalty"] == 0
    assert second["d/penalty"] == pytest.approx(float(np.sum(a**2)), rel=1e-5)


def test_rules_that_adapt_learn_from_each_update_and_are_part_of_the_state():
    """LeCam's averages, path lengths and ADA's probability, all at once, without another trace."""
    batch = toys.batch()
    gan = dataclasses.replace(
        toys.make(),
        penalty=penalties.total(penalties.r1(1.0), penalties.lecam(0.1, decay=0.5)),
        latent_penalty=latent_penalties.path_length(0.1, decay=0.5),
        augment=ada.adaptive(batch_size=8, kimg=1, pipeline=ada.blit),
    )
    state, traces = init(gan, jax.random.key(0), batch), []
    step = jax.jit(lambda state, batch: traces.append(1) or make_step(gan)(state, batch))
    anchors, length, p = jnp.zeros(2), 0.0, 0.0
    for _ in range(3):
        state, metrics = step(state, batch)
        anchors = (anchors + jnp.stack([metrics["d/real_logit"], metrics["d/fake_logit"]])) / 2
        length = (length + metrics["g/path_length"]) / 2
    np.testing.assert_allclose(jnp.stack(state.memories.penalty[1]), anchors, rtol=1e-5)
    np.testing.assert_allclose(state.memories.latent_penalty, length, rtol=1e-5)
    assert state.memories.augment.p >= p
    assert len(traces) == 1


class Says(nn.Module):
    """A discriminator whose answer to every image is the same, in some dtype."""

    answer: tuple[float, ...]
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        weight = self.param("weight", nn.initializers.ones, (1, 1))
        return jnp.tile(weight * jnp.array([self.answer]), (len(images), 1)).astype(self.dtype)


def test_rules_and_penalties_hear_the_verdict_alone_where_there_is_more():
    seen = []

    def spy(key, critic, real, fake):
        seen.append(critic(real).shape)
        return jnp.zeros(())

    gan = dataclasses.replace(
        toys.make(loss=losses.auxiliary(losses.non_saturating), penalty=spy), discriminator=Says((5.0, -3.0))
    )
    state = init(gan, jax.random.key(0), toys.batch())
    _, metrics = jax.jit(make_step(gan))(state, toys.batch())
    assert (metrics["d/real_logit"], metrics["d/fake_logit"], metrics["d/real_sign"]) == (5.0, 5.0, 1.0)
    assert set(seen) == {(8,)}


def test_metrics_are_float32_whatever_the_logits_are():
    gan = dataclasses.replace(toys.make(), discriminator=Says((1.0,), jnp.bfloat16))
    state = init(gan, jax.random.key(0), toys.batch())
    _, metrics = jax.eval_shape(make_step(gan), state, toys.batch())
    assert {metric.dtype for metric in metrics.values()} == {jnp.dtype("float32")}


def test_a_paused_penalty_is_none_and_keeps_its_memory():
    with_it = toys.make(penalty=penalties.lecam(1.0))
    between = dataclasses.replace(with_it, penalty=rules.paused(with_it.penalty, penalties.none))
    batch = toys.batch()
    first, second, without = (jax.jit(make_step(gan)) for gan in (with_it, between, toys.make()))
    state, _ = first(init(with_it, jax.random.key(0), batch), batch)
    after, metrics = second(state, batch)
    assert metrics["d/penalty"] == 0
    np.testing.assert_array_equal(after.memories.penalty, state.memories.penalty)
    alone, _ = without(state._replace(memories=state.memories._replace(penalty=())), batch)
    jax.tree.map(np.testing.assert_array_equal, after.discriminator, alone.discriminator)
    first(after, batch)  # the two go on from each other's states


def test_a_gan_is_a_value_that_can_be_hashed():
    gan = toys.make(more_averages={"short": averaging.ema(0.5)}, penalty=penalties.lecam(1.0))
    assert hash(gan) == hash(dataclasses.replace(gan))


IMAGES = np.zeros((4, 4, 4, 1), np.uint8)


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (Batch(IMAGES.astype(np.float32) + 255), r"floats in \[-1, 1\]; these reach 255"),
        (Batch(IMAGES.astype(np.float32) * np.nan), "these reach nan"),
        (Batch(IMAGES.astype(np.int32)), r"not int32; use images.astype\(np.uint8\)"),
        (Batch(IMAGES > 0), "not bool"),
        (Batch(IMAGES[..., 0]), r"images are \[B, H, W, C\].*not \[4, 4, 4\]"),
        (Batch(IMAGES[:0]), "images: there are none"),
        (Batch(IMAGES, np.float32(IMAGES) + 9), "these reach 9"),
        (Batch(IMAGES, 3), "there are 4, and no list of conditions"),
        (Batch(IMAGES, np.zeros(3, np.int32)), "there are 4, and 3 conditions"),
        (Batch(IMAGES, np.zeros(4, np.float32)), "labels are whole numbers"),
        (Batch(IMAGES), "needs a label for every image"),
        (IMAGES, "expected Batch"),
        (Batch(IMAGES.tolist()), "images: expected an array, or a pytree of arrays, got a list with an? int in it"),
    ],
)
def test_what_is_no_batch_is_refused_by_the_first_state(batch, said):
    with pytest.raises((ValueError, TypeError), match=said):
        init(toys.make(classes=3), jax.random.key(0), batch)


@pytest.mark.parametrize(
    "draw",
    [
        lambda begin, key: jax.jit(begin)(key),
        lambda begin, key: jax.jit(jax.vmap(begin))(jax.random.split(key, 2)),
        lambda begin, key: jax.eval_shape(begin, key),
        lambda begin, key: parallel.make_state(lambda: begin(key), parallel.make_mesh()),
    ],
    ids=["jit", "vmap", "eval_shape", "sharded"],
)
def test_first_states_of_float_images_can_be_traced(draw):
    batch = Batch(jnp.zeros((4, 4, 4, 1)))
    state = draw(lambda key: init(toys.make(), key, batch), jax.random.key(0))
    assert state.step.dtype == jnp.int32


def test_the_first_state_is_compiled_once_a_gan():
    traces = []

    class Counted(toys.Generator):
        @nn.compact
        def __call__(self, latents, condition=None, *, train=False):
            traces.append(1)
            return nn.tanh(nn.Dense(16)(latents)).reshape(len(latents), 4, 4, 1)

    gan = dataclasses.replace(toys.make(), generator=Counted())
    init(gan, jax.random.key(0), toys.batch())
    once = len(traces)
    init(gan, jax.random.key(1), toys.batch(seed=1))
    assert len(traces) == once


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"loss": "hinge"}, "loss: expected an AdversarialLoss"),
        ({"optimizer": 2e-4}, "generator_optimizer: expected one of optax's"),
        (
            {"penalty": penalties.r1},
            r"penalty: expected a function \(key, critic, real, fake\), such as gan_jax",
        ),
        ({"penalty": "r1"}, r"penalty: expected a function \(key, critic, real, fake\), .* got 'r1'"),
        ({"augment": lambda images: images}, r"augment: expected a function \(key, images\), such as gan_jax"),
        ({"average": 0.999}, r"average: expected a function \(average, current, step\), .* got 0.999"),
    ],
)
def test_rules_that_are_none_are_refused_at_once(rules, said):
    with pytest.raises(TypeError, match=said):
        toys.make(**rules)


def test_networks_in_each_others_places_are_refused_at_once():
    with pytest.raises(TypeError, match="generator: got a Discriminator, and a Generator as discriminator; the gen"):
        dataclasses.replace(toys.make(), generator=toys.Discriminator(), discriminator=toys.Generator())


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("loss", losses.AdversarialLoss(lambda real, fake: fake - real, losses.hinge.generator)),
        ("loss", losses.AdversarialLoss(losses.hinge.discriminator, lambda real, fake: -fake)),
        ("penalty", lambda key, critic, real, fake: critic(real) ** 2),
        ("supervise", lambda key, draw, latents, batch: (jnp.ones(4), {})),
    ],
)
def test_a_term_that_is_no_scalar_is_named(begun, name, rule):
    gan, state, batch = begun
    with pytest.raises(ValueError, match=rf"{name}: expected a scalar, such as a mean over the batch, got \[[48]\]"):
        jax.eval_shape(make_step(dataclasses.replace(gan, **{name: rule})), state, batch)


def test_channels_in_front_are_named():
    gan = dataclasses.replace(toys.make(), generator=Noisy())
    with pytest.raises(ValueError, match=r"\(4, 4, 1\), the data are \(1, 4, 4\); images are \[B, H, W, C\], with the"):
        jax.eval_shape(lambda: init(gan, jax.random.key(0), Batch(jnp.zeros((4, 1, 4, 4)))))


def test_a_step_on_what_is_no_batch_says_so(begun):
    gan, state, batch = begun
    for wrong in (batch.images, Batch(batch.images[..., 0])):
        with pytest.raises((TypeError, ValueError), match=r"expected Batch|images are \[B, H, W, C\]"):
            make_step(gan)(state, wrong)


def test_conditions_may_be_a_list():
    gan, batch = toys.make(classes=3), Batch(IMAGES, [0, 1, 2, 0])
    state = init(gan, jax.random.key(0), batch)
    assert generate(gan, state.average, jnp.zeros((2, 8)), [2, 1]).shape == (2, 4, 4, 1)


def test_what_cannot_be_drawn_from_is_named(begun):
    gan, state, _ = begun
    with pytest.raises(TypeError, match=r"such as state.average, got a GANState"):
        generate(gan, state, jnp.zeros((2, 8)))
    with pytest.raises(ValueError, match=r"latents are \[B, 8\] here, not \[2, 9\]"):
        generate(gan, state.average, jnp.zeros((2, 9)))
    with pytest.raises(ValueError, match="there are 2, and 3 conditions"):
        generate(gan, state.average, jnp.zeros((2, 8)), jnp.arange(3))


class Noisy(toys.Generator):
    """Draws noise, too, whenever it draws an image."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        images = nn.tanh(nn.Dense(16, name="pixels")(latents)).reshape(len(latents), 4, 4, 1)
        return images + 0.1 * jax.random.normal(self.make_rng("noise"), images.shape)


def test_a_generator_may_draw_at_random_while_sampling():
    gan = dataclasses.replace(toys.make(), generator=Noisy())
    state = init(gan, jax.random.key(0), toys.batch())
    jax.eval_shape(make_step(gan), state, toys.batch())
    draw = lambda seed: generate(gan, state.average, jnp.zeros((2, 8)), key=jax.random.key(seed))
    assert not same(draw(0), draw(1))
    assert same(draw(0), draw(0))


@pytest.mark.parametrize("classes", [0, 3])
def test_the_example_may_be_the_batches_of_a_whole_step(classes):
    gan, batch = toys.make(classes), toys.batch(classes=classes)
    several = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), batch)
    assert same(init(gan, jax.random.key(0), several), init(gan, jax.random.key(0), batch))
    with pytest.raises(ValueError, match="these reach 9"):
        init(gan, jax.random.key(0), Batch(jnp.full((3, 8, 4, 4, 1), 9.0)))


class Wide(nn.Module):
    """A generator, or a discriminator, in float64."""

    shape: tuple[int, ...]

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        x = nn.Dense(math.prod(self.shape), dtype=jnp.float64, name="out")(inputs.reshape(len(inputs), -1))
        return x.reshape(len(x), *self.shape)


def test_states_keep_their_dtypes_in_float64():
    rules = {
        "penalty": penalties.total(penalties.lecam(0.1), penalties.r1(1.0)),
        "latent_penalty": latent_penalties.path_length(0.1),
        "augment": ada.adaptive(batch_size=8),
    }
    with jax.enable_x64(True):
        for networks in ({"generator": Wide((4, 4, 1)), "discriminator": Wide(())}, {}):
            gan = dataclasses.replace(toys.make(**rules), **networks)
            state = jax.eval_shape(lambda gan=gan: init(gan, jax.random.key(0), toys.batch()))
            moved, _ = jax.eval_shape(make_step(gan), state, toys.batch())
            dtypes = lambda tree: jax.tree.map(lambda leaf: leaf.dtype, tree)
            assert dtypes(moved) == dtypes(state)


@pytest.mark.parametrize(
    "optimizer",
    [
        optax.chain(optax.adam(1e-3), optax.contrib.reduce_on_plateau()),
        optax.chain(optax.sgd(0.1), optax.scale_by_backtracking_linesearch(3)),
        optax.MultiSteps(optax.adam(1e-3), 2),
    ],
    ids=["plateau", "line search", "several steps"],
)
def test_optimizers_are_given_what_they_ask_for(optimizer):
    gan = toys.make(optimizer=optimizer)
    state = init(gan, jax.random.key(0), toys.batch())
    moved, _ = jax.eval_shape(make_step(gan), state, toys.batch())
    assert jax.tree.structure(moved) == jax.tree.structure(state)


def test_polyaks_step_is_as_long_as_the_whole_loss_says():
    """Down a slope of |g| it goes f / |g|."""
    gan = toys.make(optimizer=optax.polyak_sgd(max_learning_rate=1e9), penalty=penalties.r1(5.0))
    state = init(gan, jax.random.key(0), toys.batch())
    moved, metrics = jax.jit(partial(update_discriminator, gan))(state, toys.batch(), jax.random.key(1))
    gone = jax.tree.map(jnp.subtract, moved.discriminator.weights.params, state.discriminator.weights.params)
    whole = metrics["d/loss"] + metrics["d/penalty"]
    assert metrics["d/penalty"] > 0.01
    np.testing.assert_allclose(optax.tree.norm(gone), whole / metrics["d/gradient_norm"], rtol=1e-4)


@pytest.mark.parametrize("classes", [0, 3])
def test_generators_are_exported_for_batches_of_any_size(classes):
    class Any(nn.Module):
        @nn.compact
        def __call__(self, latents, condition=None, *, train=False):
            x = nn.Dense(16, name="pixels")(join_latent(latents, condition, classes))
            return x.reshape(x.shape[0], 4, 4, 1)

    gan = dataclasses.replace(toys.make(classes), generator=Any())
    average = init(gan, jax.random.key(0), toys.batch(classes=classes)).average
    (b,) = jax.export.symbolic_shape("b")
    latents, labels = jax.ShapeDtypeStruct((b, 8), jnp.float32), jax.ShapeDtypeStruct((b,), jnp.int32)
    draw = jax.jit(lambda latents, labels: generate(gan, average, latents, labels if classes else None))
    exported = jax.export.export(draw)(latents, labels)
    for count in (1, 3):
        given = sample_latents(gan, jax.random.key(1), count), jnp.arange(count)
        np.testing.assert_allclose(exported.call(*given), draw(*given), atol=1e-6)


def test_a_step_is_exported_for_batches_of_any_size():
    class Flat(nn.Module):
        @nn.compact
        def __call__(self, inputs, condition=None, *, train=False):
            x = nn.Dense(16, name="out")(inputs.reshape(inputs.shape[0], -1))
            return x.reshape(x.shape[0], 4, 4, 1)

    gan = toys.make(
        penalty=penalties.total(penalties.r1(1.0), penalties.wgan_gp(1.0)),
        latent_penalty=latent_penalties.path_length(1.0),
        augment=diffaugment.diff_augment(diffaugment.colour, diffaugment.translation, diffaugment.cutout),
    )
    gan = dataclasses.replace(gan, generator=Flat(), discriminator=Flat())
    state = init(gan, jax.random.key(0), toys.batch())
    (b,) = jax.export.symbolic_shape("b")
    batch = Batch(jax.ShapeDtypeStruct((b, 4, 4, 1), jnp.uint8), jax.ShapeDtypeStruct((b,), jnp.int32))
    bare = state._replace(key=jax.random.key_data(state.key))
    step = lambda bare, batch: make_step(gan)(bare._replace(key=jax.random.wrap_key_data(bare.key)), batch)[1]
    exported = jax.export.export(jax.jit(step))(jax.eval_shape(lambda: bare), batch)
    assert "d/loss" in exported.out_tree.unflatten(exported.out_avals)


def test_a_state_with_its_typed_keys_goes_through_flax_bytes():
    gan = dataclasses.replace(toys.make(), generator=Narrow())
    state = init(gan, jax.random.key(7), toys.batch())
    data = to_bytes(to_arrays(state))
    back = from_arrays(state, msgpack_restore(data), where="bytes")
    assert same(back, state)
    assert jax.tree.map(lambda leaf: leaf.dtype, back) == jax.tree.map(lambda leaf: leaf.dtype, state)
    jax.eval_shape(make_step(gan), back, toys.batch())


def test_a_critic_shown_images_whose_conditions_it_cannot_know_says_so():
    part = lambda key, critic, real, fake: jnp.mean(critic(real[:3]))
    gan, batch = toys.make(classes=3, penalty=part), toys.batch(classes=3)
    with pytest.raises(ValueError, match="3 images were shown to a network that knows the conditions of a batch of 8"):
        jax.eval_shape(make_step(gan), init(gan, jax.random.key(0), batch), batch)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_lazy_penalty_sees_a_part_of_the_batch_with_its_conditions(classes):
    seen = []

    def spy(key, critic, real, fake):
        seen.append((real.shape, critic(real).shape))
        return jnp.zeros(())

    gan = toys.make(
        classes,
        penalty=penalties.lazy(spy, 4),
        latent_penalty=latent_penalties.lazy(latent_penalties.zcr(1.0, 1.0, deviation=0.1), 2),
    )
    batch = toys.batch(classes=classes)
    jax.eval_shape(make_step(gan), init(gan, jax.random.key(0), batch), batch)
    assert seen == [((2, 4, 4, 1), (2,))]
