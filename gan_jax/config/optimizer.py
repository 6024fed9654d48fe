"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gan_jax.config.ranges import Decay, OptionalCount, OptionalPositive, Positive, Weight

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

    clip: OptionalPositive = None
    """Largest norm of a gradient, over all parameters; a larger one is scaled down to it. Default: any."""
    weight_decay: Weight = 0.0
    """Share of each parameter that a step takes away, times its step size (AdamW)."""
    base_width: OptionalCount = None
    """Channels of the networks that learning_rate is for: at n times as many it is an n-th of it. Default: all."""

    def build(self, anneal: AnnealConfig, images: int, width: int) -> optax.GradientTransformation:
        """Adam for a network so wide, whose step size and β₂ go where `anneal` says, by updates of so many images."""
        import optax

        narrower = self.base_width / width if self.base_width else 1
        end = None if anneal.learning_rate is None else anneal.learning_rate * narrower
        given = {
            "learning_rate": anneal.schedule(self.learning_rate * narrower, end, images),
            "b2": anneal.schedule(self.beta2, anneal.beta2, images),
        }
        decay = {"weight_decay": self.weight_decay} if self.weight_decay else {}
        rule = optax.adamw if decay else optax.adam
        moving = optax.inject_hyperparams(rule) if callable(given["b2"]) else rule
        adam = moving(**given, b1=self.beta1, eps=self.epsilon, **decay)
        return adam if self.clip is None else optax.chain(optax.clip_by_global_norm(self.clip), adam)
