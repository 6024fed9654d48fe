"""A generator in two parts: what makes points of latents, and what draws pictures of points.

Of most generators a point is the latent itself. StyleGAN2 and GAT map latents to styles first, in which like pictures
lie closer together, and near whose mean pictures are best.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp

from gan_jax.gan import GAN, generate
from gan_jax.latents.walks import Between, Points, lerp, slerp
from gan_jax.network import evaluate
from gan_jax.types import Condition, Images, Latents, Network, Weights


class Space(NamedTuple):
    """Where a generator's pictures lie, as pure functions of its weights. Holds no arrays.

    Points are `[B, D]`. Where they are told to several layers, `draw` takes `[B, layers, D]` as well, a point for each
    layer, coarse ones first (W+ of Abdal et al. 2019, arXiv:1904.03189): see `mixing`.
    """

    map: Callable[[Weights, Latents, Condition], Points]
    """Latents `[B, L]` to points `[B, D]`."""
    draw: Callable[[Weights, Points, Condition], Images]
    """Points to images `[B, H, W, C]` in [-1, 1], or what else the generator makes."""
    centre: Callable[[Weights, Latents, Condition], Points]
    """The points `[B, D]` that truncation draws to: the mean of styles (of the label's, for GAT), or the latent 0."""
    layers: int  # how many are told a point of their own; 1: none
    between: Between  # how one walks here: normal latents on great circles, styles on straight lines
    normal: bool  # whether points are normal latents, N(0, 1) in each coordinate


@runtime_checkable
class Styled(Protocol):
    """A generator of two networks, each of which takes its weights."""

    truncation: float

    @property
    def layers(self) -> int:
        """How many are told a style."""

    def style(self) -> Network:
        """`(latents [B, L], condition) -> styles [B, D]`, drawn to their mean by `truncation`."""

    def synthesis(self) -> Network:
        """`(styles [B, layers, D], condition) -> images`."""


def space_of(gan: GAN) -> Space:
    """The space of a GAN's generator: of styles, if it is one of `Styled`, else of its latents.

    A generator in a wrapper that spares memory (`recomputation`) has none but its latents.
    """
    generator = gan.generator
    return _of_styles(generator) if isinstance(generator, Styled) else _of_latents(gan)


def truncated(space: Space, weights: Weights, latents: Latents, condition: Condition, amount: float) -> Points:
    """The points of latents, drawn to the centre: centre + amount · (point - centre), `[B, D]`.

    The truncation trick of styles (Karras et al. 2019, arXiv:1812.04948, appendix B); of latents themselves, a smaller
    deviation. As a field of a `Styled` generator truncation is in `map` already.
    """
    points = space.map(weights, latents, condition)
    return lerp(space.centre(weights, latents, condition), points, amount)


def _of_latents(gan: GAN) -> Space:
    return Space(
        map=lambda weights, latents, condition: latents,
        draw=lambda weights, points, condition: generate(gan, weights, points, condition),
        centre=lambda weights, latents, condition: jnp.zeros_like(latents),
        layers=1,
        between=slerp,
        normal=True,
    )


def _of_styles(generator: Styled) -> Space:
    style, synthesis, layers = generator.style(), generator.synthesis(), generator.layers
    mean = generator.clone(truncation=0.0).style()  # type: ignore[attr-defined]

    def draw(weights: Weights, points: Points, condition: Condition) -> Images:
        own = points if points.ndim == 3 else jnp.repeat(points[:, None], layers, axis=1)
        return evaluate(synthesis, weights, own, condition)

    return Space(
        map=lambda weights, latents, condition: evaluate(style, weights, latents, condition),
        draw=draw,
        centre=lambda weights, latents, condition: evaluate(mean, weights, latents, condition),
        layers=layers,
        between=lerp,
        normal=False,
    )
