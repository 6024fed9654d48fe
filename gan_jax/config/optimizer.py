"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_jax.config.ranges import Decay, Positive

if TYPE_CHECKING:
    import optax

    from gan_jax.config.rules import AnnealConfig


@dataclass(frozen=True)
class AdamConfig:
    """A network's Adam (Kingma & Ba 2015, arXiv:1412.6980)."""

    learning_rate: Positive = 2e-4
    """Adam's step size."""
    beta1: Decay = 0.5
    """Adam's decay of the gradient's mean."""
    beta2: Decay = 0.999
    """Adam's decay of the gradient's square."""
    epsilon: Positive = 1e-8
    """Adam's guard against division by zero."""

    def build(self, anneal: AnnealConfig, images: int) -> optax.GradientTransformation:
        """Adam whose step size and β₂ go where `anneal` says, by updates of so many images each."""
        import optax

        rate = anneal.schedule(self.learning_rate, anneal.learning_rate, images)
        beta2 = anneal.schedule(self.beta2, anneal.beta2, images)
        if not callable(beta2):
            return optax.adam(rate, self.beta1, beta2, self.epsilon)
        moving = optax.inject_hyperparams(optax.adam)
        return moving(learning_rate=rate, b1=self.beta1, b2=beta2, eps=self.epsilon)
