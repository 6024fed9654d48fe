"""Adversarial losses: pairs of functions of the logits of real and of generated images.

The last few make another loss of one: of more that a discriminator says, or with more that a player is to do.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import logsumexp, relu, softplus

from gan_jax.network import wide
from gan_jax.types import Logits, Said, Scalar

LogitLoss = Callable[[Said, Said], Scalar]


def _all_of_it(logits: Logits) -> Logits:
    return logits


class AdversarialLoss(NamedTuple):
    """What each player minimises.

    Both are functions `(real_logits, fake_logits) -> scalar`, always in this order. Logits are unbounded,
    float, of any shape whose first axis is the batch; `real_logits[i]` and `fake_logits[i]` share a condition.

    Those of this module mean over every logit, those of patches too. They compute in float32 whatever the logits
    are (in float64, if those are), and raise ValueError if the two shapes differ: `[B, 1]` beside `[B]` would pair
    every real image with every fake one. What is no array, but a pytree of several, is TypeError but for `each`, `part`
    and what is made of these.
    """

    discriminator: LogitLoss
    generator: LogitLoss
    verdict: Callable[[Said], Logits] = _all_of_it
    """What of the discriminator's answer says real or fake: penalties, and rules that adapt, look at this alone."""


def _no_game(real_logits: Logits, fake_logits: Logits) -> Scalar:
    del real_logits, fake_logits
    return jnp.zeros(())


none = AdversarialLoss(_no_game, _no_game)
"""No game: zero for both. What supervision alone makes of a generator is what a GAN is to be compared with."""


def _game(discriminator: LogitLoss, generator: LogitLoss) -> AdversarialLoss:
    return AdversarialLoss(_guarded(discriminator), _guarded(generator))


def _guarded(loss: LogitLoss) -> LogitLoss:
    @wraps(loss)
    def guarded(real_logits: Logits, fake_logits: Logits) -> Scalar:
        for logits in (real_logits, fake_logits):
            if not jax.tree_util.all_leaves([logits]):
                raise TypeError(
                    f"logits are one array [B, ...], not a {type(logits).__name__}; for a discriminator that says more "
                    "than one thing make the loss by losses.each, for scales, or by losses.part"
                )
        if not (jnp.ndim(real_logits) and jnp.ndim(fake_logits)):
            raise ValueError("logits are [B, ...], one or more for each image, not a single number")
        if jnp.shape(real_logits) != jnp.shape(fake_logits):
            shapes = f"{list(jnp.shape(real_logits))} for real and {list(jnp.shape(fake_logits))} for fake images"
            raise ValueError(f"logits of one shape are paired, not {shapes}; reshape them alike")
        return loss(wide(real_logits), wide(fake_logits))

    return guarded


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


def _minus_fake(real_logits: Logits, fake_logits: Logits) -> Scalar:
    del real_logits
    return -jnp.mean(fake_logits)


def _margins(real_logits: Logits, fake_logits: Logits) -> Scalar:
    return jnp.mean(relu(1 - real_logits)) + jnp.mean(relu(1 + fake_logits))


def _minus_gap(real_logits: Logits, fake_logits: Logits) -> Scalar:
    return jnp.mean(fake_logits) - jnp.mean(real_logits)


def _squares(real_logits: Logits, fake_logits: Logits) -> Scalar:
    return jnp.mean(jnp.square(real_logits - 1)) / 2 + jnp.mean(jnp.square(fake_logits)) / 2


def _square_to_one(real_logits: Logits, fake_logits: Logits) -> Scalar:
    del real_logits
    return jnp.mean(jnp.square(fake_logits - 1)) / 2


def _real_above_fake(real_logits: Logits, fake_logits: Logits) -> Scalar:
    return jnp.mean(softplus(fake_logits - real_logits))


def _real_above_average_fake(real_logits: Logits, fake_logits: Logits) -> Scalar:
    return _cross_entropy(real_logits - jnp.mean(fake_logits), fake_logits - jnp.mean(real_logits))


def _swapped(loss: LogitLoss) -> LogitLoss:
    return lambda real_logits, fake_logits: loss(fake_logits, real_logits)


minimax = _game(_cross_entropy, _log_of_being_caught)
"""The two-player game itself: L_D = -E log D(x) - E log(1 - D(G(z))), and L_G = E log(1 - D(G(z))).

Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1, with D = sigmoid(logit). Where D wins, L_G is flat.
"""

non_saturating = _game(_cross_entropy, _minus_log_of_passing)
"""The same L_D with L_G = -E log D(G(z)), whose gradient is strong where D wins.

Goodfellow et al. 2014 (arXiv:1406.2661), section 3, last paragraph.
"""

least_squares = _game(_squares, _square_to_one)
"""LSGAN: L_D = E(D(x) - b)² / 2 + E(D(G(z)) - a)² / 2 and L_G = E(D(G(z)) - c)² / 2 with a = 0, b = c = 1.

Mao et al. 2017 (arXiv:1611.04076), eq. 9; D is the logit itself. Real is 1 and fake 0, so that 1/2, not 0, is
undecided, and the generator is content at 1: logits above it are pulled down.
"""

hinge = _game(_margins, _minus_fake)
"""L_D = E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) and L_G = -E D(G(z)); D is the logit itself.

Lim & Ye 2017 (arXiv:1705.02894); Miyato et al. 2018 (arXiv:1802.05957) made it the companion of spectral norms.
"""

wasserstein = _game(_minus_gap, _minus_fake)
"""L_D = E D(G(z)) - E D(x) and L_G = -E D(G(z)): Arjovsky et al. 2017 (arXiv:1701.07875), algorithm 1.

It estimates a distance, and is bounded at all, only for a Lipschitz D: clip its weights (`clipping.clip_weights`),
penalise its slope (`penalties.wgan_gp`), or normalise it.
"""

relativistic = _game(_real_above_fake, _swapped(_real_above_fake))
"""Relativistic pairing, RpGAN: L_D = E softplus(-(D(x) - D(G(z)))) and L_G = E softplus(-(D(G(z)) - D(x))).

Jolicoeur-Martineau 2018 (arXiv:1807.00734); with R1 and R2 it is the loss of R3GAN (Huang et al. 2025,
arXiv:2501.05441). Real and fake logits are paired in their order, so that a pair shares its condition.
"""

relativistic_average = _game(_real_above_average_fake, _swapped(_real_above_average_fake))
"""Each side against the other's mean, RaSGAN: with r = D(x), f = D(G(z)),

L_D = E softplus(-(r - E f)) + E softplus(f - E r), and L_G = E softplus(-(f - E r)) + E softplus(r - E f).

Jolicoeur-Martineau 2018 (arXiv:1807.00734), the standard variant. Means run over the batch, whatever its conditions.
"""


def auxiliary(loss: AdversarialLoss, *, weight: float = 1.0) -> AdversarialLoss:
    """`loss` and, for both players, -weight · (E log P(c | x) + E log P(c | G(z, c))): that classes be recognised.

    For discriminators of logits `[B, 2]`, the second being log P(c | image) of the label that they were told
    (`models.acgan`). Odena et al. 2017 (arXiv:1610.09585), section 3: L_C, which both players maximise. Only the first
    logit is the verdict. Raises ValueError for logits of another shape.
    """

    def player(adversarial: LogitLoss) -> LogitLoss:
        def both(real_logits: Logits, fake_logits: Logits) -> Scalar:
            if real_logits.ndim != 2 or real_logits.shape[1] != 2:
                raise ValueError(f"an auxiliary classifier's logits are [B, 2], not {list(real_logits.shape)}")
            recognised = jnp.mean(real_logits[:, 1]) + jnp.mean(fake_logits[:, 1])
            return adversarial(real_logits[:, 0], fake_logits[:, 0]) - weight * recognised

        return both

    pair = _game(player(loss.discriminator), player(loss.generator))
    return pair._replace(verdict=lambda logits: logits[:, 0])


def smoothed(label: float = 0.9) -> AdversarialLoss:
    """`non_saturating` whose D is asked to say `label`, not 1, of a real image: one-sided label smoothing.

    L_D = -E[label · log D(x) + (1 - label) · log(1 - D(x))] - E log(1 - D(G(z))). Salimans et al. 2016
    (arXiv:1606.03498), section 3.4; the label of fakes stays 0, else D would reward them where data are thin. A
    label of 1 is `non_saturating`. Raises ValueError unless 0.5 < label <= 1.
    """
    if not 0.5 < label <= 1:
        raise ValueError(f"the smoothed label of real images is in (0.5, 1], not {label}")

    def discriminator(real_logits: Logits, fake_logits: Logits) -> Scalar:
        real = label * softplus(-real_logits) + (1 - label) * softplus(real_logits)
        return jnp.mean(real) + jnp.mean(softplus(fake_logits))

    return _game(discriminator, _minus_log_of_passing)


def each(loss: AdversarialLoss) -> AdversarialLoss:
    """The mean of `loss` over all logits that a discriminator says, a pytree of `[B, ...]`, such as one array a scale.

    Multi-scale discriminators: Wang et al. 2018 (arXiv:1711.11585), eq. 3, who sum. A mean is as large as one scale's
    loss, so that weights beside it, and learning rates, are those for one. The verdict is `[B, n]`, all logits of all
    scales side by side. Raises ValueError where real and fake images are judged at other scales.
    """

    def player(of_one: LogitLoss) -> LogitLoss:
        def of_all(real_logits: Said, fake_logits: Said) -> Scalar:
            return jnp.mean(jnp.stack(jax.tree.leaves(jax.tree.map(of_one, real_logits, fake_logits))))

        return of_all

    def verdict(logits: Said) -> Logits:
        verdicts = [loss.verdict(leaf) for leaf in jax.tree.leaves(logits)]
        return jnp.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in verdicts], axis=1)

    return AdversarialLoss(player(loss.discriminator), player(loss.generator), verdict)


def part(loss: AdversarialLoss, select: Callable[[Said], Said]) -> AdversarialLoss:
    """`loss` of one part of what a discriminator says, such as `select = lambda said: said.logits`.

    The verdict is that part's: penalties do not look at the rest.
    """

    def player(of_part: LogitLoss) -> LogitLoss:
        return lambda real, fake: of_part(select(real), select(fake))

    return AdversarialLoss(player(loss.discriminator), player(loss.generator), lambda said: loss.verdict(select(said)))


def feature_matching(loss: AdversarialLoss, features: Callable[[Said], Any], *, weight: float = 1.0) -> AdversarialLoss:
    """`loss` and, for the generator, weight · Σ ‖E f(x) - E f(G(z))‖²: that features of the two be alike on average.

    Salimans et al. 2016 (arXiv:1606.03498), section 3.1, where f is an intermediate layer of D. `features` selects the
    maps from what the discriminator says, one array or a pytree, over which they are summed; E is the batch's mean,
    and the squares are summed over all else. In the paper this is the generator's whole objective: `loss` is then one
    whose generator's is zero.
    """

    def generator(real: Said, fake: Said) -> Scalar:
        apart = jax.tree.map(_between_means, wide(features(real)), wide(features(fake)))
        return loss.generator(real, fake) + weight * jax.tree.reduce(jnp.add, apart)

    return loss._replace(generator=generator)


def few_labels(loss: AdversarialLoss) -> AdversarialLoss:
    """The discriminator classifies by few labels, and plays `loss` beside; the generator matches its features.

    For discriminators that say class logits l `[B, K]`, features, and the log likelihood of labels `[B]` that they were
    told (`models.fmgan`). What is of a class is real: D = Z / (Z + 1) with Z = Σ exp l, so that the verdict is log Z.
    L_D = -E log P(y | x) + what the game's is of that, and L_G = Σ ‖E f(x) - E f(G(z))‖² alone: Salimans et al. 2016
    (arXiv:1606.03498), sections 5 and 3.1, with `non_saturating`, whose L_D is L_unsupervised there. With `none` the
    discriminator learns of labelled images alone: the baseline.
    """
    game = part(loss, lambda said: logsumexp(said.logits, axis=-1))
    matched = feature_matching(none, lambda said: said.features)

    def discriminator(real: Said, fake: Said) -> Scalar:
        return game.discriminator(real, fake) - jnp.mean(wide(real.likelihood))

    return AdversarialLoss(discriminator, matched.generator, game.verdict)


def taught(loss: AdversarialLoss, *, weight: float = 1.0) -> AdversarialLoss:
    """`loss` and, for the discriminator alone, weight · E d(x): that it say of real images what a teacher says of them.

    For discriminators that say logits and a distance d `[B]` to the teacher, such as `models.gat` with one: Hyun et al.
    2026 (arXiv:2509.24935), whose weight is 1. Of generated images distances do not count. The verdict is `loss`'s.
    """
    game = part(loss, lambda said: said.logits)

    def discriminator(real: Said, fake: Said) -> Scalar:
        return game.discriminator(real, fake) + weight * jnp.mean(wide(real.distance))

    return game._replace(discriminator=discriminator)


def _between_means(real: Logits, fake: Logits) -> Scalar:
    return jnp.sum(jnp.square(jnp.mean(real, axis=0) - jnp.mean(fake, axis=0)))
