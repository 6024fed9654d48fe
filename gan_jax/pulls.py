"""One way back for a loss and for penalties on slopes: how the loss pulls at logits, and what a critic knows of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from gan_jax.images import count
from gan_jax.types import Images, Logits, Scalar

Critic = Callable[[Images], Logits]
"""The discriminator's verdict at fixed weights, of the batch or of every n-th image of it, in order.

It is told their conditions by their place. Where it gives several logits an image, slopes are those of their sum.
"""


@dataclass(frozen=True)
class Pulled:
    """A critic in which images do not interact, and how a loss pulls at its logits of the batches it has judged."""

    critic: Critic
    pulls: tuple[tuple[Images, Logits], ...]  # batches, and the loss's slopes `[B]` in their logits, none of them zero

    def __call__(self, images: Images) -> Logits:
        """The critic's logits."""
        return self.critic(images)


def pulled(
    loss: Callable[[Logits, Logits], Scalar],
    critic: Critic,
    real: tuple[Images, Logits],
    fake: tuple[Images, Logits],
) -> tuple[Scalar, Pulled]:
    """The loss of two batches that the critic has judged, `(images, logits [B])`, and a critic with slopes for less.

    A loss has the gradient of Σ c · D(x), c its slopes in the logits, and on the way back that gradient comes by
    c · ∇D(x), if images do not interact in D. Penalties on slopes at these very images take them from there, over c,
    where else they would go all the way back for ∇D(x) alone. One pass is in the other where both are compiled in one
    program; values and derivatives are the same to rounding. Where |c| is below `LEAST`, also where it is zero, the
    loss is taken to have a slope of that size, as an optimizer that looks at signs alone will see. Networks compute in
    float32 or bfloat16, whose least numbers are far smaller. Raises ValueError for other logits than one an image.
    """
    if not all(one_each(*batch) for batch in (real, fake)):
        raise ValueError("pulled: expected logits [B], one for each image; take the loss and the critic as they are")
    batches, logits = zip(real, fake, strict=True)
    value, pulls = jax.value_and_grad(loss, argnums=(0, 1))(*logits)
    pulls = jax.tree.map(lambda c: jnp.where(jnp.abs(c) < LEAST, jnp.copysign(LEAST, c), c), pulls)
    # In slopes over c the choice of c is none of the result's business, at any order.
    known = zip(batches, jax.lax.stop_gradient(pulls), strict=True)
    return _with_slopes(value, pulls, logits), Pulled(critic, tuple(known))


@jax.custom_jvp
def _with_slopes(value: Scalar, pulls: Any, logits: Any) -> Scalar:
    """The value, with `pulls` for its slopes in the logits; they may be differentiated in turn."""
    del pulls, logits
    return value


@_with_slopes.defjvp
def _along(known: tuple[Any, ...], along: tuple[Any, ...]) -> tuple[Scalar, Scalar]:
    (value, pulls, _), (*_, moves) = known, along
    real, fake = (jnp.sum(pull * move) for pull, move in zip(pulls, moves, strict=True))
    return value, (real + fake).astype(value.dtype)


LEAST = 1e-15
"""Far less than moves a weight, and what is divided by it twice is still a number in float32."""


def slopes(critic: Critic, images: Images) -> Images:
    """∂ Σ critic / ∂ images, whatever they are: each image's own slope, where images do not interact in the critic."""
    known = critic.pulls if isinstance(critic, Pulled) else ()
    pull = next((pull for batch, pull in known if batch is images), None)
    if pull is None:
        return jax.grad(lambda batch: jnp.sum(critic(batch)))(images)
    gradient = jax.grad(lambda batch: jnp.sum(pull * critic(batch)))(images)
    return jax.tree.map(lambda leaf: leaf / jnp.expand_dims(pull, tuple(range(1, leaf.ndim))), gradient)


def one_each(images: Images, logits: Any) -> bool:
    """Whether these are logits `[B]` of as many images."""
    return jax.tree.map(jnp.shape, logits) == (count(images),)
