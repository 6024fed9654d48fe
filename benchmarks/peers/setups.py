"""What is compared: networks, how each is trained, at which size, and in which arithmetic."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Setup(NamedTuple):
    """What is trained, and how; the same on every side."""

    latent: int
    batch: int  # on a GPU, as published; of GAT what should fit into 80 GB
    loss: str
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float = 1e-8
    r1: float = 0.0
    r2: float = 0.0
    lazy: bool = False
    levels: int = 0  # of each image that D sees behind noise; R1 and R2 are then by differences
    clip: float = 0.0  # the largest norm of a gradient, if there is one
    size: int = 32
    channels: int = 3
    batch_on_cpu: int = 32
    divisor_on_cpu: int = 8
    peers: tuple[str, ...] = ("PyTorch eager", "PyTorch compiled")
    precisions: tuple[str, ...] = ("float32", "tf32", "bfloat16")  # on a GPU; on a CPU float32


TRANSFORMERS: Any = {"beta1": 0.0, "beta2": 0.99, "r1": 0.1, "r2": 0.1, "levels": 4, "clip": 1.0, "channels": 4}
"""How GAT is trained, in an autoencoder's latents."""

SETUPS = {
    "article": Setup(
        100, 64, "non_saturating", 1e-4, 0.9, 0.999, 1e-7, size=28, channels=1, batch_on_cpu=64, divisor_on_cpu=1,
        peers=("Keras",), precisions=("tf32",),
    ),
    "dcgan": Setup(100, 128, "non_saturating", 2e-4, 0.5, 0.999, size=64, divisor_on_cpu=1),
    "gat": Setup(64, 256, "relativistic", 4e-4, **TRANSFORMERS),
    "gat-b2": Setup(64, 32, "relativistic", 2e-4, **TRANSFORMERS),
    "r3gan": Setup(64, 512, "relativistic", 2e-4, 0.0, 0.9, r1=0.05, r2=0.05),
    "sngan": Setup(128, 64, "hinge", 2e-4, 0.0, 0.9),
    "stylegan2": Setup(512, 64, "non_saturating", 2.5e-3, 0.0, 0.99, r1=0.01, lazy=True),
}  # fmt: skip
PLAYERS = ("generator", "discriminator")
CHECKED = 8
"""Images of the batch that both sides must agree on."""


class Precision(NamedTuple):
    """How a side computes."""

    dtype: str  # of most maps; parameters are float32
    products: str  # of float32 arrays, as `jax_default_matmul_precision` names it
    tf32: bool  # whether PyTorch may round their inputs to TF32


PRECISIONS = {
    "float32": Precision("float32", "float32", False),
    "tf32": Precision("float32", "tensorfloat32", True),
    "bfloat16": Precision("bfloat16", "tensorfloat32", True),
}


class Transformer(NamedTuple):
    """How large GAT's networks are; fields are those of gan_jax's."""

    depth: int
    width: int
    heads: int
    patch: int


class Case(NamedTuple):
    """One network at one size."""

    network: str
    divisor: int
    batch: int
    precision: str

    @property
    def setup(self) -> Setup:
        """How the network is trained."""
        return SETUPS[self.network]

    @property
    def module(self) -> str:
        """Of `peers`, in which PyTorch's side of the network is written."""
        return self.network.partition("-")[0]

    @property
    def latent(self) -> int:
        """StyleGAN2's shrinks with its styles."""
        return self.setup.latent // self.divisor if self.network == "stylegan2" else self.setup.latent

    @property
    def transformer(self) -> Transformer:
        """GAT's S/4 or B/2; narrower ones have four blocks. Heads are of 64 channels, or one."""
        width, patch = {"gat": (384, 4), "gat-b2": (768, 2)}[self.network]
        width //= self.divisor
        return Transformer(12 if self.divisor == 1 else 4, width, max(1, width // 64), patch)

    @property
    def dtype(self) -> str:
        """Of most maps."""
        return PRECISIONS[self.precision].dtype

    def images(self, count: int) -> tuple[int, int, int, int]:
        """The shape of so many."""
        return (count, self.setup.size, self.setup.size, self.setup.channels)

    def every(self, batch: int) -> int:
        """Penalties see one in so many images of a batch: two or more in all."""
        return math.gcd(16, batch // 2) if self.setup.lazy else 1


class Running(NamedTuple):
    """A side under way, on a device of a name."""

    step: Callable[[np.ndarray], None]  # hands over uint8 images `[B, H, W, C]`
    wait: Callable[[], None]  # until all that was handed over is done, and the last losses are known
    device: str
    peak: Callable[[], int | None] = lambda: None  # bytes that arrays took on the device at most, where it says so
    flops: float | None = None  # of the products of a step
    rate: Callable[[], float | None] = lambda: None  # FLOPs a second of one large product
