"""R3GAN in PyTorch, unconditional (Huang et al. 2024, arXiv:2501.05441). Modules have the names of gan_jax's."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from peers.layers import Convolution, Resample, low_precision_at
from peers.setups import Case

START = 4
GROUP = 16


class Block(nn.Module):
    """x + W₃ φ(W₂ φ(W₁ x)): 1x1 to twice the channels, 3x3 in groups of 16 channels, 1x1 back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 2 * width
        self.widen = Convolution(width, inner, 1)
        self.mix = Convolution(inner, inner, 3, groups=inner // GROUP)
        self.narrow = Convolution(inner, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the block."""
        y = functional.leaky_relu(self.mix(functional.leaky_relu(self.widen(x), 0.2)), 0.2)
        return x + self.narrow(y)


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 3, 32, 32]`."""

    def __init__(self, latent: int, width: int, precision: str) -> None:
        super().__init__()
        self.precision = precision
        self.basis = nn.Parameter(torch.empty(width, START, START))
        self.scale = nn.Linear(latent, width, bias=False)
        self.stages = _add_stages(self, width)
        self.pixels = Convolution(width, 3, 1, bias=False)
        self.resample = Resample()

    def forward(self, latents: Tensor) -> Tensor:
        """Draws one image for each latent."""
        x = self.basis * self.scale(latents)[:, :, None, None]
        x = x.contiguous(memory_format=_layout(self.pixels))
        for pixels, blocks in self.stages:
            x = x.to(low_precision_at(pixels, self.precision))
            x = self.resample.up(x) if pixels > START else x
            for name in blocks:
                x = self.get_submodule(name)(x)
        return self.pixels(x).float()


class Discriminator(nn.Module):
    """Images `[B, 3, 32, 32]` to logits `[B]`: the generator's stages in reverse."""

    def __init__(self, width: int, precision: str) -> None:
        super().__init__()
        self.precision = precision
        self.extract = Convolution(3, width, 1, bias=False)
        self.stages = _add_stages(self, width)
        self.basis = nn.Parameter(torch.empty(width, START, START))
        self.logit = nn.Linear(width, 1, bias=False)
        self.resample = Resample()

    def forward(self, images: Tensor) -> Tensor:
        """Scores each image."""
        x = self.extract(images.to(low_precision_at(images.shape[-1], self.precision)))
        for pixels, blocks in reversed(self.stages):
            x = x.to(low_precision_at(pixels, self.precision))
            for name in blocks:
                x = self.get_submodule(name)(x)
            x = self.resample.down(x) if pixels > START else x
        return self.logit((x.float() * self.basis).sum((2, 3)))[:, 0]


def build(case: Case) -> tuple[nn.Module, nn.Module]:
    """The paper's CIFAR-10 networks, 768 channels wide, or a part of that."""
    width = 768 // case.divisor
    return Generator(case.latent, width, case.dtype), Discriminator(width, case.dtype)


def _add_stages(network: nn.Module, width: int) -> list[tuple[int, list[str]]]:
    """Adds two blocks for each of four resolutions, and returns (pixels, their names) from 4x4 up."""
    stages = []
    for pixels in (4, 8, 16, 32):
        names = [f"block_{pixels}_{j}" for j in range(2)]
        for name in names:
            network.add_module(name, Block(width))
        stages.append((pixels, names))
    return stages


def _layout(layer: Convolution) -> Any:
    # A layer of 1x1 kernels has both layouts at once: `models` writes down which one is meant.
    return getattr(layer, "layout", torch.contiguous_format)
