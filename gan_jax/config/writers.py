"""The settings of the models that write text, for a `--data.path` of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gan_jax.config.data import Kind
from gan_jax.config.model import Mixed, Model, Networks
from gan_jax.config.ranges import Count, Positive

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig


@dataclass(frozen=True)
class WGANText(Mixed):
    """Residual convolutions along a text, for wasserstein with wgan_gp. Gulrajani et al. 2017 (arXiv:1704.00028)."""

    generator_width: Count = 512
    """Channels of the generator's maps."""
    discriminator_width: Count = 512
    """Channels of the discriminator's maps."""
    blocks: Count = 5
    """Residual blocks of each network; every one sees eight characters farther, four on either side."""
    spelling: Literal["softmax", "straight_through"] = "softmax"
    """What the discriminator is shown of a generated character: its distribution, or one that Gumbel's noise draws of
    it, through which gradients flow as if it were the distribution (Jang et al. 2017, arXiv:1611.01144)."""
    temperature: Positive = 1.0
    """Of straight_through: what the logits are divided by for that gradient."""

    makes: ClassVar[Kind] = "text"
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`; no text has labels."""
        from gan_jax.models import wgan_text

        del classes
        spellings = {"softmax": wgan_text.softmax, "straight_through": wgan_text.straight_through(self.temperature)}
        spell = spellings[self.spelling]
        length, symbols = data.image_size[1], data.image_channels
        return (
            wgan_text.Generator(length, symbols, self.generator_width, self.blocks, self.dtype, spell),
            wgan_text.Discriminator(self.discriminator_width, self.blocks, self.dtype),
        )

    def idle(self, config: Config) -> list[str]:
        """As in `Model`."""
        drawn = self.spelling == "straight_through" or self.temperature == WGANText.temperature
        return [] if drawn else ["model.temperature: is of --model.spelling straight_through, not of softmax"]


@dataclass(frozen=True)
class RelGAN(Model):
    """Character by character, by a relational memory. Nie et al. 2019 (openreview.net/forum?id=rJedV3R5tm)."""

    latent_size: Count = 3072
    """Numbers that draw the characters: data.size times data.alphabet."""
    generator_width: Count = 256
    """Numbers in each slot of the generator's memory."""
    discriminator_width: Count = 300
    """Channels of each of the discriminator's convolutions, of 2, 3, 4 and 5 characters."""
    slots: Count = 1
    """Slots of the memory, which attend to each other."""
    heads: Count = 2
    """Heads by which they do."""
    embedding: Count = 32
    """Numbers that stand for a character when the generator reads it."""
    views: Count = 64
    """Embeddings, each of one number, in which the discriminator judges a text."""
    temperature: Positive = 1.0
    """What logits and noise are divided by where gradients flow as if a character were its distribution."""

    makes: ClassVar[Kind] = "text"
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`; no text has labels."""
        from gan_jax.models import relgan

        del classes
        length, symbols = data.image_size[1], data.image_channels
        memory = (self.generator_width, self.slots, self.heads, self.embedding)
        return (
            relgan.Generator(length, symbols, *memory, self.temperature),
            relgan.Discriminator(self.discriminator_width, self.views),
        )

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, length, symbols = super().wrong(config), config.data.image_size[1], config.data.image_channels
        if config.data.kind != "text":
            return found
        if length < 5:
            found.append(f"data.size: model relgan looks at 5 characters and more, not at {length}; try --data.size 32")
        if self.latent_size != length * symbols:
            found.append(
                f"model.latent_size: {length} characters of an alphabet of {symbols} are drawn by {length * symbols} "
                f"numbers, not {self.latent_size}; try --model.latent-size {length * symbols}"
            )
        if self.slots > self.generator_width:
            found.append(f"model.slots: {self.generator_width} numbers tell so many slots apart, not {self.slots}")
        if self.generator_width % self.heads:
            found.append(
                f"model.heads: {self.heads} heads cannot share {self.generator_width} numbers; try --model.heads 2"
            )
        return found
