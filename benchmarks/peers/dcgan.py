"""DCGAN in PyTorch, for 64x64 images (Radford et al. 2015, arXiv:1511.06434). Modules have the names of gan_jax's."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from peers.setups import Case

STAGES = 4
SLOPE = 0.2


class Halving(nn.Conv2d):
    """A 4x4 convolution of stride 2; parameters are float32, it computes in the input's dtype."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__(inputs, outputs, 4, 2, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return functional.conv2d(x, self.weight.to(x.dtype), bias, 2, 1)


class Doubling(nn.ConvTranspose2d):
    """Its adjoint, likewise."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__(inputs, outputs, 4, 2, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return functional.conv_transpose2d(x, self.weight.to(x.dtype), bias, 2, 1)


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 3, 64, 64]` in [-1, 1]."""

    def __init__(self, latent: int, width: int, precision: str) -> None:
        super().__init__()
        self.dtype = getattr(torch, precision)
        widest = width << (STAGES - 1)
        self.project = nn.Linear(latent, 16 * widest, bias=False)
        for i in range(STAGES):
            self.add_module(f"norm_{i}", nn.BatchNorm2d(widest >> i))
        for i in range(1, STAGES):
            self.add_module(f"up_{i}", Doubling(widest >> (i - 1), widest >> i, bias=False))
        self.pixels = Doubling(width, 3, bias=True)

    def forward(self, latents: Tensor) -> Tensor:
        """Draws one image for each latent."""
        part = self.get_submodule
        x = functional.linear(latents.to(self.dtype), self.project.weight.to(self.dtype))
        # Rows, columns, channels: the order of gan_jax, so that one kernel serves both.
        x = functional.relu(self.norm_0(x.reshape(len(x), 4, 4, -1).permute(0, 3, 1, 2)))
        for i in range(1, STAGES):
            x = functional.relu(part(f"norm_{i}")(part(f"up_{i}")(x)))
        return self.pixels(x).float().tanh()


class Discriminator(nn.Module):
    """Images `[B, 3, 64, 64]` to logits `[B]`; its first layer is not normalised."""

    def __init__(self, width: int, precision: str) -> None:
        super().__init__()
        self.dtype = getattr(torch, precision)
        for i in range(STAGES):
            self.add_module(f"down_{i}", Halving(width << (i - 1) if i else 3, width << i, bias=i == 0))
        for i in range(1, STAGES):
            self.add_module(f"norm_{i}", nn.BatchNorm2d(width << i))
        self.logit = nn.Linear(16 * (width << (STAGES - 1)), 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores each image."""
        part = self.get_submodule
        x = functional.leaky_relu(self.down_0(images.to(self.dtype)), SLOPE)
        for i in range(1, STAGES):
            x = functional.leaky_relu(part(f"norm_{i}")(part(f"down_{i}")(x)), SLOPE)
        return self.logit(x.float().permute(0, 2, 3, 1).flatten(1))[:, 0]


def build(case: Case) -> tuple[nn.Module, nn.Module]:
    """Both networks, 64 channels wide beside the image, or a part of that."""
    width = 64 // case.divisor
    return Generator(case.latent, width, case.dtype), Discriminator(width, case.dtype)
