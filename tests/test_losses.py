"""Every adversarial loss under one contract: closed forms, shapes, dtypes, extremes, gradients, and who wants what."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax import losses

sigmoid = lambda x: 1 / (1 + np.exp(-x))
log_real = lambda x: np.mean(np.log(sigmoid(x)))
log_fake = lambda x: np.mean(np.log(1 - sigmoid(x)))
minus_fake = lambda r, f: -np.mean(f)

CLOSED_FORMS = {
    "minimax": (
        losses.minimax,
        lambda r, f: -log_real(r) - log_fake(f),
        lambda r, f: log_fake(f),
    ),
    "non_saturating": (
        losses.non_saturating,
        lambda r, f: -log_real(r) - log_fake(f),
        lambda r, f: -log_real(f),
    ),
    "smoothed": (
        losses.smoothed(0.8),
        lambda r, f: -0.8 * log_real(r) - 0.2 * log_fake(r) - log_fake(f),
        lambda r, f: -log_real(f),
    ),
    "least_squares": (
        losses.least_squares,
        lambda r, f: 0.5 * np.mean((r - 1) ** 2) + 0.5 * np.mean(f**2),
        lambda r, f: 0.5 * np.mean((f - 1) ** 2),
    ),
    "hinge": (
        losses.hinge,
        lambda r, f: -np.mean(np.minimum(0, r - 1)) - np.mean(np.minimum(0, -f - 1)),
        minus_fake,
    ),
    "wasserstein": (losses.wasserstein, lambda r, f: np.mean(f) - np.mean(r), minus_fake),
    "relativistic": (
        losses.relativistic,
        lambda r, f: -log_real(r - f),
        lambda r, f: -log_real(f - r),
    ),
    "relativistic_average": (
        losses.relativistic_average,
        lambda r, f: -log_real(r - np.mean(f)) - log_fake(f - np.mean(r)),
        lambda r, f: -log_real(f - np.mean(r)) - log_fake(r - np.mean(f)),
    ),
}
REAL = np.array([2.0, -1.0, 0.5, 3.0, -0.3, 1.5, 0.7, 0.1])
FAKE = np.array([-2.0, 0.25, 1.0, -0.5, 0.6, -1.7, 2.2, 0.0])
UNDECIDED = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.4, 0.1, 0.2, 0.3])
"""Between 0 and 1, where every discriminator of the family wants more distance."""

players = lambda loss: (loss.discriminator, loss.generator)
family = pytest.mark.parametrize("name", CLOSED_FORMS)


@family
@pytest.mark.parametrize("shape", [(8,), (8, 1), (2, 2, 2)])
def test_value_is_the_closed_form_for_any_shape_of_logits(name, shape):
    loss, *closed = CLOSED_FORMS[name]
    real, fake = jnp.array(REAL, jnp.float32).reshape(shape), jnp.array(FAKE, jnp.float32).reshape(shape)
    for player, form in zip(players(loss), closed, strict=True):
        value = player(real, fake)
        assert value.shape == ()
        np.testing.assert_allclose(value, form(REAL, FAKE), rtol=1e-5)
        np.testing.assert_allclose(jax.jit(player)(real, fake), value, rtol=1e-6)


@family
def test_gradient_is_that_of_finite_differences(name):
    for player in players(CLOSED_FORMS[name][0]):
        check_grads(player, (jnp.array(REAL), jnp.array(FAKE)), order=1, modes=["rev"], rtol=1e-2)


@family
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_large_logits_give_finite_values_and_gradients(name, size, dtype):
    logits = jnp.full(4, size, dtype)
    for player in players(CLOSED_FORMS[name][0]):
        value, slopes = jax.value_and_grad(player, (0, 1))(logits, -logits)
        assert np.isfinite(value)
        assert all(np.all(np.isfinite(slope)) for slope in slopes)


@family
def test_logits_of_low_precision_are_computed_in_float32(name):
    real, fake = (jnp.tile(jnp.array(x, jnp.bfloat16), 100) for x in (REAL, FAKE))
    for player in players(CLOSED_FORMS[name][0]):
        value = player(real, fake)
        assert value.dtype == jnp.float32
        np.testing.assert_allclose(value, player(real.astype(jnp.float32), fake.astype(jnp.float32)), rtol=1e-6)


@family
def test_logits_of_two_shapes_are_refused(name):
    for player in players(CLOSED_FORMS[name][0]):
        with pytest.raises(ValueError, match=r"\[8\] for real and \[8, 1\] for fake"):
            player(jnp.zeros(8), jnp.zeros((8, 1)))


@family
def test_the_generator_wants_higher_fake_logits(name):
    real, fake = map(jnp.array, UNDECIDED)
    assert np.all(jax.grad(CLOSED_FORMS[name][0].generator, 1)(real, fake) < 0)


@family
def test_the_discriminator_wants_a_wider_gap(name):
    real, fake = map(jnp.array, UNDECIDED)
    discriminator = CLOSED_FORMS[name][0].discriminator
    assert discriminator(real + 0.1, fake - 0.1) < discriminator(real, fake)


def test_where_the_discriminator_wins_only_the_non_saturating_generator_learns():
    certain = jnp.full(4, -20.0)
    slope = lambda loss: float(jnp.abs(jax.grad(loss.generator, 1)(certain, certain)).sum())
    assert slope(losses.minimax) < 1e-6
    assert slope(losses.non_saturating) > 0.9


@pytest.mark.parametrize("loss", [losses.relativistic, losses.relativistic_average])
def test_relativistic_losses_see_differences_only(loss):
    real, fake = jnp.array(REAL), jnp.array(FAKE)
    for player in players(loss):
        np.testing.assert_allclose(player(real + 5, fake + 5), player(real, fake), rtol=1e-4)


def test_relativistic_losses_pair_logits_in_their_order():
    real, fake = jnp.array(REAL), jnp.array(FAKE)
    paired, average = losses.relativistic.discriminator, losses.relativistic_average.discriminator
    assert abs(paired(real, fake[::-1]) - paired(real, fake)) > 1e-3
    np.testing.assert_allclose(average(real, fake[::-1]), average(real, fake), rtol=1e-6)


def test_a_smoothed_discriminator_is_content_at_its_label():
    slope = jax.grad(losses.smoothed(0.9).discriminator)
    content = jnp.full(4, np.log(0.9 / 0.1))
    np.testing.assert_allclose(slope(content, content), 0, atol=1e-6)
    assert np.all(slope(content + 1, content) > 0)
    whole = losses.smoothed(1.0).discriminator(jnp.array(REAL), jnp.array(FAKE))
    np.testing.assert_allclose(whole, losses.non_saturating.discriminator(jnp.array(REAL), jnp.array(FAKE)), rtol=1e-6)


@pytest.mark.parametrize("label", [0.5, 1.1, float("nan")])
def test_impossible_labels_are_refused(label):
    with pytest.raises(ValueError, match=r"in \(0.5, 1\]"):
        losses.smoothed(label)


SCALES = {"fine": (8, 2, 2), "coarse": (8,)}


def scales(seed):
    keys = jax.random.split(jax.random.key(seed), len(SCALES))
    return {name: jax.random.normal(key, shape) for key, (name, shape) in zip(keys, SCALES.items(), strict=True)}


@family
def test_each_is_the_mean_of_the_loss_over_the_scales(name):
    loss, real, fake = CLOSED_FORMS[name][0], scales(0), scales(1)
    for player, of_one in zip(players(losses.each(loss)), players(loss), strict=True):
        expected = (of_one(real["fine"], fake["fine"]) + of_one(real["coarse"], fake["coarse"])) / 2
        np.testing.assert_allclose(player(real, fake), expected, rtol=1e-6)


@family
def test_each_of_one_scale_is_the_loss_itself(name):
    loss, real, fake = CLOSED_FORMS[name][0], jnp.array(REAL), jnp.array(FAKE)
    for player, of_one in zip(players(losses.each(loss)), players(loss), strict=True):
        np.testing.assert_allclose(player((real,), (fake,)), of_one(real, fake), rtol=1e-6)


def test_the_verdict_over_scales_is_all_logits_of_an_image_side_by_side():
    said = scales(0)
    verdict = losses.each(losses.hinge).verdict(said)
    expected = np.concatenate([said["coarse"][:, None], said["fine"].reshape(8, 4)], axis=1)
    np.testing.assert_array_equal(verdict, expected)
    logits = jnp.stack([jnp.array(REAL), jnp.array(FAKE)], axis=1)
    within = losses.each(losses.auxiliary(losses.hinge)).verdict((logits, logits))
    np.testing.assert_array_equal(within, np.stack([REAL, REAL], axis=1).astype(np.float32))


def test_scales_that_differ_between_real_and_fake_are_refused():
    with pytest.raises(ValueError):
        losses.each(losses.hinge).generator(scales(0), {"fine": jnp.zeros((8, 2, 2))})


class Said(NamedTuple):
    logits: jnp.ndarray
    maps: tuple


def says(seed):
    keys = jax.random.split(jax.random.key(seed), 3)
    maps = jax.random.normal(keys[1], (8, 2, 2, 3)), jax.random.normal(keys[2], (8, 5))
    return Said(jax.random.normal(keys[0], (8,)), maps)


def test_a_loss_of_a_part_does_not_see_the_rest():
    loss, real, fake = losses.part(losses.relativistic, lambda said: said.logits), says(0), says(1)
    for player, of_part in zip(players(loss), players(losses.relativistic), strict=True):
        assert player(real, fake) == of_part(real.logits, fake.logits)
    np.testing.assert_array_equal(loss.verdict(real), real.logits)
    both = losses.part(losses.each(losses.hinge), lambda said: {"a": said.logits, "b": said.logits})
    assert both.verdict(real).shape == (8, 2)


def test_features_are_matched_by_the_generator_alone():
    """By hand: the squared distance of the means over the batch, summed over maps and their entries."""
    game = losses.part(losses.hinge, lambda said: said.logits)
    loss = losses.feature_matching(game, lambda said: said.maps, weight=0.5)
    real, fake = says(0), says(1)
    apart = 0.5 * sum(np.sum((np.mean(real.maps[i], 0) - np.mean(fake.maps[i], 0)) ** 2) for i in range(2))
    np.testing.assert_allclose(loss.generator(real, fake), game.generator(real, fake) + apart, rtol=1e-5)
    assert loss.discriminator(real, fake) == game.discriminator(real, fake)
    np.testing.assert_array_equal(loss.verdict(real), real.logits)
    mixed = fake._replace(maps=jax.tree.map(lambda leaf: leaf[::-1], real.maps))
    np.testing.assert_allclose(loss.generator(real, mixed), game.generator(real, mixed), rtol=1e-5)


def test_the_gradient_of_matching_is_that_of_its_closed_form():
    """By each image's features f of w·‖E r - E f‖²: -2w/B·(E r - E f). Maps in bfloat16 are summed in float32."""
    loss = losses.feature_matching(losses.none, lambda said: said, weight=3.0)
    real, fake = says(0).maps[1], says(1).maps[1]
    slope = jax.grad(loss.generator, 1)(real, fake)
    expected = -2 * 3 / 8 * (jnp.mean(real, axis=0) - jnp.mean(fake, axis=0))
    np.testing.assert_allclose(slope, jnp.broadcast_to(expected, (8, 5)), rtol=1e-5)
    assert loss.generator(real.astype(jnp.bfloat16), fake.astype(jnp.bfloat16)).dtype == jnp.float32


@family
def test_a_pytree_of_logits_is_refused_by_a_plain_loss(name):
    for player in players(CLOSED_FORMS[name][0]):
        with pytest.raises(TypeError, match=r"one array \[B, ...\], not a dict; .* by losses.each, for scales, or by"):
            player(scales(0), scales(1))
