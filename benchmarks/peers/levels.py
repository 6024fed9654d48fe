"""GAT's game in PyTorch: images at several levels, each behind noise, and R1 and R2 by differences.

Real and generated images are behind the same noise, and so are those beside them: D looks at four batches in all.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from peers.update import LOSSES, Objectives, Rules

STEP = 0.01
"""How far an image is moved, in units of its noise, whose deviation is 1 in each pixel."""

Draw = Callable[[Tensor], Tensor]
"""Standard normal numbers, as many as there are in an array."""


def discriminator_loss(
    rules: Rules, discriminator: nn.Module, real: Tensor, fake: Sequence[Tensor], draw: Draw = torch.randn_like
) -> Tensor:
    """The loss and its penalties, weight / 2 · E((D(x + step · e) - D(x)) / step)² of either side."""
    see = _behind_noise(fake, draw)
    sides = (rules.r1, [real]), (rules.r2, fake)
    logits = [discriminator(see(images)) for _, images in sides]
    value = LOSSES[rules.loss][0](*logits)
    for (weight, images), here in zip(sides, logits, strict=True):
        there = discriminator(see([image + STEP * draw(image) for image in images]))
        value = value + weight / 2 * ((there - here) / STEP).square().mean()
    return value


def generator_loss(
    rules: Rules, discriminator: nn.Module, real: Tensor, fake: Sequence[Tensor], draw: Draw = torch.randn_like
) -> Tensor:
    """The loss of generated images beside real ones."""
    see = _behind_noise(fake, draw)
    with torch.no_grad():
        real_logits = discriminator(see([real]))
    return LOSSES[rules.loss][1](real_logits, discriminator(see(fake)))


OBJECTIVES = Objectives(discriminator_loss, generator_loss)


def _behind_noise(levels: Sequence[Tensor], draw: Draw) -> Callable[[Sequence[Tensor]], list[Tensor]]:
    """What shows images of one level or all: (1 - t) · x + n, where n is one path from the last level to the first."""
    shares = [1 - 0.125 ** (1 - i / (len(levels) - 1)) + 0.01 for i in range(len(levels))]
    noise, before, path = torch.zeros_like(levels[-1]), 0.0, list[Tensor]()
    for level, t in zip(reversed(levels), reversed(shares), strict=True):
        fades = (1 - t) / (1 - before)
        noise, before = fades * noise + (t**2 - (fades * before) ** 2) ** 0.5 * draw(level), t
        path.insert(0, noise)
    each = lambda images: images if len(images) > 1 else [*images] * len(path)
    return lambda images: [(1 - t) * x + n for x, t, n in zip(each(images), shares, path, strict=True)]
