"""Terms that look at the discriminator as a function of images, added to its loss.

Those that look at a network as a function of latents are in `latent_penalties`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.images import count
from gan_jax.network import wide
from gan_jax.pulls import Critic, one_each, pulled, slopes
from gan_jax.rules import Adaptive, combine
from gan_jax.types import Images, Logits, Metrics, PRNGKey, Scalar

Mean = Callable[[Logits], Scalar]
"""What is the batch's mean of some of its values: `jnp.mean`, or over devices `per_device.mean`."""

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


def r2(weight: float) -> Penalty:
    """The same on generated images: weight / 2 · E‖∇D(G(z))‖² (Mescheder et al. 2018, arXiv:1801.04406, eq. 10)."""

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del key, real
        return weight / 2 * jnp.mean(_squared_slope(critic, fake))

    return penalty


def r1_by_difference(weight: float, *, step: float = 0.01) -> Penalty:
    """R1 without a second backward pass: weight / 2 · E((D(x + step · e) - D(x)) / step)², e ~ N(0, 1) in each pixel.

    A slope in a random direction is ∇D · e, whose square is ‖∇D‖² on average, with a deviation of √2 times that in
    each image; a difference is a slope up to the curvature, in proportion to the `step`, which is in units of images in
    [-1, 1], and up to rounding, in inverse proportion: in bfloat16 that may be most of it. Hyun et al. 2026
    (arXiv:2509.24935), with a weight of 0.1 at every step.
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del fake
        return weight / 2 * _squared_difference(key, critic, real, step)

    return penalty


def r2_by_difference(weight: float, *, step: float = 0.01) -> Penalty:
    """The same on generated images."""

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del real
        return weight / 2 * _squared_difference(key, critic, fake, step)

    return penalty


def wgan_gp(weight: float, target: float = 1.0) -> Penalty:
    """Slopes of `target` between real and fake: weight · E(‖∇D(x̂)‖ - target)², x̂ = εx + (1 - ε)G(z), ε ~ U[0, 1).

    Gulrajani et al. 2017 (arXiv:1704.00028), eq. 3, with weight = 10. One ε for each image. Assumes that images do
    not interact inside the critic: no batch normalisation there.
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        return weight * jnp.mean(jnp.square(_slope(critic, _between(key, real, fake)) - target))

    return penalty


def wgan_lp(weight: float, target: float = 1.0) -> Penalty:
    """Slopes of at most `target` between real and fake: weight · E max(0, ‖∇D(x̂)‖ - target)².

    The one-sided `wgan_gp`: Petzka et al. 2018 (arXiv:1709.08894), who show that the best critic may be flatter.
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        return weight * jnp.mean(jnp.square(jax.nn.relu(_slope(critic, _between(key, real, fake)) - target)))

    return penalty


def dragan(weight: float, *, deviation: float, target: float = 1.0) -> Penalty:
    """Slopes of `target` around real images: weight · E(‖∇D(x + δ)‖ - target)², δ ~ N(0, deviation²) in each pixel.

    Kodali et al. 2017 (arXiv:1705.07215), who write c = deviation² and use weight = 10. The deviation is in units of
    images in [-1, 1]. (The authors' published code draws δ as half the batch's deviation times U[0, 1) instead.)
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del fake
        return weight * jnp.mean(jnp.square(_slope(critic, _around(key, real, deviation)) - target))

    return penalty


def cr(weight: float, augment: Callable[[PRNGKey, Images], Images]) -> Penalty:
    """Consistency on real images: weight · E(D(x) - D(T(x)))² (Zhang et al. 2020, arXiv:1910.12027), weight = 10.

    T is `augment`, a function `(key, images) -> images` that keeps what the images show; the mean is over all logits.
    Conditions stay what they are: where they are images, T may change colours and not move pixels.
    Both terms move D. For augmentations of what D sees in its loss, that is another thing: pass them to the loss.
    """

    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del fake
        return weight * _inconsistency(critic, real, augment(key, real))

    return penalty


def bcr(real_weight: float, fake_weight: float, augment: Callable[[PRNGKey, Images], Images]) -> Penalty:
    """Balanced consistency: real_weight · E(D(x) - D(T(x)))² + fake_weight · E(D(G(z)) - D(T(G(z))))².

    Zhao et al. 2020 (arXiv:2002.04724), algorithm 1, with weights of 10 and 10. Real and generated images draw their
    augmentations independently.
    """

    def of_fake(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        del real
        return fake_weight * _inconsistency(critic, fake, augment(key, fake))

    return _sum(cr(real_weight, augment), of_fake)


def lecam(weight: float, *, decay: float = 0.99, start: int = 0, mean: Mean = jnp.mean) -> Adaptive:
    """Real logits not far above the fake ones' average α_F, fake ones not far below the real ones' α_R:

    weight · (E max(0, D(x) - α_F)² + E max(0, α_R - D(G(z)))²). Tseng et al. 2021 (arXiv:2104.03310), for training on
    few images, as both of their published trainers have it; the paper's eq. 3 is `lecam_two_sided`, which also pulls
    at logits on the wrong side, D(x) < α_F, and so helps D to tell the two apart, where it should be held.

    The averages, from 0, include this batch's mean logits, through which no gradient flows. Weights are 0.01 to 0.5 in
    the paper, 0.3 with BigGAN. Their BigGAN decays by 0.9 and has a `start` of 1000, the step from which on there is a
    penalty; their StyleGAN2 decays by 0.99 from the beginning, and corrects its averages for that. Remembers the two.
    """
    return _anchored(weight, decay, start, mean, jax.nn.relu)


def lecam_two_sided(weight: float, *, decay: float = 0.99, start: int = 0, mean: Mean = jnp.mean) -> Adaptive:
    """Real logits held at the fake ones' average, fake ones at the real ones'.

    weight · (E(D(x) - α_F)² + E(D(G(z)) - α_R)²). Tseng et al. 2021 (arXiv:2104.03310), eq. 3; else as `lecam`.
    """
    return _anchored(weight, decay, start, mean, lambda excess: excess)


def _anchored(weight: float, decay: float, start: int, mean: Mean, counted: Callable[[Logits], Logits]) -> Adaptive:
    """The mean square of what is `counted` of each side's distance from the other's average."""
    move = lambda anchor, logit: decay * anchor + (1 - decay) * logit

    def at(anchors: tuple[Scalar, Scalar], step: Scalar) -> Penalty:
        def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
            del key
            logits = critic(real), critic(fake)
            means = [jax.lax.stop_gradient(mean(wide(side))) for side in logits]
            of_real, of_fake = map(move, anchors, means)
            apart = _mean_square(counted(logits[0] - of_fake)) + _mean_square(counted(of_real - logits[1]))
            return jnp.where(step < start, 0, weight) * apart

        return penalty

    def learn(anchors: tuple[Scalar, Scalar], metrics: Metrics) -> tuple[Scalar, Scalar]:
        return move(anchors[0], metrics["d/real_logit"]), move(anchors[1], metrics["d/fake_logit"])

    return Adaptive((np.float32(0), np.float32(0)), at, learn)


def total(*penalties: Penalty | Adaptive) -> Penalty | Adaptive:
    """The sum of several penalties, each with a key of its own; it adapts if one of them does."""
    return combine(penalties, _sum)


def lazy(penalty: Penalty | Adaptive, every: int) -> Penalty | Adaptive:
    """The same penalty on one in `every` images of the batch: on average over steps the same, at a part of the cost.

    Karras et al. 2020 (arXiv:1912.04958, section 3.1) take a penalty every 16 steps, 16 times as strong. Here each step
    takes it, on a sixteenth of its batch: the same expected gradient for the same work, but all steps are alike, so
    that they are one program without a condition in it, and Adam sees no spikes to be corrected for. The gradient is
    the same where images do not interact in the critic: batch normalisation and the deviation of a group (StyleGAN2)
    see fewer images. Their own way is `rules.paused`. Raises ValueError where `every` is below 1, or does not divide
    the batch.
    """
    if every < 1:
        raise ValueError(f"lazy: a penalty is taken on one in 1 or more images, not in {every}")

    def thin(penalty: Penalty) -> Penalty:
        return lambda key, critic, real, fake: penalty(key, critic, _thinned(real, every), _thinned(fake, every))

    return combine((penalty,), thin)


def loss_and_critic(
    gan: Any, judge: Critic, real: tuple[Images, Logits], fake: tuple[Images, Logits]
) -> tuple[Scalar, Critic]:
    """The discriminator's loss of two batches, `(images, logits)`, and the critic that judged them, for its penalties.

    Both are `pulled` where there are penalties, the discriminator says `judges_alone`, and it has one logit an image.
    """
    loss, verdict = gan.loss.discriminator(real[1], fake[1]), gan.loss.verdict
    critic = lambda images: verdict(real[1]) if images is real[0] else judge(images)
    simple = verdict(real[1]) is real[1] and all(one_each(*batch) for batch in (real, fake))
    is_loss = jax.tree.map(jnp.shape, loss) == () and jnp.issubdtype(jnp.result_type(loss), jnp.floating)
    alone = getattr(gan.discriminator, "judges_alone", False)
    if not (alone and gan.penalty is not none and simple and is_loss):
        return loss, critic
    return pulled(gan.loss.discriminator, critic, real, fake)


def _squared_slope(critic: Critic, images: Images) -> Float[Array, " batch"]:
    """‖∂ critic / ∂ image‖² of each image, `[B]`, over all its leaves. Assumes that images do not interact in it."""
    squares = jax.tree.map(
        lambda leaf: jnp.sum(jnp.square(leaf), axis=tuple(range(1, leaf.ndim))), slopes(critic, images)
    )
    return jax.tree.reduce(jnp.add, squares)


def _slope(critic: Critic, images: Images) -> Float[Array, " batch"]:
    """‖∂ critic / ∂ image‖ of each image, `[B]`, with a gradient of zero where it is zero."""
    squared = _squared_slope(critic, images)
    # √ has an infinite slope at 0, and infinity times 0 is NaN: both branches of `where` must be finite.
    flat = squared == 0
    return jnp.where(flat, 0, jnp.sqrt(jnp.where(flat, 1, squared)))


def _squared_difference(key: PRNGKey, critic: Critic, images: Images, step: float) -> Scalar:
    there, here = (
        jnp.sum(wide(logits).reshape(count(images), -1), axis=1)
        for logits in (critic(_around(key, images, step)), critic(images))
    )
    return jnp.mean(jnp.square((there - here) / step))


def _sum(*penalties: Penalty) -> Penalty:
    def penalty(key: PRNGKey, critic: Critic, real: Images, fake: Images) -> Scalar:
        keys = jax.random.split(key, len(penalties))
        return sum((term(k, critic, real, fake) for k, term in zip(keys, penalties, strict=True)), jnp.zeros(()))

    return penalty


def _thinned(images: Images, every: int) -> Images:
    known = count(images)
    if known % every != 0:
        raise ValueError(f"a penalty on one in {every} images needs a batch that {every} divides, not {known}")
    return jax.tree.map(lambda leaf: leaf[::every], images)


def _between(key: PRNGKey, real: Images, fake: Images) -> Images:
    share = jax.random.uniform(key, (count(real),), jax.tree.leaves(real)[0].dtype)
    beside = lambda leaf: share.reshape(-1, *(1,) * (leaf.ndim - 1)).astype(leaf.dtype)
    return jax.tree.map(lambda a, b: beside(a) * a + (1 - beside(a)) * b, real, fake)


def _around(key: PRNGKey, images: Images, deviation: float) -> Images:
    """Images and noise, drawn for all leaves at once: what is one array is given what it would be in several."""
    leaves, structure = jax.tree.flatten(images)
    ends = np.cumsum([leaf[0].size for leaf in leaves])
    noise = jax.random.normal(key, (count(images), ends[-1]), jnp.result_type(*leaves))
    own = jnp.split(noise, ends[:-1], axis=1)
    moved = [leaf + (deviation * n.reshape(leaf.shape)).astype(leaf.dtype) for leaf, n in zip(leaves, own, strict=True)]
    return jax.tree.unflatten(structure, moved)


def _inconsistency(critic: Critic, images: Images, augmented: Images) -> Scalar:
    return _mean_square(critic(images) - critic(augmented))


def _mean_square(logits: Logits) -> Scalar:
    return jnp.mean(jnp.square(wide(logits)))
