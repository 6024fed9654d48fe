"""The settings of text that is to be likely, beside the game or in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from gan_jax.config.ranges import Positive
from gan_jax.config.schema import name_of
from gan_jax.config.task import TaskConfig

if TYPE_CHECKING:
    from gan_jax.config import Config
    from gan_jax.supervision import Supervision


@dataclass(frozen=True)
class Likelihood(TaskConfig):
    """Makes the text of the data likely, character by character, as language models do; with --loss none that alone."""

    weight: Positive = 1.0
    """Of the mean of -log p of a character, beside the game's loss."""

    called: ClassVar[str] = "likelihood"
    models: ClassVar[tuple[str, ...]] = ("relgan",)

    def supervision(self) -> Supervision:
        """As in `TaskConfig`."""
        from gan_jax import supervision

        return supervision.likelihood(self.weight)

    def wrong(self, config: Config) -> list[str]:
        """As in `TaskConfig`."""
        name = name_of(config.model)
        if config.data.kind != "text":
            return [f"task: likelihood is of text, not of {config.data.kind}; drop --task"]
        return [] if name in self.models else [f"model: {name} has no likelihood; take --model relgan, or drop --task"]
