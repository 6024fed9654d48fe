"""The settings of the tasks that tell classes: of images, by few labels, and of their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.given import Given
from gan_jax.config.ranges import Classes, Count, Weight
from gan_jax.config.task import Judged

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task
    from gan_jax.types import End


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
class Segmentation(Given):
    """Tells the class of every pixel, of masks that tell it: folders A and B of your own. Luc et al. 2016."""

    classes: Classes = 2
    """How many classes are told apart, the background among them; masks have their numbers, from 0."""
    cross_entropy: Weight = 1.0
    """Weight of the cross entropy of each pixel's class, beside the adversarial loss."""

    called: ClassVar[str] = "segmentation"
    of_masks: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("pix2pix",)
    augments: ClassVar[bool] = False

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.cross_entropy > 0

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax import supervision

        return [supervision.cross_entropy(self.cross_entropy)] if self.cross_entropy else []

    def made_as(self, data: DataConfig) -> tuple[int, End]:
        """As in `TaskConfig`: shares of the classes."""
        from jax.nn import softmax

        return self.classes, softmax

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.segmentation import segmentation

        return segmentation(self.classes)

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        data, found = config.data, super().wrong(config)
        if data.own:
            found += ["data.path: masks are pictures, not arrays; name a folder or .zip of both"] * data.arrays
            skips = data.on_bad == "skip"
            found += ["data.on_bad: a picture whose mask is bad is refused; drop --data.on-bad skip"] * skips
        elif data.name != "cluttered_mnist":
            found.append(f"data.name: {data.name} has no masks; take cluttered_mnist, or name yours with --data.path")
        elif self.classes != 11:
            found.append(f"task.classes: cluttered_mnist has ten digits and the background, 11, not {self.classes}")
        return found
