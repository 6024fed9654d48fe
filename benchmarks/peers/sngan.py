"""SNGAN's residual pair in PyTorch, unconditional, for CIFAR-10 (Miyato et al. 2018, arXiv:1802.05957, appendix B.4).

Spectral normalisation is PyTorch's own parametrization. Modules have the names of gan_jax's.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from peers.layers import Convolution
from peers.setups import Case


class Doubling(nn.Module):
    """Short cut + conv(φ(norm(conv(up(φ(norm(x))))))), the short cut a 1x1 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_0, self.norm_1 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.convolution_0, self.convolution_1 = Convolution(width, width, 3), Convolution(width, width, 3)
        self.short = Convolution(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the block."""
        y = self.convolution_0(functional.interpolate(functional.relu(self.norm_0(x)), scale_factor=2.0))
        short = functional.interpolate(self.short(x), scale_factor=2.0)
        return short + self.convolution_1(functional.relu(self.norm_1(y)))


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 3, 32, 32]` in [-1, 1]."""

    def __init__(self, latent: int, width: int, precision: str) -> None:
        super().__init__()
        self.dtype = getattr(torch, precision)
        self.project = nn.Linear(latent, 16 * width)
        for i in range(3):
            self.add_module(f"block_{i}", Doubling(width))
        self.norm = nn.BatchNorm2d(width)
        self.pixels = Convolution(width, 3, 3)

    def forward(self, latents: Tensor) -> Tensor:
        """Draws one image for each latent."""
        # Rows, columns, channels: the order of gan_jax, so that one kernel serves both.
        x = self.project(latents).reshape(len(latents), 4, 4, -1).permute(0, 3, 1, 2).to(self.dtype)
        for i in range(3):
            x = self.get_submodule(f"block_{i}")(x)
        return self.pixels(functional.relu(self.norm(x))).float().tanh()


class Halving(nn.Module):
    """Short cut + down(conv(φ(conv(φ(x))))); at the image without the first φ."""

    def __init__(self, inputs: int, width: int, halve: bool, first: bool) -> None:
        super().__init__()
        self.convolution_0 = spectral_norm(Convolution(inputs, width, 3))
        self.convolution_1 = spectral_norm(Convolution(width, width, 3))
        self.first, self.halve = first, halve
        if halve:
            self.short = spectral_norm(Convolution(inputs, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Applies the block."""
        y = self.convolution_1(functional.relu(self.convolution_0(x if self.first else functional.relu(x))))
        return self.short(functional.avg_pool2d(x, 2)) + functional.avg_pool2d(y, 2) if self.halve else x + y


class Discriminator(nn.Module):
    """Images `[B, 3, 32, 32]` to logits `[B]`."""

    def __init__(self, width: int, precision: str) -> None:
        super().__init__()
        self.dtype = getattr(torch, precision)
        for i in range(4):
            self.add_module(f"block_{i}", Halving(width if i else 3, width, i < 2, i == 0))
        self.logit = spectral_norm(nn.Linear(width, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Scores each image."""
        x = images.to(self.dtype)
        for i in range(4):
            x = self.get_submodule(f"block_{i}")(x)
        return self.logit(functional.relu(x.float()).sum((2, 3)))[:, 0]


def build(case: Case) -> tuple[nn.Module, nn.Module]:
    """The paper's CIFAR-10 networks, 256 and 128 channels wide, or a part of that."""
    widths = 256 // case.divisor, 128 // case.divisor
    return Generator(case.latent, widths[0], case.dtype), Discriminator(widths[1], case.dtype)
