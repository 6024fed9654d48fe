"""What is compared: three networks, how each is trained, and at which size."""

import math
from typing import NamedTuple


class Setup(NamedTuple):
    """What is trained, and how; the same on every side."""

    latent: int
    batch: int  # on a GPU, as published; 32 on a CPU
    loss: str
    learning_rate: float
    beta2: float
    r1: float = 0.0
    r2: float = 0.0
    lazy: bool = False


SETUPS = {
    "r3gan": Setup(64, 512, "relativistic", 2e-4, 0.9, r1=0.05, r2=0.05),
    "sngan": Setup(128, 64, "hinge", 2e-4, 0.9),
    "stylegan2": Setup(512, 64, "non_saturating", 2.5e-3, 0.99, r1=0.01, lazy=True),
}
PLAYERS = ("generator", "discriminator")
CHECKED = 8
"""Images of the batch that both sides must agree on."""


class Case(NamedTuple):
    """One network at one size."""

    network: str
    divisor: int
    batch: int
    precision: str

    @property
    def latent(self) -> int:
        """StyleGAN2's shrinks with its styles."""
        own = SETUPS[self.network].latent
        return own // self.divisor if self.network == "stylegan2" else own

    def every(self, batch: int) -> int:
        """Penalties see one in so many images of a batch: two or more in all."""
        return math.gcd(16, batch // 2) if SETUPS[self.network].lazy else 1
