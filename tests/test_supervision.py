"""Terms of what was made beside what was given: values by hand, gradients, and what they are shown in a step."""

import dataclasses
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.test_util import check_grads

import toys
from gan_jax import Batch, init, sample_latents, supervision
from gan_jax.flops import count
from gan_jax.gan import update_generator
from gan_jax.network import forward
from gan_jax.tasks import reconstruction
from gan_jax.tasks.super_resolution import agreement

KEY = jax.random.key(0)
LATENTS = jax.random.normal(jax.random.key(1), (4, 3))
REAL = jax.random.uniform(jax.random.key(2), (4, 6, 6, 1), minval=-1, maxval=1)
GIVEN = jax.random.uniform(jax.random.key(3), (4, 3, 3, 1), minval=-1, maxval=1)
MADE = jax.random.uniform(jax.random.key(4), (4, 6, 6, 1), minval=-1, maxval=1)

smaller = lambda images: images[:, ::2, ::2]
pyramid = lambda images: {"large": 3 * images, "small": smaller(images)}
mean_distance = lambda a, b: np.mean(np.abs(np.asarray(a) - np.asarray(b)))


BATCH = Batch(REAL, GIVEN)


def of(term, made=MADE, batch=BATCH):
    return term(KEY, lambda latents, condition: made, LATENTS, batch)


TERMS = {
    "l1": (supervision.l1(2.0), "g/l1", mean_distance(MADE, REAL)),
    "perceptual": (
        supervision.perceptual(2.0, pyramid),
        "g/perceptual",
        3 * mean_distance(MADE, REAL) + mean_distance(smaller(MADE), smaller(REAL)),
    ),
    "cross_entropy": (
        supervision.cross_entropy(2.0),
        "g/cross_entropy",
        -np.mean(np.sum(np.asarray(REAL) * np.log(np.maximum(np.asarray(MADE), 1e-30)), axis=-1)),
    ),
    "consistent": (supervision.consistent(2.0, smaller), "g/inconsistency", mean_distance(smaller(MADE), GIVEN)),
}
every = pytest.mark.parametrize("name", TERMS)


@every
def test_value_is_that_by_hand_and_is_shown_without_its_weight(name):
    term, shown, expected = TERMS[name]
    value, seen = of(term)
    np.testing.assert_allclose(value, 2 * expected, rtol=1e-6)
    assert list(seen) == [shown]
    np.testing.assert_allclose(seen[shown], expected, rtol=1e-6)
    assert value.shape == seen[shown].shape == ()


@every
def test_gradient_is_that_of_finite_differences(name):
    with jax.enable_x64(True):
        made, batch = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (MADE, BATCH))
        value = lambda made: of(TERMS[name][0], made, batch)[0]
        check_grads(value, (made,), order=1, modes=["rev"], eps=1e-6, rtol=1e-4)


def two_translators(w, latents, pair):
    """F and G of `cycle`, of weights that all of them show."""
    return jnp.tanh(w[0] * pair[1] + w[1]), jnp.sin(w[2] * pair[0] - w[1])


def one_translator(w, latents, condition):
    """An image, and patches, of norm 1, of what it was given."""
    patches = condition.reshape(4, -1, 3)[:, :5] * w[0] + jnp.sin(w[1] * jnp.arange(3.0))[None, None]
    patches = patches / jnp.linalg.norm(patches, axis=-1, keepdims=True)
    return jnp.tanh(w[2] * condition + w[1] * condition**2), {"one": patches, "other": jnp.roll(patches, 1, axis=2)}


def a_code(w, latents, condition):
    """An image, and what its code tells in nats."""
    return jnp.tanh(w[0] * condition + w[1]), jnp.mean((w[2] * condition) ** 2, axis=(1, 2, 3))


OF_WEIGHTS = {
    "cycle": (supervision.cycle(2.0), two_translators, Batch((REAL, MADE), (REAL, MADE))),
    "identity": (supervision.identity(2.0), two_translators, Batch((REAL, MADE), (REAL, MADE))),
    "contrast": (supervision.contrast(2.0, 0.5), one_translator, Batch((REAL, ()), MADE)),
    "contrast_of_real": (supervision.contrast_of_real(2.0, 0.5), one_translator, Batch((REAL, ()), MADE)),
    "agreement": (agreement(2.0, 2), lambda w, latents, given: jnp.tanh(w[0] * REAL + w[1] + w[2]), BATCH),
    "reconstruction.l1": (reconstruction.l1(2.0), a_code, Batch((REAL, jnp.zeros(4)), MADE)),
    "reconstruction.kl": (reconstruction.kl(2.0), a_code, Batch((REAL, jnp.zeros(4)), MADE)),
}


@pytest.mark.parametrize("name", OF_WEIGHTS)
def test_gradient_by_the_weights_of_what_draws_is_that_of_finite_differences(name):
    """A contrast's wanted patches stay those of the weights at which it is taken: no gradient is taken of them."""
    term, draw, batch = OF_WEIGHTS[name]
    with jax.enable_x64(True):
        batch, at = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (batch, jnp.array([0.7, 0.3, 1.1])))
        given = batch.images[0] if name == "contrast_of_real" else batch.condition
        value = lambda draw: term(KEY, draw, LATENTS, batch)[0]

        def moved(w):
            def drawn(latents, condition):
                made = draw(w, latents, condition)
                stays = name.startswith("contrast") and condition is given
                return (made[0], draw(at, latents, given)[1]) if stays else made

            return value(drawn)

        slope = jax.grad(lambda w: value(partial(draw, w)))(at)
        differences = [(moved(at + step) - moved(at - step)) / 2e-6 for step in 1e-6 * jnp.eye(3)]
    np.testing.assert_allclose(slope, differences, rtol=1e-5, atol=1e-8)
    assert np.any(np.abs(slope) > 1e-3)


def test_the_gradient_of_l1_is_a_sign_for_each_pixel():
    slope = jax.grad(lambda made: of(supervision.l1(5.0), made)[0])(MADE)
    np.testing.assert_allclose(slope, 5 * jnp.sign(MADE - REAL) / MADE.size, rtol=1e-6)


@every
def test_images_in_bfloat16_are_compared_in_float32(name):
    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), (MADE, BATCH))
    value, _ = of(TERMS[name][0], *low)
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, 2 * TERMS[name][2], rtol=0.02)


def test_images_that_are_pytrees_are_summed_over_leaves():
    made, batch = (MADE, {"mask": GIVEN}), Batch((REAL, {"mask": jnp.zeros_like(GIVEN)}))
    expected = mean_distance(MADE, REAL) + np.mean(np.abs(GIVEN))
    np.testing.assert_allclose(of(supervision.l1(1.0), made, batch)[0], expected, rtol=1e-6)


def test_a_cycle_goes_there_and_back_and_what_is_there_stays():
    """With F(b) = b / 2 and G(a) = 3a: F(G(a)) is 3/2 a, G(F(b)) is 3/2 b, F(a) is a / 2 and G(b) is 3b."""
    draw = lambda latents, pair: (pair[1] / 2, 3 * pair[0])
    a, b = REAL, MADE
    cycle, seen = supervision.cycle(10.0)(KEY, draw, LATENTS, Batch((a, b), (a, b)))
    np.testing.assert_allclose(seen["g/cycle"], 0.5 * np.mean(np.abs(a)) + 0.5 * np.mean(np.abs(b)), rtol=1e-6)
    np.testing.assert_allclose(cycle, 10 * seen["g/cycle"], rtol=1e-6)
    identity, seen = supervision.identity(5.0)(KEY, draw, LATENTS, Batch((a, b), (a, b)))
    np.testing.assert_allclose(seen["g/identity"], 0.5 * np.mean(np.abs(a)) + 2 * np.mean(np.abs(b)), rtol=1e-6)
    np.testing.assert_allclose(identity, 5 * seen["g/identity"], rtol=1e-6)


def test_total_adds_up_shows_all_and_gives_each_term_a_key_of_its_own():
    drawn = []

    def spy(key, draw, latents, batch):
        drawn.append(jax.random.uniform(key))
        return jnp.float32(0.5), {f"g/spy_{len(drawn)}": drawn[-1]}

    value, seen = of(supervision.total(supervision.l1(2.0), spy, spy, supervision.none))
    np.testing.assert_allclose(value, 2 * mean_distance(MADE, REAL) + 1, rtol=1e-6)
    assert list(seen) == ["g/l1", "g/spy_1", "g/spy_2"]
    assert drawn[0] != drawn[1]
    assert of(supervision.total()) == of(supervision.none) == (0, {})


def test_shapes_that_only_broadcasting_would_compare_are_refused():
    with pytest.raises(ValueError, match=r"one shape, not \[4, 3, 3, 1\] and \[4, 3, 3, 3\]"):
        of(supervision.consistent(1.0, smaller), batch=Batch(REAL, jnp.zeros((4, 3, 3, 3))))


class Noisy(nn.Module):
    """A generator that drops, and keeps statistics."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train=False):
        x = nn.Dense(16, name="pixels")(latents)
        x = nn.BatchNorm(use_running_average=not train, name="norm")(x)
        return nn.tanh(nn.Dropout(0.5, deterministic=not train, name="drop")(x)).reshape(len(x), 4, 4, 1)


def test_a_term_draws_the_images_of_the_game_and_moves_no_statistics_of_its_own():
    """The game's images are those of the pass that its keys and latents make, dropout and all."""
    gan = dataclasses.replace(toys.make(optimizer=optax.sgd(0.0)), generator=Noisy())
    seen = {}

    def spy(key, draw, latents, batch):
        seen["images"], seen["again"] = draw(latents, batch.condition), draw(latents, batch.condition)
        seen["other"] = draw(-latents, batch.condition)
        return jnp.zeros(()), {}

    batch = toys.batch()
    state = init(gan, jax.random.key(0), batch)
    latent_key, generator_key, *_ = jax.random.split(KEY, 7)
    latents = sample_latents(gan, latent_key, 8)
    images, stats = forward(gan.generator, state.generator.weights, generator_key, latents, None)
    spied = dataclasses.replace(gan, supervise=spy, differentiate=lambda objective: lambda *at: (objective(*at), at[0]))
    moved, _ = update_generator(spied, state, batch, KEY)
    np.testing.assert_allclose(seen["images"], images, atol=1e-6)
    np.testing.assert_array_equal(seen["images"], seen["again"])
    assert not np.allclose(seen["other"], images, atol=1e-3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), moved.generator.weights.stats, stats)


def test_supervision_moves_the_generator_beside_the_game_and_is_none_of_its_loss():
    batch = toys.batch()
    plain, aided = toys.make(), toys.make(supervise=supervision.l1(10.0))
    state = init(plain, jax.random.key(0), batch)
    update = jax.jit(update_generator, static_argnums=0)
    (alone, before), (beside, after) = (update(gan, state, batch, KEY) for gan in (plain, aided))
    np.testing.assert_allclose(after["g/loss"], before["g/loss"], rtol=1e-6)
    assert 0 < after["g/l1"] < 2
    assert after.keys() - before.keys() == {"g/l1"}
    pixels = lambda state: state.generator.weights.params["pixels"]["bias"]
    assert not np.allclose(pixels(alone), pixels(beside), atol=1e-4)


def test_what_the_game_has_drawn_is_not_drawn_again():
    """Its own pass forward and backward would be a third of the step."""
    plain, batch = toys.make(), toys.batch()
    state = init(plain, KEY, batch)

    def work(term):
        gan = dataclasses.replace(plain, supervise=term)
        return count(lambda state, batch: update_generator(gan, state, batch, KEY), state, batch)

    assert work(supervision.l1(1.0)) == work(supervision.none)


TEMPERATURE = 0.5


def unit(key, *shape):
    vectors = jax.random.normal(key, shape)
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)


FOUND, WANTED = unit(jax.random.key(5), 2, 4, 3), unit(jax.random.key(6), 2, 4, 3)


def test_patches_that_are_told_apart_cost_nothing_and_others_what_guessing_does():
    """Of P orthonormal patches log(1 + (P - 1) exp(-1 / τ)): nearly 0 where τ is small; of P that are alike log P."""
    apart, alike = jnp.eye(4)[None], jnp.ones((1, 4, 4)) / 2
    for temperature, expected in ((0.5, np.log(1 + 3 * np.exp(-2))), (0.02, 0.0)):
        np.testing.assert_allclose(supervision.patch_nce(apart, apart, temperature), expected, atol=1e-6)
    np.testing.assert_allclose(supervision.patch_nce(alike, alike, 0.07), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(supervision.patch_nce(apart[:, ::-1], apart, 0.07), 1 / 0.07, rtol=1e-5)


def test_patches_are_told_apart_within_an_image_by_what_is_wanted_there():
    """By loops, and by finite differences; of what is wanted no gradient is taken."""
    each = []
    for found, wanted in zip(np.asarray(FOUND), np.asarray(WANTED), strict=True):
        products = np.exp(found @ wanted.T / TEMPERATURE)
        each += [-np.log(products[i, i] / products[i].sum()) for i in range(4)]
    np.testing.assert_allclose(supervision.patch_nce(FOUND, WANTED, TEMPERATURE), np.mean(each), rtol=1e-5)
    with jax.enable_x64(True):
        found, wanted = (jnp.asarray(leaf, jnp.float64) for leaf in (FOUND, WANTED))
        value = lambda found: supervision.patch_nce(found, wanted, TEMPERATURE)
        check_grads(value, (found,), order=1, modes=["rev"], eps=1e-6, rtol=1e-4)
    assert not jnp.any(jax.grad(supervision.patch_nce, argnums=1)(FOUND, WANTED, TEMPERATURE))
    low = supervision.patch_nce(FOUND.astype(jnp.bfloat16), WANTED.astype(jnp.bfloat16), TEMPERATURE)
    assert low.dtype == jnp.float32


def test_what_is_made_is_contrasted_with_what_was_given_and_what_is_real_with_what_is_made_of_it():
    """G(x) = x / 2; patches are three pixels of the condition, as they are, of two layers."""

    def draw(latents, condition):
        some = condition.reshape(4, -1, 3)[:, :5]
        return condition / 2, {"pixels": some, "tripled": 3 * some}

    nce = lambda x: (
        supervision.patch_nce(x / 2, x, TEMPERATURE) / 2 + supervision.patch_nce(1.5 * x, 3 * x, TEMPERATURE) / 2
    )
    batch = Batch((REAL, ()), MADE)
    for term, name, given in (
        (supervision.contrast, "g/contrast", MADE),
        (supervision.contrast_of_real, "g/contrast_of_real", REAL),
    ):
        value, seen = term(2.0, TEMPERATURE)(KEY, draw, LATENTS, batch)
        expected = nce(given.reshape(4, -1, 3)[:, :5])
        np.testing.assert_allclose(seen[name], expected, rtol=1e-5)
        np.testing.assert_allclose(value, 2 * expected, rtol=1e-5)
