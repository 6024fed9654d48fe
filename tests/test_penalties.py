"""Penalties against critics whose slope is known."""

import math
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax import losses, penalties, pulls

KEY = jax.random.key(0)
DIRECTION = jax.random.normal(jax.random.key(1), (4, 4, 2))


def images(seed, shape=(3, 4, 4, 2)):
    return jax.random.normal(jax.random.key(seed), shape)


def linear(slope):
    """A critic whose gradient has the norm `slope`, everywhere."""
    a = slope * DIRECTION / jnp.linalg.norm(DIRECTION)
    return lambda x: jnp.einsum("bhwc,hwc->b", x, a)


def darken(key, x):
    return x * jax.random.uniform(key, (len(x), 1, 1, 1))


ANCHORS = (jnp.float32(0.5), jnp.float32(-0.5))
EVERY = {
    "r1": penalties.r1(10.0),
    "r2": penalties.r2(10.0),
    "r1_by_difference": penalties.r1_by_difference(10.0),
    "r2_by_difference": penalties.r2_by_difference(10.0),
    "wgan_gp": penalties.wgan_gp(10.0),
    "wgan_lp": penalties.wgan_lp(10.0, 0.5),
    "dragan": penalties.dragan(10.0, deviation=0.2),
    "cr": penalties.cr(10.0, darken),
    "bcr": penalties.bcr(10.0, 5.0, darken),
    "lazy": penalties.lazy(penalties.r1(10.0), 3),
    # A decay of 1: through a batch's share of the averages no gradient flows, where finite differences see one.
    "lecam": penalties.lecam(0.3, decay=1.0).at(ANCHORS, jnp.int32(0)),
    "lecam_two_sided": penalties.lecam_two_sided(0.3, decay=1.0).at(ANCHORS, jnp.int32(0)),
    "total": penalties.total(penalties.r1(1.0), penalties.r2(2.0)),
}
every = pytest.mark.parametrize("name", EVERY)


@every
def test_gradient_with_respect_to_the_critic_is_that_of_finite_differences(name):
    @jax.jit
    def value(weights):
        first, second = weights
        critic = lambda x: jnp.tanh(x.reshape(len(x), -1) @ first) @ second
        return EVERY[name](KEY, critic, images(2), images(3))

    first, second = jax.random.normal(jax.random.key(4), (32, 5)) / 4, jax.random.normal(jax.random.key(5), (5,))
    with jax.enable_x64(True):
        weights = jnp.asarray(first, jnp.float64), jnp.asarray(second, jnp.float64)
        assert value(weights) > 0
        check_grads(value, (weights,), order=1, modes=["rev"], rtol=1e-3)


@every
def test_a_flat_critic_has_finite_penalties_and_gradients(name):
    penalty = lambda w: EVERY[name](KEY, lambda x: w * jnp.sum(x**2, axis=(1, 2, 3)), images(2), images(3))
    value, slope = jax.jit(jax.value_and_grad(penalty))(0.0)
    assert np.isfinite(value)
    assert np.isfinite(slope)


@every
def test_a_critic_that_is_not_a_number_is_not_hidden(name):
    critic = lambda x: jnp.nan * jnp.sum(x**2, axis=(1, 2, 3))
    assert np.isnan(EVERY[name](KEY, critic, images(2), images(3)))


@every
def test_logits_of_one_column_are_logits_and_jit_changes_nothing(name):
    critic = lambda x: jnp.sum(x**2, axis=(1, 2, 3))
    column = lambda x: critic(x)[:, None]
    value = EVERY[name](KEY, critic, images(2), images(3))
    assert value.shape == ()
    compiled = jax.jit(lambda real, fake: EVERY[name](KEY, column, real, fake))
    np.testing.assert_allclose(compiled(images(2), images(3)), value, rtol=1e-5)


def test_r1_of_a_linear_critic_is_half_the_squared_norm_of_its_weights():
    value = penalties.r1(10.0)(KEY, linear(3.0), images(2), images(3))
    np.testing.assert_allclose(value, 5.0 * 3.0**2, rtol=1e-5)


@pytest.mark.parametrize(("penalty", "seed"), [(penalties.r1(1.0), 2), (penalties.r2(1.0), 3)])
def test_r1_and_r2_of_a_quadratic_critic_are_taken_image_by_image(penalty, seed):
    root = jax.random.normal(jax.random.key(1), (32, 32))
    matrix = root + root.T
    critic = lambda x: 0.5 * jnp.einsum("bi,ij,bj->b", x.reshape(3, 32), matrix, x.reshape(3, 32))
    expected = 0.5 * jnp.mean(jnp.sum((images(seed).reshape(3, 32) @ matrix) ** 2, axis=1))
    np.testing.assert_allclose(penalty(KEY, critic, images(2), images(3)), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["r1", "r2"])
def test_a_difference_is_the_slope_in_a_random_direction(name):
    exact, by_difference = getattr(penalties, name)(10.0), getattr(penalties, f"{name}_by_difference")(10.0)
    real, fake = images(2, (512, 4, 4, 2)), 0.3 * images(3, (512, 4, 4, 2))  # the cosine is larger there
    curved = lambda x: jnp.sum(jnp.sin(x), axis=(1, 2, 3))
    found = jnp.mean(jnp.array([by_difference(key, curved, real, fake) for key in jax.random.split(KEY, 8)]))
    np.testing.assert_allclose(found, exact(KEY, curved, real, fake), rtol=0.1)  # 4,096 squares of a normal number
    assert abs(float(exact(KEY, curved, real, fake) / exact(KEY, curved, fake, real)) - 1) > 0.3


def test_slopes_of_patches_are_those_of_their_sum():
    patches = lambda x: jnp.sum(x**2, axis=-1)  # [3, 4, 4]
    whole = lambda x: jnp.sum(patches(x), axis=(1, 2))
    arguments = (images(2), images(3))
    np.testing.assert_allclose(EVERY["r1"](KEY, patches, *arguments), EVERY["r1"](KEY, whole, *arguments), rtol=1e-6)


def test_r1_looks_at_real_images_only_and_r2_at_generated_ones():
    critic = lambda x: jnp.sum(x**2, axis=(1, 2, 3))
    value = lambda penalty, real, fake: float(penalty(KEY, critic, images(real), images(fake)))
    assert value(penalties.r1(1.0), 2, 3) == value(penalties.r1(1.0), 2, 4) == value(penalties.r2(1.0), 4, 2)


@pytest.mark.parametrize("slope", [0.25, 1.0, 3.0])
def test_lipschitz_penalties_of_a_linear_critic_know_its_slope(slope):
    value = lambda penalty: penalty(KEY, linear(slope), images(2), images(3))
    np.testing.assert_allclose(value(penalties.wgan_gp(10.0)), 10 * (slope - 1) ** 2, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(value(penalties.wgan_gp(10.0, slope)), 0, atol=1e-5)
    np.testing.assert_allclose(value(penalties.wgan_lp(10.0)), 10 * max(0, slope - 1) ** 2, rtol=1e-4, atol=1e-5)
    dragan = penalties.dragan(10.0, deviation=0.5, target=2.0)
    np.testing.assert_allclose(value(dragan), 10 * (slope - 2) ** 2, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("penalty", [penalties.wgan_gp, penalties.wgan_lp])
def test_lipschitz_penalties_look_between_real_and_fake_at_one_point_of_each_line(penalty):
    squares = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # its slope is the image
    real, fake = jnp.full((4096, 2, 2, 1), 0.5), jnp.zeros((4096, 2, 2, 1))  # of norm 1 and 0: the slope is ε
    moments = {penalties.wgan_gp: 1 / 12, penalties.wgan_lp: 1 / 24}  # of ε - 1/2, and of its positive part
    np.testing.assert_allclose(penalty(1.0, 0.5)(KEY, squares, real, fake), moments[penalty], rtol=0.05)


def test_dragan_looks_around_real_images_as_far_as_its_deviation():
    shape = (64, 8, 8, 2)
    squares = lambda x: jnp.sum(x**2, axis=(1, 2, 3)) / 2  # its slope is the image
    value = penalties.dragan(1.0, deviation=0.3, target=0.0)(KEY, squares, jnp.zeros(shape), images(3, shape))
    np.testing.assert_allclose(value, 0.3**2 * 128, rtol=0.05)


def test_consistency_is_zero_for_a_critic_that_does_not_see_the_augmentation():
    blind = lambda x: x[:, 0, 0, 0] / (x[:, 0, 0, 1] + 3)
    flip = lambda key, x: x[:, ::-1, ::-1]
    keep = lambda key, x: x
    for penalty in (penalties.cr, lambda weight, augment: penalties.bcr(weight, weight, augment)):
        assert penalty(10.0, keep)(KEY, blind, images(2), images(3)) == 0
        assert penalty(10.0, flip)(KEY, blind, images(2), images(3)) > 0


def test_consistency_is_the_mean_squared_difference_and_balanced_that_of_both():
    add = lambda key, x: x + 1
    critic = lambda x: x[..., 0]  # [3, 4, 4] patches, each 1 higher
    np.testing.assert_allclose(penalties.cr(7.0, add)(KEY, critic, images(2), images(3)), 7.0, rtol=1e-5)
    np.testing.assert_allclose(penalties.bcr(7.0, 2.0, add)(KEY, critic, images(2), images(3)), 9.0, rtol=1e-5)
    real_only = penalties.bcr(7.0, 0.0, lambda key, x: 2 * x)(KEY, critic, images(2), images(3))
    np.testing.assert_allclose(real_only, 7 * jnp.mean(images(2)[..., 0] ** 2), rtol=1e-5)


def test_total_adds_up_and_none_adds_nothing():
    critic = lambda x: jnp.sum(x**2, axis=(1, 2, 3))
    arguments = (KEY, critic, images(2), images(3))
    both = penalties.total(penalties.r1(1.0), penalties.none, penalties.r1(2.0))
    np.testing.assert_allclose(both(*arguments), penalties.r1(3.0)(*arguments), rtol=1e-6)


def lecam_of(rule, anchors, real, fake, step=0):
    """The penalty of a batch whose real logits, and whose fake ones, are all the same."""
    critic = lambda x: jnp.mean(x, axis=(1, 2, 3))
    return rule.at(anchors, jnp.int32(step))(KEY, critic, jnp.full((3, 4, 4, 2), real), jnp.full((3, 4, 4, 2), fake))


@pytest.mark.parametrize("lecam", [penalties.lecam, penalties.lecam_two_sided])
def test_lecam_holds_each_side_near_where_the_other_is(lecam):
    rule = lecam(2.0, decay=0.9)
    anchors = rule.learn(rule.start, {"d/real_logit": jnp.float32(3.0), "d/fake_logit": jnp.float32(-1.0)})
    np.testing.assert_allclose(anchors, (0.3, -0.1), rtol=1e-6)
    of_real, of_fake = 0.9 * 0.3 + 0.1 * 1.0, -0.9 * 0.1 - 0.1 * 2.0
    found = lecam_of(rule, anchors, 1.0, -2.0)
    np.testing.assert_allclose(found, 2 * ((1 - of_fake) ** 2 + (of_real + 2) ** 2), rtol=1e-5)


def test_only_two_sided_lecam_pulls_apart_what_is_beyond_the_other_side():
    anchors = (jnp.float32(1.0), jnp.float32(-1.0))
    assert lecam_of(penalties.lecam(1.0, decay=1.0), anchors, -3.0, 3.0) == 0
    np.testing.assert_allclose(lecam_of(penalties.lecam_two_sided(1.0, decay=1.0), anchors, -3.0, 3.0), 8, rtol=1e-6)


def test_no_gradient_flows_through_lecams_averages_and_it_may_start_late():
    rule = penalties.lecam(1.0, decay=0.5, start=10)
    anchors = (jnp.float32(0.0), jnp.float32(0.0))
    slope = jax.grad(lambda real: lecam_of(rule, anchors, real, 0.0, step=10))(1.0)
    np.testing.assert_allclose(slope, 2.0, rtol=1e-6)  # of (D(x) - 0)² alone, not of (1/2 D(x) - 0)², the fake side's
    assert lecam_of(rule, anchors, 1.0, 0.0, step=9) == 0
    np.testing.assert_allclose(lecam_of(rule, anchors, 1.0, 0.0, step=10), 1 + 0.5**2, rtol=1e-6)


def test_a_lazy_penalty_is_on_average_the_whole_one():
    """Over the n ways to begin, the parts of a batch are the batch."""
    critic = lambda x: jnp.sum(x**3, axis=(1, 2, 3))
    real, fake = images(2, (6, 4, 4, 2)), images(3, (6, 4, 4, 2))
    whole = penalties.r1(10.0)(KEY, critic, real, fake)
    lazy = penalties.lazy(penalties.r1(10.0), 3)
    parts = [lazy(KEY, critic, jnp.roll(real, -i, axis=0), fake) for i in range(3)]
    np.testing.assert_allclose(np.mean(parts), whole, rtol=1e-5)
    with pytest.raises(ValueError, match="one in 4 images needs a batch that 4 divides, not 6"):
        penalties.lazy(penalties.r1(10.0), 4)(KEY, critic, real, fake)


def network(weights):
    """A critic whose images do not interact, and that is curved everywhere."""
    first, last = weights
    return lambda x: jnp.tanh(x.reshape(len(x), -1) @ first) @ last


BOTH = penalties.total(penalties.r1(3.0), penalties.r2(5.0))
PULLS = {
    "relativistic": (losses.relativistic, 1.0),
    "satisfied hinge": (losses.hinge, 1e3),  # many slopes are zero
    "saturated": (losses.non_saturating, 1e4),  # and here they are smaller than float32 has numbers
    "no game": (losses.none, 1.0),  # all are zero, as a compiler knows
}


def objective(loss, real, fake, share, scale=1.0):
    """Loss and penalties as a function of a network's weights, slopes in one pass or each in its own."""

    def of(weights):
        critic = network(weights)
        value = loss(critic(real), critic(fake))
        if share:
            value, critic = pulls.pulled(loss, critic, (real, critic(real)), (fake, critic(fake)))
        return value + BOTH(KEY, critic, real, fake) / scale**2

    return of


def must_agree(gradient, expected):
    for leaf, true in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(leaf, true, rtol=1e-4, atol=1e-5 * jnp.max(jnp.abs(true)))


@pytest.mark.parametrize("name", PULLS)
def test_slopes_out_of_the_losss_own_pass_are_those_of_a_pass_of_their_own(name):
    loss, scale = PULLS[name]
    # Real images on one side and generated ones on the other, but for the last pair: the critic is right about most.
    weights = jax.random.normal(jax.random.key(4), (32, 6)) / 6, scale * jnp.abs(jax.random.normal(KEY, (6,)))
    sides = jnp.array([1.0, 1.0, 1.0, 1.0, 1.0, -0.2])
    aside = jnp.einsum("b,hwc->bhwc", sides, weights[0].sum(1).reshape(4, 4, 2))
    real, fake = images(5, (6, 4, 4, 2)) + aside, images(6, (6, 4, 4, 2)) - aside

    slopes = jax.grad(loss.discriminator, (0, 1))(network(weights)(real), network(weights)(fake))
    assert (np.min(np.abs(slopes)) < pulls.LEAST) == (name != "relativistic")
    of = lambda share: jax.jit(jax.value_and_grad(objective(loss.discriminator, real, fake, share, scale)))(weights)
    (value, gradient), (expected, right) = of(True), of(False)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    must_agree(gradient, right)


def test_an_update_through_pulled_slopes_may_be_differentiated_in_turn():
    """As unrolled games are: the loss's slopes move with the logits."""
    real, fake = images(5), images(6)
    weights = jax.random.normal(jax.random.key(4), (32, 6)) / 6, jnp.ones(6)

    def after_an_update(weights, share):
        slopes = jax.grad(objective(losses.relativistic.discriminator, real, fake, share))(weights)
        moved = jax.tree.map(lambda w, slope: w - 0.1 * slope, weights, slopes)
        return losses.hinge.generator(network(moved)(real), network(moved)(fake))

    slopes, expected = (jax.jit(jax.grad(after_an_update), static_argnums=1)(weights, share) for share in (True, False))
    must_agree(slopes, expected)


def test_a_pulled_loss_is_the_loss_also_where_it_is_not_finite():
    x = images(2)
    for logits in (jnp.array([1.0, -jnp.inf, 2.0]), jnp.array([1.0, jnp.nan, 2.0])):
        value, _ = pulls.pulled(losses.hinge.discriminator, network, (x, logits), (x, jnp.zeros(3)))
        np.testing.assert_array_equal(value, losses.hinge.discriminator(logits, jnp.zeros(3)))


def test_packed_logits_cannot_be_pulled():
    x = images(2)
    with pytest.raises(ValueError, match=r"expected logits \[B\], one for each image"):
        pulls.pulled(losses.hinge.discriminator, network, (x, jnp.zeros(1)), (x, jnp.zeros(1)))


def test_a_pulled_critic_is_the_critic_elsewhere():
    """At images between, around or in thinned batches, and in what looks at logits."""
    real, fake = images(2), images(3)
    critic = network((jax.random.normal(KEY, (32, 6)) / 6, jnp.ones(6)))
    _, pulled = pulls.pulled(losses.hinge.discriminator, critic, (real, critic(real)), (fake, critic(fake)))
    for name in EVERY:
        np.testing.assert_allclose(
            EVERY[name](KEY, pulled, real, fake), EVERY[name](KEY, critic, real, fake), rtol=1e-5, err_msg=name
        )


@pytest.mark.parametrize(
    ("changes", "shape"),
    [
        ({}, (6, 1)),
        ({}, (6, 2, 2)),
        ({}, (3,)),  # of pairs of images
        ({"penalty": penalties.none}, (6,)),
        ({"discriminator": SimpleNamespace()}, (6,)),
        ({"loss": losses.AdversarialLoss(lambda r, f: r - f, losses.hinge.generator)}, (6,)),
        ({"loss": losses.AdversarialLoss(lambda r, f: jnp.sum(r > f), losses.hinge.generator)}, (6,)),
    ],
)
def test_what_cannot_be_pulled_is_judged_as_ever(changes, shape):
    rules = {"loss": losses.hinge, "penalty": BOTH, "discriminator": SimpleNamespace(judges_alone=True)}
    real, fake = images(2, (6, 4, 4, 2)), images(3, (6, 4, 4, 2))
    logits = jnp.arange(math.prod(shape)).reshape(shape) / 9
    judge = lambda gan: penalties.loss_and_critic(gan, network, (real, logits), (fake, -logits))
    assert isinstance(judge(SimpleNamespace(**rules))[1], pulls.Pulled) == (shape == (6,))
    gan = SimpleNamespace(**rules | changes)
    loss, critic = judge(gan)
    assert not isinstance(critic, pulls.Pulled)
    assert critic(real) is logits
    np.testing.assert_array_equal(loss, gan.loss.discriminator(logits, -logits))
