"""Terms that look at the discriminator as a function of images, added to its loss."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.types import Images, Logits, PRNGKey, Scalar

Critic = Callable[[Images], Logits]
Penalty = Callable[[PRNGKey, Critic, Images, Images], Scalar]
"""`(key, critic, real, fake) -> scalar`; the key is consumed."""


def none(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
    """No penalty: zero."""
    del key, critic, real, fake
    return jnp.zeros(())


def r1(weight: float) -> Penalty:
    """Zero-centred penalty on real images: weight / 2 · E‖∇D(x)‖² (Mescheder et al. 2018, arXiv:1801.04406, eq. 9).

    The squared norm is a sum over pixels, the mean is over images.
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del key, fake
        return weight / 2 * jnp.mean(_squared_slope(critic, real))

    return penalty


def total(*penalties: Penalty) -> Penalty:
    """The sum of several penalties, each with a key of its own."""

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        keys = jax.random.split(key, len(penalties))
        return sum((term(k, critic, real, fake) for k, term in zip(keys, penalties, strict=True)), jnp.zeros(()))

    return penalty


def _squared_slope(critic: Critic, images: Images) -> jax.Array:
    """‖∂ critic / ∂ image‖² of each image, `[B]`. Assumes that images do not interact inside `critic`."""
    gradient = jax.grad(lambda batch: jnp.sum(critic(batch)))(images)
    return jnp.sum(jnp.square(gradient), axis=tuple(range(1, gradient.ndim)))
