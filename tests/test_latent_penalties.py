"""Penalties of latents against functions whose slope is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax import latent_penalties

KEY = jax.random.key(0)
LATENTS = jax.random.normal(jax.random.key(1), (6, 5))
MATRIX = jax.random.normal(jax.random.key(2), (5, 4 * 4 * 2)) / 3


def linear(latents, marks):
    """G(z) = Az, drawn as a 4x4 image of two channels."""
    return (latents @ MATRIX).reshape(-1, 4, 4, 2)


def isometric(scale):
    """A generator that stretches every direction alike: lengths of Jᵀy are those of y's first five entries."""
    embed = scale * jnp.eye(5, 32)
    return lambda latents, marks: (latents @ embed).reshape(-1, 4, 4, 2)


def value(penalty, player, function, latents=LATENTS, marks=None):
    return getattr(penalty, player)(KEY, function, latents, marks or {})


def now(rule, memory=None):
    return rule.at(rule.start if memory is None else memory, jnp.int32(0))


def test_consistency_of_a_linear_function_is_its_stretch_of_the_noise():
    """E (a·δ)² = σ² |a|² for each output."""
    latents = jnp.zeros((20_000, 5))
    penalty = latent_penalties.zcr(3.0, 0.5, deviation=0.1)
    expected = 0.01 * jnp.mean(jnp.sum(MATRIX**2, axis=0))
    np.testing.assert_allclose(value(penalty, "discriminator", linear, latents)[0], 3 * expected, rtol=0.03)
    np.testing.assert_allclose(value(penalty, "generator", linear, latents)[0], -0.5 * expected, rtol=0.03)


def test_path_lengths_are_those_of_the_transposed_jacobian():
    rule = latent_penalties.path_length(2.0, decay=0.75)
    found, seen = value(now(rule, jnp.float32(0.3)), "generator", linear)
    noise = jax.random.normal(KEY, (6, 4, 4, 2)).reshape(6, -1) / 4
    lengths = jnp.linalg.norm(noise @ MATRIX.T, axis=1)
    np.testing.assert_allclose(seen["g/path_length"], lengths.mean(), rtol=1e-5)
    target = 0.75 * 0.3 + 0.25 * lengths.mean()
    np.testing.assert_allclose(found, 2 * jnp.mean((lengths - target) ** 2), rtol=1e-5)


def test_the_gradient_flows_through_the_batchs_share_of_the_target():
    """At equal lengths l, with target t: of (l - (d·t + (1 - d)·l))² = d²·(l - t)² in l, not of (l - t')²."""
    rule = latent_penalties.path_length(1.0, decay=0.75)
    one = LATENTS[:1]
    length = value(now(rule), "generator", isometric(1.0), one)[1]["g/path_length"]
    found = jax.grad(lambda scale: value(now(rule, jnp.float32(0.3)), "generator", isometric(scale), one)[0])(1.0)
    np.testing.assert_allclose(found, 2 * 0.75**2 * (length - 0.3) * length, rtol=1e-5)


def test_path_lengths_grow_with_the_stretch_and_are_learned_as_a_moving_average():
    rule = latent_penalties.path_length(1.0, decay=0.75)
    lengths = [value(now(rule), "generator", isometric(scale))[1]["g/path_length"] for scale in (1.0, 3.0)]
    np.testing.assert_allclose(lengths[1], 3 * lengths[0], rtol=1e-5)
    np.testing.assert_allclose(rule.learn(jnp.float32(2.0), {"g/path_length": 4.0}), 2.5)


def test_path_lengths_are_taken_at_what_the_generator_marks():
    marked = lambda latents, marks: linear(7 * latents + marks["styles"], marks)
    rule = latent_penalties.path_length(1.0)
    found = value(now(rule), "generator", marked, marks={"styles": jnp.zeros_like(LATENTS)})
    np.testing.assert_allclose(found[0], value(now(rule), "generator", linear)[0], rtol=1e-5)


def test_two_penalties_that_would_learn_from_one_metric_are_refused():
    twice = latent_penalties.total(latent_penalties.path_length(2.0), latent_penalties.path_length(1.0))
    with pytest.raises(ValueError, match="both show g/path_length"):
        value(now(twice), "generator", linear)


def test_gradients_with_respect_to_the_function_are_those_of_finite_differences():
    penalty = latent_penalties.total(
        latent_penalties.path_length(2.0), latent_penalties.zcr(1.0, 1.0, deviation=0.1), latent_penalties.none
    )

    def of(player, weights):
        function = lambda latents, marks: jnp.tanh(latents @ weights).reshape(-1, 2, 2, 1)
        return value(now(penalty), player, function, LATENTS.astype(jnp.float64))[0]

    with jax.enable_x64(True):
        weights = jnp.asarray(MATRIX[:, :4], jnp.float64)
        for player in ("discriminator", "generator"):
            check_grads(lambda w, player=player: of(player, w), (weights,), order=1, modes=["rev"], rtol=1e-3)


def test_a_constant_generator_has_finite_gradients():
    rule = now(latent_penalties.path_length(1.0))
    found = jax.grad(lambda w: value(rule, "generator", lambda z, marks: linear(w * z, marks))[0])(0.0)
    assert np.isfinite(found)


def test_none_adds_nothing_and_calls_nobody():
    for player in ("discriminator", "generator"):
        assert value(latent_penalties.none, player, None) == (0.0, {})


def test_a_lazy_one_sees_a_part_of_the_batch():
    whole = latent_penalties.zcr(1.0, 1.0, deviation=0.1)
    marks = {"styles": jnp.zeros((6, 3))}
    seen = []
    spy = lambda latents, marks: seen.append((latents.shape, marks["styles"].shape)) or linear(latents, marks)
    value(latent_penalties.lazy(whole, 3), "discriminator", spy, marks=marks)
    assert set(seen) == {((2, 5), (2, 3))}
    with pytest.raises(ValueError, match="one in 4 latents needs a batch that 4 divides, not 6"):
        value(latent_penalties.lazy(whole, 4), "discriminator", linear)
