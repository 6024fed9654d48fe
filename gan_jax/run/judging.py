"""What a judge of a run is asked, and is: a function of the state, and the protocol by which it judges."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Literal, NamedTuple

from gan_jax import __version__
from gan_jax.gan import GANState
from gan_jax.run.scoreboard import Evaluation

Kind = Literal["classifier", "inception", "pixels"]


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
