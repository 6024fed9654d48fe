"""Functional GANs in JAX: a GAN is a value, its state a pytree, and one pure function trains it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gan_jax.gan import GAN, GANState, generate, init, make_step, sample_latents
    from gan_jax.rules import Adaptive, scheduled
    from gan_jax.statistics import standing_statistics
    from gan_jax.types import Batch, Weights

__all__ = [
    "GAN",
    "Adaptive",
    "Batch",
    "GANState",
    "Weights",
    "generate",
    "init",
    "make_step",
    "sample_latents",
    "scheduled",
    "standing_statistics",
]

_ELSEWHERE = {
    "Adaptive": "rules",
    "Batch": "types",
    "Weights": "types",
    "scheduled": "rules",
    "standing_statistics": "statistics",
}
"""Where names live that are not in gan.py."""


def __getattr__(name: str) -> Any:
    """Imports the public names on first use: the command line must answer before JAX is loaded."""
    if name in __all__:
        return getattr(import_module(f"gan_jax.{_ELSEWHERE.get(name, 'gan')}"), name)
    raise AttributeError(f"module 'gan_jax' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The public names, imported or not: what a notebook offers."""
    return sorted([*__all__, "__version__"])
