"""The settings of the models that make an image of what they are given, for `--task`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gan_jax.config.model import Mixed, Networks
from gan_jax.config.ranges import Channels, Count, OptionalCount
from gan_jax.config.schema import name_of
from gan_jax.sizes import Sides, shown

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.config.task import TaskConfig
    from gan_jax.losses import AdversarialLoss
    from gan_jax.types import Network


@dataclass(frozen=True)
class Translator(Mixed):
    """What all of them have. Their latents do nothing."""

    latent_size: Count = 1
    """Does nothing: what a translator makes, it makes of what it is given."""

    translates: ClassVar[bool] = True
    normalises: ClassVar[bool] = False

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """Generator and discriminator of such images, for a task."""
        raise NotImplementedError

    def step(self, data: DataConfig) -> int:
        """Pixels of which both sides of what is given are multiples."""
        del data
        return 1

    def _composed(self, network: Network, task: TaskConfig) -> Network:
        """What is known of an image stays what it is."""
        from gan_jax.models.composed import Composed

        return Composed(network, keep) if (keep := task.keep()) else network


@dataclass(frozen=True)
class Pix2Pix(Translator):
    """A U-Net, judged patch by patch, for images as large as what is given. Isola et al. 2017 (arXiv:1611.07004)."""

    depth: OptionalCount = None
    """How often the generator halves an image. Default: as often as both sides of those that it is trained on can be,
    8 times at most."""
    layers: Count = 3
    """Layers of the discriminator that halve an image: 3 see patches of 70x70 pixels, 2 of 34x34, 1 of 16x16."""
    norm: Literal["instance", "none"] = "instance"
    """The discriminator's normalisation, of each image by itself, or none. The generator's is of each image."""

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import pix2pix

        channels, end = task.made_as(data)
        generator = pix2pix.Generator(channels, self.generator_width, self._halvings(data), self.dtype, end, "instance")
        judge = pix2pix.Discriminator(self.discriminator_width, self.layers, self.dtype, self.norm)
        return self._composed(generator, task), judge

    def step(self, data: DataConfig) -> int:
        """As in `Translator`."""
        return 1 << self._halvings(data)

    def _halvings(self, data: DataConfig) -> int:
        """Of the images that it is trained on, so that the same weights are one network, whatever they are given."""
        from gan_jax.models.pix2pix import halvings

        return halvings(data.image_size, self.depth)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size = super().wrong(config), config.data.image_size
        if self.norm == "instance" and min(size) <= 1 << self.layers:
            found.append(f"{_too_deep(self.layers, size)}, or --model.norm none")
        if self.depth is None and any(side % 2 for side in size):
            found.append(f"data.size: model pix2pix halves images, and {shown(size)} pixels are odd; try 32, or 64")
        if self.depth and any(side % (1 << self.depth) for side in size):
            found.append(f"model.depth: {shown(size)} pixels cannot be halved {self.depth} times; try a smaller depth")
        return found


@dataclass(frozen=True)
class ESRGAN(Translator):
    """Dense residual blocks at the size of what is given, then larger; a U-Net that judges every pixel.

    Wang et al. 2018 (arXiv:1809.00219), and the discriminator of Wang et al. 2021 (arXiv:2107.10833).
    """

    blocks: Count = 23
    """Residual blocks of dense blocks."""
    growth: Count = 32
    """Channels that each convolution of a dense block adds."""
    depth: Count = 3
    """How often the discriminator halves an image."""

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import esrgan

        generator = esrgan.Generator(
            data.image_channels, task.factor, self.generator_width, self.blocks, self.growth, self.dtype
        )
        judge = esrgan.Discriminator(self.discriminator_width, self.dtype, self.depth)
        return self._composed(generator, task), judge

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size = super().wrong(config) + _not_doubled(self, config.task), config.data.image_size
        if any(side % (1 << self.depth) for side in size):
            found.append(f"model.depth: {shown(size)} pixels cannot be halved {self.depth} times; try a smaller depth")
        return found


@dataclass(frozen=True)
class SRGAN(Translator):
    """Residual blocks at the size of what is given, then larger; judged as a whole. Ledig et al. 2017."""

    blocks: Count = 16
    """Residual blocks of the generator."""

    normalises: ClassVar[bool] = True

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import srgan

        channels, end = data.image_channels, data.end
        generator = srgan.Generator(channels, task.factor, self.generator_width, self.blocks, self.dtype, end)
        return self._composed(generator, task), srgan.Discriminator(self.discriminator_width, self.dtype)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found = super().wrong(config) + _not_doubled(self, config.task)
        if config.penalty.wgan_gp:
            found.append("penalty.wgan_gp: asks for slopes of single images, and model srgan normalises over a batch")
        return found


@dataclass(frozen=True)
class Gated(Translator):
    """Convolutions that learn what of an image with a hole to look at. Yu et al. 2019 (arXiv:1806.03589)."""

    generator_width: Count = 48
    """Numbers that the first layer computes, half of them features, a multiple of 4; deeper layers have up to four
    times as many."""
    layers: OptionalCount = None
    """Layers of the discriminator, each of which halves an image. Default: as many as leave 4 places or more on the
    shorter side, 6 at most."""

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import gated

        least = min(data.image_size)
        dilations = tuple(apart for apart in gated.DILATIONS if apart < least // 4)  # others would see zeros alone
        layers = self.layers or min(max(least.bit_length() - 3, 1), 6)
        generator = gated.Generator(data.image_channels, self.generator_width, dilations, self.dtype, data.end)
        return self._composed(generator, task), gated.Discriminator(self.discriminator_width, self.dtype, layers)

    def step(self, data: DataConfig) -> int:
        """As in `Translator`."""
        return 4

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found = super().wrong(config) + _not_halved_twice(self, config.data.image_size)
        if self.generator_width % 4:
            found.append(f"model.generator_width: expected a multiple of 4, got {self.generator_width}")
        return found


@dataclass(frozen=True)
class BetweenDomains(Translator):
    """Residual networks between images of two domains, each judged patch by patch."""

    blocks: Count = 9
    """Residual blocks of each generator: 9 for images of 256 pixels and more, 6 for smaller ones."""
    layers: Count = 3
    """Layers of each discriminator that halve an image: 3 see patches of 70x70 pixels, 2 of 34x34, 1 of 16x16."""

    def translator(self, data: DataConfig) -> Any:
        """What makes an image of the other domain of one."""
        from gan_jax.models import cyclegan

        return cyclegan.Generator(data.image_channels, self.generator_width, self.blocks, self.dtype, data.end)

    def judge(self) -> Any:
        """What tells those of one domain from what is made."""
        from gan_jax.models import pix2pix

        return pix2pix.Discriminator(self.discriminator_width, self.layers, self.dtype, "instance")

    def step(self, data: DataConfig) -> int:
        """As in `Translator`."""
        return 4

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        size = config.data.image_size
        found = super().wrong(config) + _not_halved_twice(self, size)
        return found + [_too_deep(self.layers, size)] * (min(size) <= 1 << self.layers)


@dataclass(frozen=True)
class CycleGAN(BetweenDomains):
    """Two translators and two judges, for images of two domains. Zhu et al. 2017 (arXiv:1703.10593)."""

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import cyclegan

        del task
        there, back = self.translator(data), self.translator(data)
        return cyclegan.Translators(back, there), cyclegan.Judges(self.judge(), self.judge())

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """The mean over both domains."""
        del data
        from gan_jax.losses import each

        return each(adversarial)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found = super().wrong(config)
        if config.penalty.path_length:
            found.append("penalty.path_length: is of one image, and model cyclegan makes two; drop it")
        return found


@dataclass(frozen=True)
class CUT(BetweenDomains):
    """One translator and its judge, which needs no way back. Park et al. 2020 (arXiv:2007.15651)."""

    patches: Count = 256
    """Places, in each of the generator's five layers, whose patches are told apart: at random, or all of fewer."""
    features: Count = 256
    """Numbers that a patch is told apart by, and width of the small networks that find them."""

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import autoencoder, cut

        del task
        return cut.Generator(self.translator(data), self.patches, self.features), autoencoder.Judge(self.judge())

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found = super().wrong(config)
        if config.penalty.wgan_gp:
            found.append("penalty.wgan_gp: looks between what is real and what is made, which has patches; take r1")
        if config.penalty.path_length:
            found.append("penalty.path_length: is of latents, and model cut has none; drop it")
        return found


@dataclass(frozen=True)
class Autoencoder(Translator):
    """Encoder and decoder, judged patch by patch, for GANs among codes. Rombach et al. 2022 (arXiv:2112.10752)."""

    generator_width: Count = 32
    """Channels of the maps beside the image; deeper ones have up to four times as many."""
    code: Channels = 4
    """Channels of a code."""
    smaller: Literal[4, 8] = 4
    """How many times smaller than an image's both sides of its code are."""
    layers: Count = 2
    """Layers of the discriminator that halve an image: 3 see patches of 70x70 pixels, 2 of 34x34, 1 of 16x16."""

    def coders(self, data: DataConfig) -> tuple[Any, Any]:
        """What makes codes of images, and images of codes."""
        from gan_jax.models import autoencoder

        halvings = self.smaller.bit_length() - 1
        encoder = autoencoder.Encoder(self.code, self.generator_width, halvings, self.dtype)
        channels = data.image_channels
        return encoder, autoencoder.Decoder(channels, self.generator_width, halvings, self.dtype, data.end)

    def translators(self, data: DataConfig, task: TaskConfig) -> Networks:
        """As in `Translator`."""
        from gan_jax.models import autoencoder, pix2pix

        del task
        judge = pix2pix.Discriminator(self.discriminator_width, self.layers, self.dtype, "instance")
        return autoencoder.Generator(*self.coders(data)), autoencoder.Judge(judge)

    def step(self, data: DataConfig) -> int:
        """As in `Translator`."""
        del data
        return self.smaller

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size = super().wrong(config), config.data.image_size
        if any(side % self.smaller for side in size):
            found.append(
                f"model.smaller: {self.smaller} does not divide {shown(size)} pixels; try 4, or --data.size 32"
            )
        if config.penalty.path_length:
            found.append("penalty.path_length: is of latents, and model autoencoder has none; drop it")
        return found + [_too_deep(self.layers, size)] * (min(size) <= 1 << self.layers)


@dataclass(frozen=True)
class AutoencoderKL(Autoencoder):
    """The networks of Stable Diffusion's autoencoder, which gan-jax import fills. Rombach et al. 2022, as published."""

    generator_width: Count = 128
    """Channels of the maps beside the image; deeper ones have up to four times as many."""
    smaller: Literal[4, 8] = 8
    """How many times smaller than an image's both sides of its code are."""
    blocks: Count = 2
    """Residual blocks of the encoder at each size; the decoder has one more."""

    def coders(self, data: DataConfig) -> tuple[Any, Any]:
        """As in `Autoencoder`."""
        from gan_jax.models import autoencoder_kl

        halvings, width = self.smaller.bit_length() - 1, self.generator_width
        encoder = autoencoder_kl.Encoder(self.code, width, halvings, self.blocks, self.dtype)
        return encoder, autoencoder_kl.Decoder(data.image_channels, width, halvings, self.blocks + 1, self.dtype)


def _too_deep(layers: int, size: Sides) -> str:
    return (
        f"model.layers: {layers} leave 1 of {shown(size)} pixels, and normalisation nothing of that; "
        f"try --model.layers {max(1, min(size).bit_length() - 2)}"
    )


def _not_doubled(model: Translator, task: TaskConfig) -> list[str]:
    said = f"task.factor: model {name_of(model)} doubles images, and {task.factor} is no power of two; try 2 or 4"
    return [said] * (task.factor not in (1, 2, 4, 8))


def _not_halved_twice(model: Translator, size: Sides) -> list[str]:
    said = f"data.size: model {name_of(model)} halves images twice, and 4 does not divide {shown(size)} pixels"
    return [said] * any(side % 4 for side in size)
