"""The settings of the models that are transformers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gan_jax.config.model import Mixed, Networks
from gan_jax.config.ranges import Count, Weight
from gan_jax.sizes import shown

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.losses import AdversarialLoss


@dataclass(frozen=True)
class GAT(Mixed):
    """Two transformers, for relativistic pairs, r1 and r2 by_difference, and --augment levels.

    Hyun, Lee & Heo 2026 (arXiv:2509.24935). Defaults are GAT-S/2; B has 12 blocks, 768 channels and 12 heads, L 24,
    1024 and 16, XL 28, 1152 and 16.
    """

    latent_size: Count = 64
    """Dimensions of the latent, standard normal."""
    generator_width: Count = 384
    """Channels of each token of the generator."""
    discriminator_width: Count = 384
    """The same of the discriminator."""
    depth: Count = 12
    """Blocks of each network: a multiple of 4, the levels at which an image is drawn."""
    heads: Count = 6
    """Heads of attention, a divisor of the channels, with a multiple of 4 channels each."""
    patch: Count = 2
    """Pixels on a side of a patch, a divisor of the image's."""
    features: Count = 2048
    """Numbers of an image and of a label whose inner product the discriminator says, of labelled data; and hidden units
    of the perceptron that learns of a teacher."""
    teacher: Weight = 1.0
    """Weight of the discriminator's distance to what a teacher says of real images, where data bring that along (see
    data.features)."""
    recompute: bool = False
    """Compute blocks again in the backward pass, for less memory and more time."""
    unroll: bool | None = None
    """Have blocks one after another in the program, and not in a loop: more time to compile, and less for a step (on
    an H200 13 %). Default: where there are four or fewer."""
    attention: Literal["xla", "cudnn"] = "xla"
    """Whose attention: cudnn is flash attention, for bfloat16 on GPUs alone (on an H200 a step of S/4 takes 20 %
    less)."""

    learns_features: ClassVar[bool] = True
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import gat

        shape: dict[str, Any] = {"depth": self.depth, "heads": self.heads, "patch": self.patch, "classes": classes}
        shape |= {"recomputed": self.recompute, "unrolled": self.unroll, "attention": self.attention}
        shape["dtype"] = self.dtype
        _, numbers = data.features_shape or (0, 0)
        return (
            gat.Generator(data.image_size, data.image_channels, width=self.generator_width, end=data.end, **shape),
            gat.Discriminator(width=self.discriminator_width, features=self.features, teacher=numbers, **shape),
        )

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """The game, and what the discriminator learns of a teacher beside it."""
        from gan_jax.losses import taught

        return taught(adversarial, weight=self.teacher) if data.features_shape else adversarial

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size, name = super().wrong(config), config.data.image_size, config.augment.name
        if any(side % self.patch for side in size):
            found.append(f"model.patch: patches of {self.patch} pixels do not fill {shown(size)}; try a divisor of it")
        elif shape := config.data.features_shape:
            patches, (count, numbers) = math.prod(size) // self.patch**2, shape
            if count not in (1, patches, patches + 1):
                found.append(
                    f"data.features: {count} of an image are not those of its {patches} patches of {self.patch}x"
                    f"{self.patch} pixels; bring {patches}x{numbers}, {patches + 1}x{numbers} or {numbers} of the whole"
                )
        if self.depth % 4:
            found.append(f"model.depth: expected a multiple of 4, one part for each level, got {self.depth}")
        for key in ("generator_width", "discriminator_width"):
            if getattr(self, key) % (4 * self.heads):
                found.append(
                    f"model.{key}: expected a multiple of {4 * self.heads}, 4 for each head, got {getattr(self, key)}"
                )
        if self.attention == "cudnn" and self.precision == "float32":
            found.append("model.attention: cudnn's is for 16 bits; add --model.precision bfloat16, or take xla")
        if self.attention == "cudnn" and config.penalty.differentiates:
            found.append("model.attention: cudnn's has no second derivatives; add --penalty.by-difference")
        if config.penalty.wgan_gp:
            found.append("penalty.wgan_gp: looks between an image and four levels of another; take r1 and r2")
        if config.penalty.path_length:
            found.append("penalty.path_length: is of one image, and model gat shows four levels; drop it")
        if config.tells and (config.parallel == "pmap" or config.accumulate > 1):
            key, other = ("parallel", "jit") if config.parallel == "pmap" else ("accumulate", "1")
            found.append(f"{key}: the mean style of each label is of the whole batch, in model gat; take {other}")
        if name != "none" and not config.augment.of_levels:
            found.append(
                f"augment.name: {name} is of one image, and model gat shows four levels; take --augment levels"
            )
        return found

    def idle(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, taught = super().idle(config), config.data.features is not None
        if not taught and self.teacher != GAT.teacher:
            found.append(
                f"model.teacher: there is no teacher; add --data.features 768, or --model.teacher {GAT.teacher:g}"
            )
        if taught and not self.teacher:
            found.append(
                "model.teacher: with a weight of 0 nobody learns of features; add --model.teacher 1, or drop them"
            )
        return found
