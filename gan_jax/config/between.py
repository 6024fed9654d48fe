"""The settings of the tasks between two domains, whose images need not belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.given import Given
from gan_jax.config.ranges import Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_jax.config import Config
    from gan_jax.data.dataset import Dataset
    from gan_jax.data.prepared import Split
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task


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
