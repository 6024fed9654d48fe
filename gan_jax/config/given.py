"""The settings of the tasks that give the generator one image, of which it makes another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gan_jax.config.ranges import FewSteps, Weight
from gan_jax.config.task import Judged
from gan_jax.sizes import shown

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.models.composed import Keep
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task


@dataclass(frozen=True)
class Given(Judged):
    """What all tasks have that give the generator something."""

    given: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("pix2pix", "esrgan")
    shows: ClassVar[str] = "images alone"
    augments: ClassVar[bool] = True  # whether what is given can be augmented as what is made is

    def terms(self) -> list[Supervision]:
        """What is asked of the generator beside the game."""
        raise NotImplementedError

    def supervision(self) -> Supervision:
        """As in `TaskConfig`."""
        from gan_jax import supervision

        return supervision.total(*terms) if (terms := self.terms()) else supervision.none

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        found = super().wrong(config)
        if config.data.floats:
            found.append("task: tasks are of pictures, not of floats; drop --data.deviation")
        if config.augment.name != "none" and not self.augments:
            found.append(f"augment.name: what {self.called} gives and makes cannot be augmented alike; drop --augment")
        if config.loss == "none" and not self.asks:
            found.append("loss: none, and nothing else that the generator would learn by; add --task.l1 1")
        if config.parallel == "pmap":
            found.append("parallel: pmap is not for tasks; choose jit, whose numbers are the same")
        return found

    @property
    def asks(self) -> bool:
        """Whether anything is asked of the generator beside the game."""
        raise NotImplementedError


LEAST_SEEN = 16
"""Pixels on a side of the smallest pictures that VGG19 sees: `metrics.vgg.LEAST`, without JAX."""


@dataclass(frozen=True)
class TowardsTruth(Given):
    """Tasks whose steps know what is to be made."""

    l1: Weight = 0.0
    """Weight of the mean distance to the true image, beside the adversarial loss (pix2pix: 100)."""
    perceptual: Weight = 0.0
    """The same of what VGG19 sees last in both images, before its ReLU. ESRGAN: 200, and 2 of l1: there they are 1 and
    0.01, and the game counts 0.005."""
    vgg: str | None = None
    """For perceptual: the file of VGG19's weights that torchvision publishes, vgg19-dcbb9e9d.pth."""

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax import supervision

        found = [supervision.l1(self.l1)] if self.l1 else []
        if self.perceptual:
            from gan_jax.metrics import vgg

            found.append(supervision.perceptual(self.perceptual, vgg.of_file(self.vgg or "")))
        return found

    def check_files(self) -> None:
        """As in `TaskConfig`."""
        if self.perceptual:
            from gan_jax.metrics import vgg

            vgg.read(self.vgg or "")

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.l1 > 0 or self.perceptual > 0

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        found, size, channels = super().wrong(config), config.data.image_size, config.data.image_channels
        if self.vgg and not self.perceptual:
            found.append("task.vgg: nothing is compared in it; add --task.perceptual 200, or drop it")
        if not self.perceptual:
            return found
        if not self.vgg:
            found.append(
                "task.perceptual: VGG19 sees what is compared; add --task.vgg, torchvision's vgg19-dcbb9e9d.pth"
            )
        if min(size) < LEAST_SEEN:
            found.append(
                f"task.perceptual: VGG19 sees nothing in {shown(size)} pixels; try --data.size {LEAST_SEEN}, or more"
            )
        if channels not in (1, 3):
            found.append(f"task.perceptual: VGG19 sees grey or coloured pictures, not {channels} channels; drop it")
        return found


@dataclass(frozen=True)
class SuperResolution(TowardsTruth):
    """Gives a smaller image. Ledig et al. 2017, Wang et al. 2018."""

    factor: FewSteps = 4
    """How many times larger an image becomes."""
    agreement: Weight = 0.0
    """Weight of the mean distance of what was made, made smaller again, to what was given."""

    called: ClassVar[str] = "super_resolution"
    models: ClassVar[tuple[str, ...]] = ("esrgan", "srgan")
    augments: ClassVar[bool] = False

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.super_resolution import super_resolution

        return super_resolution(self.factor)

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax.tasks.super_resolution import agreement

        return super().terms() + ([agreement(self.agreement, self.factor)] if self.agreement else [])

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return super().asks or self.agreement > 0

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        size = config.data.image_size
        found = super().wrong(config)
        if self.factor < 2 or any(side % self.factor for side in size):
            found.append(f"task.factor: {self.factor} does not make {shown(size)} pixels smaller evenly")
        return found


@dataclass(frozen=True)
class Inpainting(TowardsTruth):
    """Gives an image with a hole. Pathak et al. 2016, Yu et al. 2019."""

    holes: Literal["strokes", "boxes"] = "strokes"
    """What is missing: brush strokes, or one box."""

    called: ClassVar[str] = "inpainting"
    models: ClassVar[tuple[str, ...]] = ("pix2pix", "gated", "esrgan")
    has_holes: ClassVar[bool] = True
    augments: ClassVar[bool] = False  # what turns colours would turn the mask's with them

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.degradations import box_hole, free_form_hole
        from gan_jax.tasks.inpainting import Hole, inpainting

        holes: dict[str, Hole] = {"strokes": free_form_hole, "boxes": box_hole}
        return inpainting(holes[self.holes])

    def keep(self) -> Keep:
        """As in `TaskConfig`: the pixels beside the hole."""
        from gan_jax.tasks.inpainting import known_pixels

        return known_pixels


@dataclass(frozen=True)
class Colouring(TowardsTruth):
    """Gives a grey image."""

    called: ClassVar[str] = "colouring"

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.translation import colouring

        return colouring()

    def keep(self) -> Keep:
        """As in `TaskConfig`: how bright a pixel is."""
        from gan_jax.tasks.translation import known_luma

        return known_luma

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        grey = config.data.image_channels != 3
        said = "task: colouring makes colours of grey, and these data have none; add --data.channels 3"
        return super().wrong(config) + [said] * grey


@dataclass(frozen=True)
class FromEdges(TowardsTruth):
    """Gives an image's edges, in white on black."""

    called: ClassVar[str] = "from_edges"

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.translation import from_edges

        return from_edges()


@dataclass(frozen=True)
class Pairs(TowardsTruth):
    """Gives the left one of your own pairs: pictures side by side, or of the same name in two folders, A and B.

    Isola et al. 2017.
    """

    reverse: bool = False
    """Give the right one, and have the left one made."""

    called: ClassVar[str] = "pairs"
    of_pairs: ClassVar[bool] = True

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.translation import pairs

        return pairs(reverse=self.reverse)

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        data, found = config.data, super().wrong(config)
        found += ["data.path: pairs are your own; name their folder or .zip with --data.path"] * (not data.own)
        found += ["data.path: pairs are pictures, not arrays; name a folder or .zip of them"] * data.arrays
        skips = data.on_bad == "skip"
        found += ["data.on_bad: a pair of which one is bad is refused; drop --data.on-bad skip"] * skips
        return found + ["data.flip: mirrored, left and right change places; drop --data.flip"] * data.flip


@dataclass(frozen=True)
class Reconstruction(Given):
    """Gives the image itself, which is to come out of its code again: an autoencoder. Rombach et al. 2022."""

    l1: Weight = 10.0
    """Weight of the mean distance to the image, beside the adversarial loss."""
    kl: Weight = 1e-3
    """Weight of what a number of a code tells of its image, in nats: it keeps codes near a normal distribution."""

    called: ClassVar[str] = "reconstruction"
    models: ClassVar[tuple[str, ...]] = ("autoencoder", "autoencoderkl")
    augments: ClassVar[bool] = False

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.reconstruction import reconstruction

        return reconstruction()

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax.tasks.reconstruction import kl, l1

        return [term(weight) for term, weight in ((l1, self.l1), (kl, self.kl)) if weight]

    @property
    def asks(self) -> bool:
        """As in `Given`: that a code tells little is not enough to learn by."""
        return self.l1 > 0

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        found = super().wrong(config)
        if config.generator_batch == "own" and config.discriminator_steps == 1:
            found.append("generator_batch: reconstructions have the discriminator's; add --generator-batch shared")
        return found
