"""Functional GANs in JAX: a GAN is a value, its state a pytree, and one pure function trains it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gan_jax.gan import (
        GAN,
        Batch,
        GANState,
        Scheduled,
        Weights,
        generate,
        init,
        make_step,
        sample_latents,
        standing_statistics,
    )

__all__ = [
    "GAN",
    "Batch",
    "GANState",
    "Scheduled",
    "Weights",
    "generate",
    "init",
    "make_step",
    "sample_latents",
    "standing_statistics",
]


def __getattr__(name: str) -> Any:
    """Imports the public names on first use: the command line must answer before JAX is loaded."""
    if name in __all__:
        return getattr(import_module("gan_jax.gan"), name)
    raise AttributeError(f"module 'gan_jax' has no attribute {name!r}; it offers {', '.join(__all__)}")
