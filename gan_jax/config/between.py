"""The settings of the tasks between two domains, whose images need not belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.given import Given
from gan_jax.config.ranges import OptionalCount, Positive, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_jax.config import Config
    from gan_jax.data.dataset import Dataset
    from gan_jax.data.prepared import Split
    from gan_jax.replay import Replay
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task


@dataclass(frozen=True)
class TwoDomains(Given):
    """What all tasks have whose images are of two domains: some of each are held out."""

    between_domains: ClassVar[bool] = True
    augments: ClassVar[bool] = False

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """The images of each domain."""
        raise NotImplementedError

    def both(self) -> Task:
        """The task of going both ways, which shows the one that is asked for."""
        raise NotImplementedError

    def read(self, load: Callable[[Split], Dataset]) -> Dataset:
        """As in `TaskConfig`; of each domain some are held out."""
        from gan_jax.data.domains import join
        from gan_jax.data.held_out import split

        a, b = (split(side, self.test) for side in self.domains(load("train")))
        return join(a, b)

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
class BothWays(TwoDomains):
    """Tasks whose generators make one of the other domain's kind, each way. Zhu et al. 2017."""

    reverse: bool = False
    """Judge, show and apply the way from B to A, or from images to outlines; both are learnt."""
    cycle: Weight = 10.0
    """Weight of the mean distance of what is made, and made back again, to what was given."""
    identity: Weight = 5.0
    """Weight of the mean distance of what is made of an image that is in the domain already to it."""
    pool: OptionalCount = 50
    """Pairs of before that are kept: half of what the discriminator is shown of generated ones is out of them. None: it
    is shown the newest alone, as penalties are in any case."""

    models: ClassVar[tuple[str, ...]] = ("cyclegan",)

    def build(self) -> Task:
        """As in `TaskConfig`."""
        return self.both()

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax import supervision

        terms = [supervision.cycle(self.cycle)] if self.cycle else []
        return terms + ([supervision.identity(self.identity)] if self.identity else [])

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.cycle > 0 or self.identity > 0

    def replay(self) -> Replay:
        """As in `TaskConfig`."""
        from gan_jax import replay

        return replay.pool(self.pool) if self.pool else replay.newest


@dataclass(frozen=True)
class OneWay(TwoDomains):
    """Tasks whose generator makes one of domain B's kind, and knows no way back. Park et al. 2020."""

    reverse: bool = False
    """Learn the way from B to A, or from images to outlines."""
    contrast: Weight = 1.0
    """Weight of the cross entropy by which a patch of what is made finds its own among those given (FastCUT: 10)."""
    contrast_of_real: Weight = 1.0
    """The same of what is made of an image that is in the domain already (FastCUT: 0)."""
    temperature: Positive = 0.07
    """What products of patches are divided by, before the softmax."""

    models: ClassVar[tuple[str, ...]] = ("cut",)

    def build(self) -> Task:
        """As in `TaskConfig`."""
        from gan_jax.tasks.domains import one_way

        return one_way(self.both())

    def terms(self) -> list[Supervision]:
        """As in `Given`."""
        from gan_jax.supervision import contrast, contrast_of_real

        weighed = ((contrast, self.contrast), (contrast_of_real, self.contrast_of_real))
        return [term(weight, self.temperature) for term, weight in weighed if weight]

    @property
    def asks(self) -> bool:
        """As in `Given`."""
        return self.contrast > 0 or self.contrast_of_real > 0


@dataclass(frozen=True)
class TwoFolders(TwoDomains):
    """Pictures in two folders, A and B, that need not match."""

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """As in `TwoDomains`."""
        from gan_jax.data.domains import by_folder

        return by_folder(data)

    def both(self) -> Task:
        """As in `TwoDomains`."""
        from gan_jax.tasks.domains import unpaired

        return unpaired(reverse=self.reverse)

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        data, found = config.data, super().wrong(config)
        found += ["data.path: two domains are your own pictures; name their folder or .zip"] * (not data.own)
        return found + ["data.path: two domains are pictures, not arrays; name a folder or .zip of them"] * data.arrays


@dataclass(frozen=True)
class TwoHalves(TwoDomains):
    """One half of any images, drawn as outlines, and the other half: what is to be made is known, to judges alone."""

    def domains(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """As in `TwoDomains`."""
        from gan_jax.data.domains import halves

        return halves(data)

    def both(self) -> Task:
        """As in `TwoDomains`."""
        from gan_jax.tasks.degradations import outlines
        from gan_jax.tasks.domains import restyled

        return restyled(outlines, reverse=self.reverse)


@dataclass(frozen=True)
class Unpaired(BothWays, TwoFolders):
    """Each of two kinds of pictures, in folders A and B, from the other. Zhu et al. 2017."""

    called: ClassVar[str] = "unpaired"


@dataclass(frozen=True)
class Restyled(BothWays, TwoHalves):
    """Images from outlines and outlines from images, of halves of the same data: the truth is known."""

    called: ClassVar[str] = "restyled"


@dataclass(frozen=True)
class UnpairedOneWay(OneWay, TwoFolders):
    """One of two kinds of pictures, in folders A and B, from the other. Park et al. 2020."""

    called: ClassVar[str] = "unpaired_one_way"


@dataclass(frozen=True)
class RestyledOneWay(OneWay, TwoHalves):
    """Images from outlines, of halves of the same data: the truth is known."""

    called: ClassVar[str] = "restyled_one_way"
