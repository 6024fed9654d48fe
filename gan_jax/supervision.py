"""Terms that look at what the generator makes of what it was given, added to its loss beside the game's.

A term may look at the batch's own drawings: `draw(latents, batch.condition)`, of these very arrays, is what the game
has drawn, and costs nothing more. Or it may have others drawn, as a cycle does.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gan_jax.network import wide
from gan_jax.types import Batch, Condition, Images, Latents, Made, Metrics, PRNGKey, Scalar

Draw = Callable[[Latents, Condition], Made]
"""The generator at its present weights, in training mode; it draws the same at random each time."""

Patches = Float[Array, "batch patches features"]
"""What is known of some patches of each image: vectors of norm 1."""

Supervision = Callable[[PRNGKey, Draw, Latents, Batch], tuple[Scalar, Metrics]]
"""`(key, draw, latents, batch) -> (scalar, what a person may want to see)`; the key is consumed.

`batch` has the real images as floats, and what the generator is told of them; `latents` are the game's.
"""


def none(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
    """The game alone: zero."""
    del key, draw, latents, batch
    return jnp.zeros(()), {}


def l1(weight: float) -> Supervision:
    """weight · E|G(x) - y|, over all pixels, y being the real images (Isola et al. 2017, arXiv:1611.07004, eq. 3).

    Shown as "g/l1", without its weight.
    """
    return near("g/l1", weight, lambda images: images)


def perceptual(weight: float, features: Callable[[Images], Any]) -> Supervision:
    """The same of features: weight · Σ E|φ(G(x)) - φ(y)|, summed over the maps that `features` returns, a pytree.

    Johnson et al. 2016 (arXiv:1603.08155) compare squares; ESRGAN (Wang et al. 2018, arXiv:1809.00219, section 3.3)
    absolute values, of maps before their activation. Shown as "g/perceptual", without its weight.
    """
    return near("g/perceptual", weight, features)


def consistent(weight: float, look: Callable[[Made], Condition]) -> Supervision:
    """What was given can be found in what was made of it: weight · E|look(G(x)) - x|, such as x made small again.

    Shown as "g/inconsistency", without its weight.
    """

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        apart = _apart(look(draw(latents, batch.condition)), batch.condition)
        return weight * apart, {"g/inconsistency": apart}

    return term


def cross_entropy(weight: float) -> Supervision:
    """-weight · E Σ y log G(x), over the classes of the last axis: y are shares, as a rule one-hot, and so is G(x).

    The mean is over all pixels, those where y is zero for every class included (Luc et al. 2016, arXiv:1611.08408,
    eq. 2). Shown as "g/cross_entropy", without its weight.
    """

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        value = _cross_entropy(draw(latents, batch.condition), batch.images)
        return weight * value, {"g/cross_entropy": value}

    return term


def likelihood(weight: float) -> Supervision:
    """-weight · E log p(x): how likely real texts are, of a generator that gives each character's distribution.

    That is `draw(latents, texts)`, of what stands before each, as `models.relgan` has it. The mean is over characters.
    Shown as "g/bits", of a character, without its weight.
    """

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        value = _cross_entropy(draw(latents, batch.images), batch.images)
        return weight * value, {"g/bits": value / jnp.log(2.0)}

    return term


def _cross_entropy(made: Images, real: Images) -> Scalar:
    return -jnp.mean(jnp.sum(real * jnp.log(jnp.maximum(wide(made), _LEAST_SHARE)), axis=-1))


_LEAST_SHARE = 1e-30
"""Of which float32 has a logarithm, and whose gradient a softmax still answers."""


def cycle(weight: float) -> Supervision:
    """There and back again: weight · (E|F(G(a)) - a| + E|G(F(b)) - b|) (Zhu et al. 2017, arXiv:1703.10593, eq. 2).

    For a generator of two translators, which makes (F(b), G(a)) of the condition (a, b), in the same two domains.
    Shown as "g/cycle", without its weight, which is 10 there.
    """

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        apart = _apart(draw(latents, draw(latents, batch.condition)), batch.condition)
        return weight * apart, {"g/cycle": apart}

    return term


def identity(weight: float) -> Supervision:
    """What is there already stays: weight · (E|G(b) - b| + E|F(a) - a|) (Zhu et al. 2017, section 5.2).

    For a generator as of `cycle`, between domains of one shape: it holds colours. Shown as "g/identity", without its
    weight, which is half of the cycle's there.
    """

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        a, b = batch.condition
        apart = _apart(draw(latents, (b, a)), (a, b))
        return weight * apart, {"g/identity": apart}

    return term


def contrast(weight: float, temperature: float = 0.07) -> Supervision:
    """What is made is of the same patches as what it was made of: weight · PatchNCE(x, G(x)).

    For a generator that makes (images, patches) of images of the same shape, the condition; patches are of the
    condition, a pytree, and of the same places at each draw (`models.cut`). The mean over layers. Park et al. 2020
    (arXiv:2007.15651), section 3, with a weight of 1 beside `contrast_of_real`, or of 10 alone (FastCUT). Shown as
    "g/contrast", without its weight.
    """
    return _contrast("g/contrast", weight, temperature, lambda batch: batch.condition)


def contrast_of_real(weight: float, temperature: float = 0.07) -> Supervision:
    """What is there already stays: the same of real images y, weight · PatchNCE(y, G(y)), the paper's identity.

    What is real is (images, ()). The weight is 1 there, but the authors' code halves both. Shown as
    "g/contrast_of_real", without its weight.
    """
    return _contrast("g/contrast_of_real", weight, temperature, lambda batch: batch.images[0])


def _contrast(name: str, weight: float, temperature: float, given: Callable[[Batch], Images]) -> Supervision:
    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        made, wanted = draw(latents, given(batch))
        _, found = draw(latents, made)
        lost = jax.tree.map(lambda a, b: patch_nce(a, b, temperature), found, wanted)
        value = jnp.mean(jnp.stack(jax.tree.leaves(lost)))
        return weight * value, {name: value}

    return term


def patch_nce(found: Patches, wanted: Patches, temperature: float) -> Scalar:
    """-E log [exp(vᵢ·wᵢ / τ) / Σⱼ exp(vᵢ·wⱼ / τ)], in nats: which of its image's patches w each v is of.

    log P where that is guessed of P. No gradient is taken of what is wanted, w, as in the authors' code. Park et al.
    2020 (arXiv:2007.15651), eqs. 2 and 3, after van den Oord et al. 2018 (arXiv:1807.03748).
    """
    alike = jnp.einsum("bif,bjf->bij", wide(found), jax.lax.stop_gradient(wide(wanted))) / temperature
    return -jnp.mean(jnp.diagonal(jax.nn.log_softmax(alike), axis1=1, axis2=2))


def near(name: str, weight: float, look: Callable[[Made], Any]) -> Supervision:
    """weight · Σ E|look(G(x)) - look(y)|, summed over leaves; shown under a name, without its weight."""

    def term(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        del key
        apart = _apart(look(draw(latents, batch.condition)), look(batch.images))
        return weight * apart, {name: apart}

    return term


def total(*terms: Supervision) -> Supervision:
    """The sum of several terms, each with a key of its own."""

    def all_of(key: PRNGKey, draw: Draw, latents: Latents, batch: Batch) -> tuple[Scalar, Metrics]:
        sums: Scalar = jnp.zeros(())
        shown: Metrics = {}
        for own, term in zip(jax.random.split(key, len(terms)), terms, strict=True):
            value, seen = term(own, draw, latents, batch)
            sums, shown = sums + value, shown | seen
        return sums, shown

    return all_of


def _apart(a: Any, b: Any) -> Scalar:
    return jax.tree.reduce(jnp.add, jax.tree.map(_mean_distance, a, b))


def _mean_distance(a: Array, b: Array) -> Scalar:
    # Broadcasting would else compare a grey image with each channel of a coloured one.
    if jnp.shape(a) != jnp.shape(b):
        raise ValueError(f"what is compared has one shape, not {list(jnp.shape(a))} and {list(jnp.shape(b))}")
    return jnp.mean(jnp.abs(wide(a) - wide(b)))
