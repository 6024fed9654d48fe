"""What every tracker is."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

Say = Callable[[str], None]
"""Tells a person one line."""


class Tracker(Protocol):
    """Shows a run elsewhere. Steps come in order; whatever it raises ends the tracker, not the run."""

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Shows numbers of a step by their names: metrics and speed, or scores."""

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Shows a picture of a step: uint8 `[H, W]`, or `[H, W, 3]`."""

    def flush(self) -> None:
        """Sees that no kill takes what came before."""

    def close(self) -> None:
        """Ends, with all that came."""
