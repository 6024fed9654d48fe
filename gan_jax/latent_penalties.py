"""Terms that look at a network as a function of latents: smoothness of the generator, and of what is said of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.network import wide
from gan_jax.rules import Adaptive, combine
from gan_jax.types import Latents, Metrics, PRNGKey, Scalar

Function = Callable[[Latents, Any], Any]
"""`(latents, marks) -> outputs [B, ...]`: the generator, or the discriminator's logits of what the generator draws.

`marks` are added to what the generator marks as its inner latent (Flax's `Module.perturb`), {} if it marks nothing.
"""

Term = Callable[[PRNGKey, Function, Latents, Any], tuple[Scalar, Metrics]]
"""`(key, function, latents, marks of zeros) -> (scalar, what a person may want to see)`; the key is consumed."""


class LatentPenalty(NamedTuple):
    """What is added to the loss of each player; gradients move that player alone."""

    discriminator: Term  # of its logits as a function of latents
    generator: Term  # of its images


def _nothing(key: PRNGKey, function: Function, latents: Latents, marks: Any) -> tuple[Scalar, Metrics]:
    del key, function, latents, marks
    return jnp.zeros(()), {}


none = LatentPenalty(_nothing, _nothing)
"""No penalty: zero."""


def zcr(discriminator_weight: float, generator_weight: float, *, deviation: float) -> LatentPenalty:
    """Latent consistency: near latents are judged alike, but shall not look alike.

    D: discriminator_weight · E(D(G(z)) - D(G(z + δ)))², G: -generator_weight · E(G(z) - G(z + δ))², δ normal with that
    deviation. Zhao et al. 2020 (arXiv:2002.04724), section 3.2 and algorithm 2. Means are over logits and over pixels.
    With `penalties.bcr` it is their improved consistency (ICR).
    """

    def term(weight: float) -> Term:
        def moved(key: PRNGKey, function: Function, latents: Latents, marks: Any) -> tuple[Scalar, Metrics]:
            near = latents + deviation * jax.random.normal(key, latents.shape, latents.dtype)
            apart = function(latents, marks) - function(near, marks)
            return weight * jnp.mean(jnp.square(wide(apart))), {}

        return moved

    return LatentPenalty(term(discriminator_weight), term(-generator_weight))


def path_length(weight: float, *, decay: float = 0.99, mean: Callable[[Any], Scalar] = jnp.mean) -> Adaptive:
    """Steps in the latent make steps of one length in the image: weight · E(‖Jᵀy‖ - a)², for the generator.

    Karras et al. 2020 (arXiv:1912.04958), eq. 4: J is the Jacobian of the image with respect to the inner latent, y has
    independent N(0, 1 / (H · W)) entries, a is the moving average of E‖Jᵀy‖, from 0. As in the authors' code a includes
    this batch's lengths, and the gradient flows through their share of it, 1 - decay. The inner latent is what the
    generator marks (StyleGAN2 its styles), else the latent itself. The metric g/path_length is E‖Jᵀy‖, by the batch's
    `mean` (see `penalties.Mean`). Takes a double backward pass through the generator: see `lazy`. Remembers a.
    """
    move = lambda target, length: decay * target + (1 - decay) * length

    def at(target: Scalar, step: Scalar) -> LatentPenalty:
        del step

        def stretch(key: PRNGKey, generator: Function, latents: Latents, marks: Any) -> tuple[Scalar, Metrics]:
            lengths = _lengths(key, generator, latents, marks)
            expected = mean(lengths)
            return weight * jnp.mean(jnp.square(lengths - move(target, expected))), {"g/path_length": expected}

        return LatentPenalty(_nothing, stretch)

    return Adaptive(np.float32(0), at, lambda target, metrics: move(target, metrics["g/path_length"]))


def total(*penalties: LatentPenalty | Adaptive) -> LatentPenalty | Adaptive:
    """The sum of several, each with a key of its own; it adapts if one of them does.

    Raises ValueError, when called, where two would show the same metric: each learns from its own.
    """
    players = lambda terms: zip(*terms, strict=True)
    return combine(penalties, lambda *terms: LatentPenalty(*(_sum(of_one) for of_one in players(terms))))


def lazy(penalty: LatentPenalty | Adaptive, every: int) -> LatentPenalty | Adaptive:
    """The same on one in `every` latents of the batch, as `penalties.lazy` does on images, and with its limits.

    Raises ValueError where `every` does not divide the batch.
    """

    def thin(term: Term) -> Term:
        def thinned(key: PRNGKey, function: Function, latents: Latents, marks: Any) -> tuple[Scalar, Metrics]:
            count = latents.shape[0]
            if every < 1 or count % every != 0:
                raise ValueError(f"a penalty on one in {every} latents needs a batch that {every} divides, not {count}")
            return term(key, function, latents[::every], jax.tree.map(lambda mark: mark[::every], marks))

        return thinned

    return combine((penalty,), lambda penalty: LatentPenalty(*map(thin, penalty)))


def _sum(terms: tuple[Term, ...]) -> Term:
    def added(key: PRNGKey, function: Function, latents: Latents, marks: Any) -> tuple[Scalar, Metrics]:
        whole, seen = jnp.zeros(()), dict[str, Scalar]()
        for k, term in zip(jax.random.split(key, len(terms)), terms, strict=True):
            value, shown = term(k, function, latents, marks)
            if twice := seen.keys() & shown.keys():
                raise ValueError(f"two penalties of a sum both show {', '.join(twice)}; keep one of them")
            whole, seen = whole + value, seen | shown
        return whole, seen

    return added


def _lengths(key: PRNGKey, generator: Function, latents: Latents, marks: Any) -> Any:
    """‖Jᵀy‖ of each image, `[B]`, with a gradient of zero where it is zero."""

    def projected(latents: Latents, marks: Any) -> Scalar:
        images = generator(latents, marks)
        noise = jax.random.normal(key, images.shape, images.dtype)
        return jnp.sum(images * noise) / jnp.sqrt(images.shape[1] * images.shape[2])

    slopes = jax.grad(projected, argnums=1 if marks else 0)(latents, marks)
    squares = [jnp.sum(jnp.square(s.reshape(s.shape[0], -1)), axis=1) for s in jax.tree.leaves(slopes)]
    squared = sum(squares[1:], squares[0])
    flat = squared == 0
    return jnp.where(flat, 0, jnp.sqrt(jnp.where(flat, 1, squared)))
