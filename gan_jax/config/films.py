"""The settings of the models that make clips, for `--data moving_mnist` and clips of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.data import Kind
from gan_jax.config.model import Model, Networks
from gan_jax.config.ranges import Count

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.losses import AdversarialLoss


@dataclass(frozen=True)
class MoCoGAN(Model):
    """Clips of a content in motion, and two judges. Tulyakov et al. 2018 (arXiv:1707.04993)."""

    latent_size: Count = 210
    """Dimensions of the latent, standard normal: a motion for each frame, and the clip's content, which is the rest."""
    motion: Count = 10
    """Of these, dimensions of each frame's noise."""
    memory: Count = 10
    """Units of the recurrent network that makes motion of noise."""
    judged: Count = 4
    """The judge of single frames sees every so manieth; a divisor of the frames."""

    sizes: ClassVar[tuple[int, ...]] = (8, 16, 28, 32, 64, 128)
    makes: ClassVar[Kind] = "clips"
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`; clips have no labels here."""
        from gan_jax.models import dcgan, mocogan

        del classes
        size, channels, width = data.frame_size, data.image_channels, self.discriminator_width
        generator = mocogan.Generator(
            data.frames, size, channels, self.generator_width, self.motion, self.memory, data.end
        )
        of_frames = dcgan.Discriminator(width, norm="none")
        return generator, mocogan.Judges(of_frames, mocogan.ClipDiscriminator(width), data.frames, self.judged)

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """The mean over both judges."""
        del data
        from gan_jax.losses import each

        return each(adversarial)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, frames = super().wrong(config), config.data.frames
        if config.data.kind != self.makes:  # which is said elsewhere, and then there are no frames
            return found
        if self.latent_size <= (noise := frames * self.motion):
            found.append(
                f"model.latent_size: {frames} frames take {noise} dimensions of noise, and {self.latent_size} leave "
                f"none of content; try {noise + 50}, or a smaller --model.motion"
            )
        if frames % self.judged:
            found.append(f"model.judged: expected a divisor of the {frames} frames, got {self.judged}")
        if config.tells:
            mend = "add --no-conditional" if config.conditional else "drop --data.clusters"
            found.append(f"model: mocogan is told no labels; {mend}")
        return found
