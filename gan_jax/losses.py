"""Adversarial losses: pairs of functions of the logits of real and of generated images."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import softplus

from gan_jax.types import Logits, Scalar


class AdversarialLoss(NamedTuple):
    """What each player minimises.

    Both are functions `(real_logits, fake_logits) -> scalar`, always in this order. Logits are unbounded,
    float, of any shape whose first axis is the batch; `real_logits[i]` and `fake_logits[i]` share a condition.
    """

    discriminator: Callable[[Logits, Logits], Scalar]
    generator: Callable[[Logits, Logits], Scalar]


def _cross_entropy(real_logits: Logits, fake_logits: Logits) -> Scalar:
    # -log sigmoid(r) = softplus(-r) and -log(1 - sigmoid(f)) = softplus(f): finite at any logit, where the
    # logarithm of a probability would overflow.
    return jnp.mean(softplus(-real_logits)) + jnp.mean(softplus(fake_logits))


def _log_of_being_caught(real_logits: Logits, fake_logits: Logits) -> Scalar:
    del real_logits
    return -jnp.mean(softplus(fake_logits))


def _minus_log_of_passing(real_logits: Logits, fake_logits: Logits) -> Scalar:
    del real_logits
    return jnp.mean(softplus(-fake_logits))


minimax = AdversarialLoss(discriminator=_cross_entropy, generator=_log_of_being_caught)
"""The two-player game itself: L_D = -E log D(x) - E log(1 - D(G(z))), and L_G = E log(1 - D(G(z))).

Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1, with D = sigmoid(logit). Where D wins, L_G is flat.
"""

non_saturating = AdversarialLoss(discriminator=_cross_entropy, generator=_minus_log_of_passing)
"""The same L_D with L_G = -E log D(G(z)), whose gradient is strong where D wins.

Goodfellow et al. 2014 (arXiv:1406.2661), section 3, last paragraph.
"""
