"""The classifier by few labels: what its discriminator says, and what the two learn by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax import losses
from gan_jax.models import fmgan

IMAGES = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32)
OTHERS = -IMAGES
LABELS = jnp.array([2, 0, 1, 1])
JUDGE = fmgan.Discriminator(3, 8)


@pytest.fixture(scope="module")
def variables():
    return JUDGE.init(jax.random.key(0), IMAGES, (OTHERS, LABELS))


def test_likelihoods_are_of_the_labelled_images_and_all_else_is_of_the_others(variables):
    said = JUDGE.apply(variables, IMAGES, (OTHERS, LABELS))
    theirs = jax.nn.log_softmax(JUDGE.apply(variables, OTHERS).logits)
    np.testing.assert_allclose(said.likelihood, theirs[np.arange(4), LABELS], rtol=1e-5)
    alone = JUDGE.apply(variables, IMAGES)
    np.testing.assert_array_equal(said.logits, alone.logits)
    np.testing.assert_array_equal(said.features, alone.features)
    assert alone.likelihood.tolist() == [0, 0, 0, 0]
    assert (alone.logits.shape, alone.features.shape) == ((4, 3), (4, 2))


def test_noise_is_drawn_in_training_alone_for_every_image_of_its_own(variables):
    same = np.repeat(IMAGES[:1], 4, axis=0)
    rngs = {"params": jax.random.key(1)}
    said = JUDGE.apply(variables, same, (same, jnp.zeros(4, int)), train=True, rngs=rngs)
    for found in (said.logits[:, 0], said.likelihood):
        assert len(np.unique(found)) == 4
    assert len(np.unique(JUDGE.apply(variables, same).logits[:, 0])) == 1


def test_layers_have_the_published_widths():
    generator, judge = (
        jax.eval_shape(lambda m=module, x=inputs: m.init(jax.random.key(0), x))["params"]
        for module, inputs in ((fmgan.Generator(28), jnp.ones((2, 100))), (fmgan.Discriminator(10), jnp.ones((2, 784))))
    )
    of = lambda params: [params[name]["kernel"].shape for name in sorted(params) if "kernel" in params[name]]
    assert sorted(of(generator)) == [(100, 500), (500, 500), (500, 784)]
    wanted = [(784, 1000), (1000, 500), (500, 250), (250, 250), (250, 250), (250, 10)]
    assert sorted(of(judge["classifier"])) == sorted(wanted)


def answers(seed, scale=1.0):
    draw = np.random.default_rng(seed)
    values = [draw.normal(size=size) * scale for size in ((4, 3), (4, 5), 4)]
    logits, features, likelihood = (jnp.asarray(value, jnp.float32) for value in values)
    return fmgan.Answer(logits, features, -jnp.abs(likelihood))


@pytest.mark.parametrize("game", [losses.non_saturating, losses.hinge])
def test_what_is_of_a_class_is_real_and_labels_are_learnt_of_real_images_alone(game):
    """Salimans et al. 2016, section 5: D = Z / (Z + 1), with Z the sum of exponentials."""
    real, fake = answers(0), answers(1)
    loss = losses.few_labels(game)
    verdicts = [jnp.log(jnp.sum(jnp.exp(said.logits), axis=1)) for said in (real, fake)]
    found = loss.discriminator(real, fake)
    np.testing.assert_allclose(found, game.discriminator(*verdicts) - jnp.mean(real.likelihood), rtol=1e-5)
    np.testing.assert_allclose(loss.verdict(real), verdicts[0], rtol=1e-5)
    if game is losses.non_saturating:
        p_real, p_fake = (jnp.exp(v) / (jnp.exp(v) + 1) for v in verdicts)
        terms = -jnp.mean(jnp.log(p_real)) - jnp.mean(jnp.log(1 - p_fake)) - jnp.mean(real.likelihood)
        np.testing.assert_allclose(found, terms, rtol=1e-5)


def test_the_generator_matches_features_and_nothing_else():
    real, fake = answers(0), answers(1)
    apart = np.sum(np.square(np.mean(real.features, 0) - np.mean(fake.features, 0)))
    np.testing.assert_allclose(losses.few_labels(losses.hinge).generator(real, fake), apart, rtol=1e-5)


def test_without_a_game_the_classifier_learns_of_labelled_images_alone():
    real, fake = answers(0), answers(1)
    slope = jax.grad(lambda *both: losses.few_labels(losses.none).discriminator(*both), (0, 1))(real, fake)
    np.testing.assert_allclose(slope[0].likelihood, -np.ones(4) / 4)
    assert not any(np.any(leaf) for leaf in (*slope[0][:2], *slope[1]))


def test_the_gradient_is_that_of_finite_differences():
    loss = losses.few_labels(losses.non_saturating)
    for player in (loss.discriminator, loss.generator):
        check_grads(player, (answers(0), answers(1)), order=1, modes=["rev"], rtol=1e-2)


def test_large_logits_give_finite_losses():
    real, fake = answers(0, 1e4), answers(1, 1e4)
    assert np.isfinite(losses.few_labels(losses.non_saturating).discriminator(real, fake))
