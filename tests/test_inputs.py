"""What a game is given, checked where it is given: states of other games, terms, logits, numbers of updates, keys."""

from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax import averaging, init, losses, make_step, penalties, standing_statistics
from gan_jax.augment import ada, diffaugment
from gan_jax.gan import update_discriminator


@pytest.fixture(scope="module")
def begun():
    """A toy GAN, its first state and a batch."""
    gan = toys.make()
    return gan, init(gan, jax.random.key(0), toys.batch()), toys.batch()


def traced(gan, state, batch, **settings):
    return jax.eval_shape(make_step(gan, **settings), state, batch)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("augment", ada.adaptive(batch_size=8)),
        ("penalty", penalties.lecam(0.1)),
        ("generator_optimizer", optax.adamw(1e-3)),
        ("discriminator_optimizer", optax.sgd(0.1, momentum=0.9)),
        ("more_averages", {"slow": averaging.ema(0.9999)}),
    ],
)
def test_a_state_without_what_a_rule_remembers_is_refused_and_mended_as_it_is_told(begun, name, rule):
    gan, state, batch = replace(begun[0], **{name: rule}), *begun[1:]
    with pytest.raises(ValueError, match=f"{name}: the state was begun by a GAN with another one") as refused:
        traced(gan, state, batch)
    key, mend = jax.random.key(0), str(refused.value).split("in the beginning: ")[1]
    traced(gan, eval(mend, {"state": state, "init": init, "gan": gan, "key": key, "batch": batch}), batch)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"loss": losses.hinge, "penalty": penalties.r1(1.0), "average": averaging.ema(0.5)}),
        ({"augment": ada.adaptive(batch_size=8)}, {}),
        ({"penalty": penalties.lecam(0.1)}, {"penalty": penalties.r1(1.0)}),
        ({"more_averages": {"slow": averaging.ema(0.9)}}, {}),
        ({"optimizer": optax.adam(optax.constant_schedule(1e-3))}, {"optimizer": optax.adam(1e-3)}),
    ],
)
def test_a_state_that_has_all_that_is_asked_for_goes_on(before, after):
    state = init(toys.make(**before), jax.random.key(0), toys.batch())
    traced(toys.make(**after), state, toys.batch())


@pytest.mark.parametrize("steps", [0, -1, 2.0, "2"])
def test_updates_are_counted_in_whole_numbers_from_one_up(begun, steps):
    gan, state, batch = begun
    with pytest.raises(ValueError, match="discriminator_steps: expected a whole number from 1 up"):
        make_step(gan, discriminator_steps=steps)(state, batch)


def test_a_batch_and_a_state_in_each_others_places_are_named(begun):
    gan, state, batch = begun
    with pytest.raises(TypeError, match=r"expected Batch.*got a GANState"):
        make_step(gan)(batch, state)
    with pytest.raises(TypeError, match=r"expected a GANState, as `init` makes it, got a Weights"):
        update_discriminator(gan, state.average, batch, jax.random.key(0))
    with pytest.raises(TypeError, match=r"such as state.average, got a GANState"):
        standing_statistics(gan, state, jax.random.key(0))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"penalty": lambda key, critic, real, fake: (jnp.zeros(()), {})}, "penalty: expected a scalar.* got a tuple"),
        (
            {"loss": losses.AdversarialLoss(lambda r, f: jnp.sum(f > r), losses.hinge.generator)},
            "loss: expected a float, which has a slope, got int32",
        ),
    ],
)
def test_a_term_that_has_no_slope_is_named(begun, rules, said):
    with pytest.raises(TypeError, match=said):
        traced(replace(begun[0], **rules), *begun[1:])


class Mean(toys.Discriminator):
    """Of the whole batch: one verdict, or one in a row."""

    row: bool = False

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        logits = nn.Dense(1, name="logit")(images.reshape(len(images), -1))
        return logits.T if self.row else jnp.mean(logits)


@pytest.mark.parametrize(("row", "shape"), [(False, r"\[\]"), (True, r"\[1, 8\]")])
def test_a_verdict_on_the_batch_is_none_on_each_image(row, shape):
    gan = replace(toys.make(), discriminator=Mean(row=row))
    state = init(gan, jax.random.key(0), toys.batch())
    with pytest.raises(ValueError, match=rf"logits are \[8, ...\], one or more for each of 8 images, not {shape}"):
        traced(gan, state, toys.batch())
    with pytest.raises(ValueError, match="not a single number"):
        losses.hinge.discriminator(jnp.ones(()), jnp.zeros(()))


class Packed(toys.Discriminator):
    """PacGAN's: images share a logit in twos."""

    @nn.compact
    def __call__(self, images, condition=None, *, train=False):
        return nn.Dense(1, name="logit")(images.reshape(len(images) // 2, -1))[:, 0]


def test_images_may_share_a_logit():
    gan = replace(toys.make(), discriminator=Packed(), penalty=penalties.r1(1.0))
    traced(gan, init(gan, jax.random.key(0), toys.batch()), toys.batch())


def test_metrics_are_of_float32_whatever_a_loss_computes_in(begun):
    low = losses.AdversarialLoss(*(lambda r, f: jnp.mean(f - r).astype(jnp.bfloat16) for _ in range(2)))
    _, metrics = traced(replace(begun[0], loss=low), *begun[1:])
    assert {metric.dtype for metric in metrics.values()} == {np.dtype(np.float32)}


def test_averages_beside_have_names():
    with pytest.raises(TypeError, match=r'by name, such as \{"slow": averaging.ema'):
        toys.make(more_averages=[averaging.ema(0.9)])


@pytest.mark.parametrize("key", [None, 1.5, [0, 1], 3])
def test_what_is_no_key_is_named(key):
    with pytest.raises(TypeError, match=r"key: expected a key, such as jax.random.key\("):
        init(toys.make(), key, toys.batch())


def test_an_untyped_key_is_a_key():
    gan = toys.make()
    old, new = (init(gan, make(3), toys.batch()) for make in (jax.random.PRNGKey, jax.random.key))
    assert old.key.dtype == new.key.dtype
    jax.tree.map(np.testing.assert_array_equal, old.average, new.average)


@pytest.mark.parametrize("augment", [diffaugment.colour, diffaugment.translation, diffaugment.cutout])
def test_augmentations_that_paint_refuse_bytes(augment):
    with pytest.raises(TypeError, match=r"images are floats in .* not uint8; see gan_jax.images.to_float"):
        augment(jax.random.key(0), toys.batch().images)


@pytest.mark.parametrize("augment", [ada.ada, ada.full, ada.tint, ada.cut, ada.warp, ada.tune, ada.grain])
def test_adas_refuse_bytes(augment):
    with pytest.raises(TypeError, match=r"images are floats in .* not uint8"):
        augment(jax.random.key(0), toys.batch().images, 0.5)


def test_an_augmentation_that_was_not_made_is_named(begun):
    with pytest.raises(TypeError, match="diff_augment makes an augmentation of policies"):
        traced(replace(begun[0], augment=diffaugment.diff_augment), *begun[1:])


def test_a_penalty_on_one_in_none_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="on one in 1 or more images, not in 0"):
        penalties.lazy(penalties.r1(1.0), 0)
