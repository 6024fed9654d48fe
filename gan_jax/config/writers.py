"""The settings of the models that write text, for a `--data.path` of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gan_jax.config.data import Kind
from gan_jax.config.model import Mixed, Networks
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
