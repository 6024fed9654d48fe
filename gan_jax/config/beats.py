"""How often things happen in a run, and how it is judged: no step computes another thing for these."""

from dataclasses import dataclass
from typing import Literal

from gan_jax.config.ranges import Count, OptionalCount, OptionalSamples


@dataclass(frozen=True)
class CadenceConfig:
    """How often things happen, in steps. Changing these does not change the run."""

    log: Count = 10
    """Write a row of metrics.jsonl and check that all is finite."""
    sample: Count = 200
    """Draw the grid of samples."""
    checkpoint: Count = 500
    """Save the whole state."""
    keep: Count = 2
    """How many checkpoints stay on disk."""


Best = Literal[
    "fid",
    "kid",
    "precision",
    "recall",
    "density",
    "coverage",
    "error",
    "miou",
    "js1",
    "js2",
    "js3",
    "js4",
    "speed_w1",
    "direction_w1",
    "turn_w1",
    "same_class",
]
"""Scores by which the best checkpoint can be kept."""


@dataclass(frozen=True)
class EvaluateConfig:
    """How a run is judged while it trains. Changing these does not change the run."""

    every: OptionalCount = None
    """Steps between evaluations of the averaged weights, the last step included. Default: never."""
    samples: OptionalSamples = None
    """Images to draw for each evaluation; as many real ones at most are compared with them one by one. Default: 5,000,
    or ten for each real image where there are fewer than 500."""
    features: Literal["classifier", "inception", "pixels"] | None = None
    """What images are compared in. Default: classifier (trained on the data) if the data have classes, else pixels."""
    weights: str | None = None
    """The Inception weights file. Default: where `gan-jax evaluate --download` puts it."""
    best: Best = "fid"
    """The score by which the best checkpoint is kept, beside the newest ones. error is the classifier's, of few_labels:
    what chose a checkpoint by test images does not tell what it would do on others. miou is of segmentation, js1
    to js4 are of text, and the last four of clips."""

    def wrong(self) -> list[str]:
        """What is asked for in here and does nothing."""
        idle = self.weights is not None and self.every is None
        return ["evaluate.weights: they are read where a run is scored; add --evaluate.every N"] * idle
