"""Every adversarial loss: closed forms, shapes, extremes, and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from gan_jax import losses

sigmoid = lambda x: 1 / (1 + np.exp(-x))

CLOSED_FORMS = {
    "minimax": (
        losses.minimax,
        lambda r, f: -np.mean(np.log(sigmoid(r))) - np.mean(np.log(1 - sigmoid(f))),
        lambda r, f: np.mean(np.log(1 - sigmoid(f))),
    ),
    "non_saturating": (
        losses.non_saturating,
        lambda r, f: -np.mean(np.log(sigmoid(r))) - np.mean(np.log(1 - sigmoid(f))),
        lambda r, f: -np.mean(np.log(sigmoid(f))),
    ),
}
REAL, FAKE = np.array([2.0, -1.0, 0.5, 3.0]), np.array([-2.0, 0.25, 1.0, -0.5])

family = pytest.mark.parametrize("name", CLOSED_FORMS)


@family
@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 2, 2)])
def test_value_is_the_closed_form_for_any_shape_of_logits(name, shape):
    loss, discriminator, generator = CLOSED_FORMS[name]
    real, fake = jnp.array(REAL).reshape(shape), jnp.array(FAKE).reshape(shape)
    np.testing.assert_allclose(loss.discriminator(real, fake), discriminator(REAL, FAKE), rtol=1e-5)
    np.testing.assert_allclose(loss.generator(real, fake), generator(REAL, FAKE), rtol=1e-5)
    np.testing.assert_allclose(jax.jit(loss.discriminator)(real, fake), loss.discriminator(real, fake), rtol=1e-6)


@family
def test_gradient_is_that_of_finite_differences(name):
    loss, *_ = CLOSED_FORMS[name]
    for player in loss:
        check_grads(player, (jnp.array(REAL), jnp.array(FAKE)), order=1, modes=["rev"], rtol=1e-2)


@family
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_large_logits_give_finite_values_and_gradients(name, size, dtype):
    loss, *_ = CLOSED_FORMS[name]
    logits = jnp.full(4, size, dtype)
    for player in loss:
        value, slopes = jax.value_and_grad(player, (0, 1))(logits, -logits)
        assert np.isfinite(value)
        assert all(np.all(np.isfinite(slope)) for slope in slopes)


def test_where_the_discriminator_wins_only_the_non_saturating_generator_learns():
    certain = jnp.full(4, -20.0)
    slope = lambda loss: float(jnp.abs(jax.grad(loss.generator, 1)(certain, certain)).sum())
    assert slope(losses.minimax) < 1e-6
    assert slope(losses.non_saturating) > 0.9


@family
def test_both_generators_want_higher_fake_logits(name):
    loss, *_ = CLOSED_FORMS[name]
    assert np.all(jax.grad(loss.generator, 1)(jnp.array(REAL), jnp.array(FAKE)) < 0)
