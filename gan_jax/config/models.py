"""The settings of each model, and the networks that they become. A model is a class here and a line in `AnyModel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gan_jax.config.films import MoCoGAN
from gan_jax.config.model import Mixed, Model, Networks
from gan_jax.config.ranges import Count
from gan_jax.config.transformers import GAT
from gan_jax.config.translators import CUT, ESRGAN, SRGAN, Autoencoder, AutoencoderKL, CycleGAN, Gated, Pix2Pix
from gan_jax.config.writers import RelGAN, WGANText
from gan_jax.sizes import Sides, doublings, shown

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.losses import AdversarialLoss


@dataclass(frozen=True)
class MLP(Model):
    """The original GAN: fully connected, with maxout and dropout. Goodfellow et al. 2014 (arXiv:1406.2661)."""

    generator_width: Count = 1200
    """The generator's hidden units."""
    discriminator_width: Count = 240
    """The discriminator's hidden units."""

    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import mlp

        return (
            mlp.Generator(data.image_size, data.image_channels, self.generator_width, classes, data.end),
            mlp.Discriminator(self.discriminator_width, classes=classes),
        )


@dataclass(frozen=True)
class DCGAN(Mixed):
    """All-convolutional networks with batch normalisation. Radford et al. 2015 (arXiv:1511.06434)."""

    norm: Literal["batch", "none"] = "batch"
    """Batch normalisation in the discriminator, or none, as r1 and wgan_gp ask for."""
    told: Literal["planes", "projection"] = "planes"
    """How the discriminator is told labels: planes beside the image, or a projection of its features, which costs
    nothing where labels are many."""

    sizes: ClassVar[tuple[int, ...]] = (8, 16, 28, 32, 64, 128)

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import dcgan

        return (
            self.generator(dcgan, data, classes),
            dcgan.Discriminator(self.discriminator_width, classes, self.dtype, self.norm, self.told),
        )

    def idle(self, config: Config) -> list[str]:
        """As in `Model`."""
        unlabelled = ["model.told: nothing is told; add --conditional or --data.clusters 30, or --model.told planes"]
        return unlabelled * (self.told != "planes" and not config.tells)


@dataclass(frozen=True)
class Article(Model):
    """The introductory article's 5x5 convolutional pair, mended."""

    latent_size: Count = 100
    """Dimensions of the latent, standard normal."""
    generator_width: Count = 128
    """Channels of the generator's maps."""
    discriminator_width: Count = 128
    """Channels of the discriminator's maps."""

    sizes: ClassVar[tuple[int, ...]] = (28,)
    square: ClassVar[bool] = True
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import article

        return (
            article.Generator(data.image_channels, self.generator_width, classes, data.end),
            article.Discriminator(self.discriminator_width, classes=classes),
        )


@dataclass(frozen=True)
class ACGAN(Mixed):
    """DCGAN's generator, and a discriminator that also names the class. Odena et al. 2017 (arXiv:1610.09585)."""

    sizes: ClassVar[tuple[int, ...]] = DCGAN.sizes

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import acgan, dcgan

        return (
            self.generator(dcgan, data, classes),
            acgan.Discriminator(classes, self.discriminator_width, dtype=self.dtype),
        )

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """The same with the auxiliary classifier's beside it."""
        del data
        from gan_jax.losses import auxiliary

        return auxiliary(adversarial)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        unlabelled = [
            "conditional: model acgan names the labels that it is told; add --conditional, or --data.clusters 30"
        ]
        return super().wrong(config) + unlabelled * (not config.tells)


@dataclass(frozen=True)
class FMGAN(Model):
    """Perceptrons for --task few_labels, matched by features. Salimans et al. 2016 (arXiv:1606.03498)."""

    latent_size: Count = 100
    """Dimensions of the latent, standard normal."""
    generator_width: Count = 500
    """The generator's hidden units, of two layers."""
    discriminator_width: Count = 1000
    """The classifier's hidden units, of the first layer; then half as many, and thrice a quarter."""

    least_width: ClassVar[int] = 4
    classifies: ClassVar[bool] = True

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import fmgan

        generator = fmgan.Generator(data.image_size, data.image_channels, self.generator_width, data.end)
        return generator, fmgan.Discriminator(classes, self.discriminator_width)

    def loss(self, adversarial: AdversarialLoss, data: DataConfig) -> AdversarialLoss:
        """The game of the classifier, and what it learns of labels."""
        del data
        from gan_jax.losses import few_labels

        return few_labels(adversarial)


@dataclass(frozen=True)
class SNGAN(Mixed):
    """Residual networks with spectral normalisation, for --loss hinge. Miyato et al. 2018 (arXiv:1802.05957)."""

    interpolate: bool = False
    """Double maps bilinearly, as mimicry does, in place of repeating pixels, as the paper's authors do."""

    sizes: ClassVar[tuple[int, ...]] = (28, 32, 48, 64, 128)

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import sngan

        generator, discriminator = _residual(self, sngan, data, classes)
        return generator.clone(interpolated=self.interpolate), discriminator


def _residual(model: Mixed, networks: Any, data: DataConfig, classes: int) -> tuple[Any, Any]:
    """SNGAN's pair, SAGAN's and BigGAN's have the same fields."""
    told = networks.Discriminator(model.discriminator_width, classes, model.dtype)
    return model.generator(networks, data, classes), told


@dataclass(frozen=True)
class SAGAN(Mixed):
    """Self-attention, for --loss hinge. Zhang et al. 2019 (arXiv:1805.08318)."""

    sizes: ClassVar[tuple[int, ...]] = (32, 64, 128, 256)
    least_width: ClassVar[int] = 8

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import sagan

        return _residual(self, sagan, data, classes)


@dataclass(frozen=True)
class BigGAN(SAGAN):
    """BigGAN, for --loss hinge. Brock et al. 2019 (arXiv:1809.11096)."""

    latent_size: Count = 120
    """Dimensions of the latent, standard normal; a multiple of its parts, one for each block and the start."""

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`."""
        from gan_jax.models import biggan

        return _residual(self, biggan, data, classes)

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size = super().wrong(config), config.data.image_size
        parts = 1 + doublings(size)
        if max(size) in self.sizes and self.latent_size % parts:
            near = max(parts, round(self.latent_size / parts) * parts)
            there = f"into {parts} at {shown(size)} pixels"
            found.append(f"model.latent_size: model biggan splits latents {there}; try {near}")
        return found


@dataclass(frozen=True)
class R3GAN(Mixed):
    """The modern baseline, for --loss relativistic with r1 and r2. Huang et al. 2024 (arXiv:2501.05441)."""

    generator_width: Count = 64
    """Channels of the generator's stages up to 32 pixels; each larger one has half of the one before."""
    discriminator_width: Count = 64
    """The same of the discriminator."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What layers compute in; weights stay float32. bfloat16 is for the four highest resolutions from 8x8 up."""

    sizes: ClassVar[tuple[int, ...]] = (8, 16, 32, 64, 128, 256)
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`, with the groups and widths of CIFAR-10, FFHQ and ImageNet-32."""
        from gan_jax.models import r3gan

        def fields(width: int) -> dict[str, Any]:
            widths, group = _stages(width, data.image_size)
            low = self.low_precision_from(data.image_size)
            return {"widths": widths, "group_channels": group, "low_precision_from": low}

        return (
            r3gan.Generator(data.image_size, data.image_channels, classes=classes, **fields(self.generator_width)),
            r3gan.Discriminator(classes=classes, **fields(self.discriminator_width)),
        )

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found, size = super().wrong(config), config.data.image_size
        for key in ("generator_width", "discriminator_width"):
            width = getattr(self, key)
            if max(size) in self.sizes and not _splits(width, size):
                near = min((w for w in range(8, 2 * width + 64, 8) if _splits(w, size)), key=lambda w: abs(w - width))
                found.append(f"model.{key}: model r3gan splits {width} channels into no whole groups; try {near}")
        return found


def _stages(width: int, size: Sides) -> tuple[tuple[int, ...], int]:
    """R3GAN's channels from 4x4 to the image's size, and how many make a group: 16, or 96 groups if that is fewer."""
    return tuple(max(8, width >> max(0, i - 3)) for i in range(1 + doublings(size))), max(16, width // 48)


def _splits(width: int, size: Sides) -> bool:
    """Whether each stage's inner channels, twice its own, are whole groups."""
    widths, group = _stages(width, size)
    return all(2 * w % group == 0 for w in widths)


@dataclass(frozen=True)
class StyleGAN2(Mixed):
    """StyleGAN2, for r1: up to 32 pixels StyleGAN2-ADA's choices for CIFAR-10, above them configuration F.

    Karras et al. 2020 (arXiv:1912.04958, arXiv:2006.06676).
    """

    precision: Literal["float32", "bfloat16"] = "float32"
    """What layers compute in; weights stay float32. bfloat16 is for the four highest resolutions from 8x8 up."""
    clamp: bool = False
    """In float32, too, keep what convolutions answer within ±256, as in bfloat16, and as NVlabs' networks do."""

    sizes: ClassVar[tuple[int, ...]] = (8, 16, 32, 64, 128, 256, 512, 1024)
    normalises: ClassVar[bool] = False

    def networks(self, data: DataConfig, classes: int) -> Networks:
        """As in `Model`; w has the latent's size."""
        from gan_jax.models import stylegan2

        size = data.image_size
        small, low = max(size) <= 32, self.low_precision_from(size)
        if self.clamp and low is None:
            low = 2 * max(size)  # beyond all layers
        generator = stylegan2.Generator(
            size,
            data.image_channels,
            self.generator_width,
            classes,
            mapping_layers=2 if small else 8,
            style_size=self.latent_size,
            mixing=0.0 if small else 0.9,
            low_precision_from=low,
        )
        return generator, stylegan2.Discriminator(
            self.discriminator_width, classes, group=_group(size), residual=not small, low_precision_from=low
        )

    def wrong(self, config: Config) -> list[str]:
        """As in `Model`."""
        found = super().wrong(config)
        whole, most = config.batch_size, _group(config.data.image_size)
        part, lazy = whole // config.accumulate, config.penalty.images_seen(whole)
        seen = {"batch_size": (whole, whole), "accumulate": (part, whole), "penalty.lazy": (lazy, lazy)}
        for key, (images, batch) in seen.items():
            if images % (group := min(batch, most)):
                return [*found, f"{key}: model stylegan2 compares groups of {group}; {images} are no multiple of it"]
        return found


def _group(size: Sides) -> int:
    """Images that StyleGAN2's discriminator compares with each other."""
    return 32 if max(size) <= 32 else 4


AnyModel = (
    MLP
    | DCGAN
    | Article
    | ACGAN
    | FMGAN
    | SNGAN
    | SAGAN
    | BigGAN
    | R3GAN
    | StyleGAN2
    | GAT
    | Pix2Pix
    | Gated
    | SRGAN
    | ESRGAN
    | CycleGAN
    | CUT
    | Autoencoder
    | AutoencoderKL
    | WGANText
    | RelGAN
    | MoCoGAN
)
