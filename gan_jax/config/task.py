"""What the settings of all tasks have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.data import WITH_TEST_IMAGES
from gan_jax.config.ranges import Share
from gan_jax.config.schema import kinds, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gan_jax.config import Config
    from gan_jax.config.data import DataConfig
    from gan_jax.data.dataset import Dataset
    from gan_jax.data.prepared import Split
    from gan_jax.models.composed import Keep
    from gan_jax.replay import Replay
    from gan_jax.supervision import Supervision
    from gan_jax.tasks.task import Task
    from gan_jax.types import End


@dataclass(frozen=True)
class TaskConfig:
    """What a GAN is for."""

    called: ClassVar[str]
    given: ClassVar[bool] = False  # whether the generator is given something, of which it makes something
    classifies: ClassVar[bool] = False  # whether the discriminator becomes a classifier
    of_pairs: ClassVar[bool] = False  # whether real images are two side by side, read as one
    of_masks: ClassVar[bool] = False  # whether they are a picture above its mask
    between_domains: ClassVar[bool] = False  # whether they are one of each domain, one above the other
    has_holes: ClassVar[bool] = False  # whether something is missing in what is given, and a mask says where

    @property
    def reverse(self) -> bool:
        """Whether it goes from the second image to the first."""
        return False

    @property
    def factor(self) -> int:
        """How many times larger an image becomes."""
        return 1

    def made_as(self, data: DataConfig) -> tuple[int, End]:
        """Channels of what is made, and what the last layer of a generator goes through."""
        return data.image_channels, data.end

    def build(self) -> Task:
        """The task, where something is given."""
        raise NotImplementedError

    def keep(self) -> Keep | None:
        """How what is known of an image is kept in what is made of it; None where all of it is made."""
        return None

    def supervision(self) -> Supervision:
        """What is asked of the generator beside the game: nothing."""
        from gan_jax import supervision

        return supervision.none

    def replay(self) -> Replay:
        """What the discriminator is shown of all that was made: the newest."""
        from gan_jax import replay

        return replay.newest

    def check_files(self) -> None:
        """Raises DataError where a file that training needs, beside the data, is not what it should be."""

    def read(self, load: Callable[[Split], Dataset]) -> Dataset:
        """The data, of which `load` reads a split; some of them held out, where the task is judged by such."""
        return load("train")

    def wrong(self, config: Config) -> list[str]:
        """What does not go together in here, or with the rest."""
        raise NotImplementedError


@dataclass(frozen=True)
class NoTask(TaskConfig):
    """Samples: nothing is given."""

    called: ClassVar[str] = "none"

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        name, found = name_of(config.model), []
        if config.loss == "none":
            found.append("loss: none is no game; it is for a --task, with --task.l1")
        if config.model.translates:
            fitting = _own_tasks(name) or "--task inpainting, or another"
            found.append(f"model: {name} is given an image, and makes one of it; add {fitting}, or take another model")
        if config.model.classifies:
            found.append(f"model: {name} is for few labels; add --task few_labels")
        if config.evaluate.every and config.evaluate.best == "error":
            found.append("evaluate.best: error is a classifier's; add --task few_labels")
        return found


@dataclass(frozen=True)
class Judged(TaskConfig):
    """Tasks that are judged by images which no step has seen."""

    test: Share = 0.1
    """Share of the images that is held out, and that scores and pictures are of; 0: the test images that come with the
    named data, and none of the others."""

    models: ClassVar[tuple[str, ...]]  # that are for it
    shows: ClassVar[str]  # what networks are given, in place of all labels

    def read(self, load: Callable[[Split], Dataset]) -> Dataset:
        """As in `TaskConfig`."""
        from gan_jax.data.held_out import split

        data = load("train")
        return split(data, self.test) if self.test else replace(data, test=load("test"))

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        name, found = name_of(config.model), []
        if (kind := config.data.kind) != "pictures":
            return [f"task: {self.called} is of pictures, not of {kind}; drop --task"]
        if name not in self.models:
            fitting, own = " or ".join(f"--model {model}" for model in self.models), _own_tasks(name)
            found.append(f"model: {name} is not for --task {self.called}; take {fitting}{own and f', or {own}'}")
        if config.tells:
            key, told, mend = ("data.clusters", "clusters", "drop --data.clusters")
            if config.conditional:
                key, told, mend = ("conditional", "classes", "add --no-conditional")
            found.append(
                f"{key}: networks of --task {self.called} are given {self.shows}, not the images' {told}; {mend}"
            )
        return found + self._wrong_test(config)

    def _wrong_test(self, config: Config) -> list[str]:
        if not self.test and (config.data.path or config.data.name not in WITH_TEST_IMAGES):
            which = ", ".join(WITH_TEST_IMAGES)
            return [f"task.test: 0 is of data with test images of their own, {which}; hold some out, --task.test 0.1"]
        return [f"task.test: expected a share below 1, got {self.test:g}"] * (self.test == 1)


def _own_tasks(model: str) -> str:
    """The one or two tasks that a model is for, as options; "" of models for many tasks, or for none."""
    from gan_jax.config.tasks import AnyTask

    tasks = [task for task, kind in kinds(AnyTask).items() if model in getattr(kind, "models", ())]
    return f"--task {' or '.join(tasks)}" if len(tasks) in (1, 2) else ""
