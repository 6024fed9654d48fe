"""The settings of the tasks: what is given, what is to be made of it, and what is asked beside the game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gan_jax.config.ranges import Count, FewSteps, Weight
from gan_jax.config.task import Judged, NoTask
from gan_jax.sizes import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_jax.config import Config
    from gan_jax.data.dataset import Dataset
    from gan_jax.data.prepared import Split
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task


@dataclass(frozen=True)
class FewLabels(Judged):
    """Makes a classifier of the discriminator, which is shown the labels of few images. Salimans et al. 2016."""

    labels: Count = 100
    """Images whose label is shown, as many of each class; the seed decides which."""

    called: ClassVar[str] = "few_labels"
    classifies: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("fmgan",)
    shows: ClassVar[str] = "few labels"


@dataclass(frozen=True)
class Given(Judged):
    """What all tasks have that give the generator something."""

    given: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("pix2pix", "esrgan")
    shows: ClassVar[str] = "images"
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


@dataclass(frozen=True)
class TowardsTruth(Given):
    """Tasks whose steps know what is to be made."""

    l1: Weight = 0.0
    """Weight of the mean distance to the true image, beside the adversarial loss (pix2pix: 100)."""

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax import supervision

        return [supervision.l1(self.l1)] if self.l1 else []

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.l1 > 0


@dataclass(frozen=True)
class SuperResolution(TowardsTruth):
    """Gives a smaller image. Ledig et al. 2017, Wang et al. 2018."""

    factor: FewSteps = 4
    """How many times larger an image becomes."""
    agreement: Weight = 0.0
    """Weight of the mean distance of what was made, made smaller again, to what was given."""

    called: ClassVar[str] = "super_resolution"
    models: ClassVar[tuple[str, ...]] = ("esrgan",)
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
    keeps_known: ClassVar[bool] = True
    augments: ClassVar[bool] = False  # what turns colours would turn the mask's with them

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.degradations import box_hole, free_form_hole
        from gan_jax.tasks.inpainting import Hole, inpainting

        holes: dict[str, Hole] = {"strokes": free_form_hole, "boxes": box_hole}
        return inpainting(holes[self.holes])


@dataclass(frozen=True)
class Colouring(TowardsTruth):
    """Gives a grey image."""

    called: ClassVar[str] = "colouring"

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.translation import colouring

        return colouring()

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
class TwoDomains(Given):
    """Tasks whose generators make one of the other domain's kind, each way. Zhu et al. 2017."""

    reverse: bool = False
    """Judge, show and apply the way from B to A, or from images to outlines; both are learnt."""
    cycle: Weight = 10.0
    """Weight of the mean distance of what is made, and made back again, to what was given."""
    identity: Weight = 5.0
    """Weight of the mean distance of what is made of an image that is in the domain already to it."""

    between_domains: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("cyclegan",)
    augments: ClassVar[bool] = False

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """The images of each domain."""
        raise NotImplementedError

    def read(self, load: Callable[[Split], Dataset]) -> Dataset:
        """As in `TaskConfig`; of each domain some are held out."""
        from gan_jax.data.domains import join
        from gan_jax.data.held_out import split

        a, b = (split(side, self.test) for side in self.domains(load("train")))
        return join(a, b)

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax import supervision

        terms = [supervision.cycle(self.cycle)] if self.cycle else []
        return terms + ([supervision.identity(self.identity)] if self.identity else [])

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.cycle > 0 or self.identity > 0

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        found = super().wrong(config)
        if config.generator_batch == "own" and config.discriminator_steps == 1:
            found.append(
                "generator_batch: of two domains no batch of its own is told from one; add --generator-batch shared"
            )
        return found

    def _wrong_test(self, config: Config) -> list[str]:
        none = [f"task.test: of {self.called} images some are held out; add --task.test 0.1"]
        return super()._wrong_test(config) if self.test else none


@dataclass(frozen=True)
class Unpaired(TwoDomains):
    """Pictures in two folders, A and B, that need not match."""

    called: ClassVar[str] = "unpaired"

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """As in `TwoDomains`."""
        from gan_jax.data.domains import by_folder

        return by_folder(data)

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.domains import unpaired

        return unpaired(reverse=self.reverse)

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        data, found = config.data, super().wrong(config)
        found += ["data.path: two domains are your own pictures; name their folder or .zip"] * (not data.own)
        return found + ["data.path: two domains are pictures, not arrays; name a folder or .zip of them"] * data.arrays


@dataclass(frozen=True)
class Restyled(TwoDomains):
    """One half of any images, drawn as outlines, and the other half: what is to be made is known, to judges alone."""

    called: ClassVar[str] = "restyled"

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """As in `TwoDomains`."""
        from gan_jax.data.domains import halves

        return halves(data)

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.degradations import outlines
        from gan_jax.tasks.domains import restyled

        return restyled(outlines, reverse=self.reverse)


AnyTask = NoTask | SuperResolution | Inpainting | Colouring | FromEdges | Pairs | Unpaired | Restyled | FewLabels
