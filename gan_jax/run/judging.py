"""What a judge of a run is asked, and is: a function of the state, and the protocol by which it judges."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Literal, NamedTuple

from gan_jax import __version__
from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.gan import GANState
from gan_jax.run.scoreboard import Evaluation

Kind = Literal["classifier", "inception", "pixels"]


EVALUATED, WATCHED = 10_000, 5_000
"""Samples that are drawn where nobody says how many: by `gan-jax evaluate`, and while a run trains."""

EACH = 10
"""Samples for each real image, where that is fewer: more would say little that the few real ones could answer."""


def samples_of(config: Config, data: Dataset, asked: int | None, usual: int) -> int:
    """How many things are drawn to judge a run: so many as are asked for, or the usual number, or `EACH` for each.

    Where each is compared with one of its own, or with as many, there are no more than these, whoever asks.
    """
    count = usual if asked is None else asked
    if config.judged_by == "motion":
        return min(count, len(data) // 2)
    if config.judged_by in ("ngrams", "masks") or config.task.given:
        assert data.test is not None
        return min(count, len(data.test))
    return min(count, EACH * len(data)) if asked is None else count


class Asked(NamedTuple):
    """How somebody wants a run to be judged."""

    samples: int
    kind: Kind | None = None  # of features
    weights: str | None = None  # the file of Inception's
    download: bool = False
    seed: int = 0
    averaged: bool = True

    @property
    def weights_are(self) -> str:
        """The generator's, by name."""
        return "averaged" if self.averaged else "raw"


class Judge(NamedTuple):
    """A function of the state alone, and the protocol by which it judges."""

    protocol: dict[str, Any]
    evaluate: Callable[[GANState], Evaluation]


def protocol(
    asked: Asked,
    *,
    features: str,
    about: str,
    sha256: str,
    reference: str,
    data: str,
    samples: int,
    conventions: str,
    compared: int | None = None,
    things: str | None = None,
) -> dict[str, Any]:
    """All that scores depend on besides the weights: what of each is compared, by its hash, with what, and how.

    `data` is the fingerprint of the reference; of `things` that are no images there is a word.
    """
    return {
        "features": features,
        "about": about,
        "features_sha256": sha256,
        "reference": reference,
        "reference_sha256": data,
        **({"things": things} if things else {}),
        "compared": samples if compared is None else compared,
        "samples": samples,
        "seed": asked.seed,
        "weights": asked.weights_are,
        "conventions": conventions,
        "versions": {"gan-jax": __version__} | {name: version(name) for name in ("jax", "flax", "numpy")},
    }
