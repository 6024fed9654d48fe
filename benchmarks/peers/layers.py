"""What the peers' networks share: convolutions that compute in their input's dtype, and anti-aliased sampling."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Convolution(nn.Conv2d):
    """A convolution padded with zeros to keep the size; parameters are float32, it computes in the input's dtype."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=bias, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return self._conv_forward(x, self.weight.to(x.dtype), bias)


class Resample(nn.Module):
    """The filter [1, 3, 3, 1] of StyleGAN2 and R3GAN, channel by channel, with or without a change of size."""

    def __init__(self) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("filter", (taps[:, None] * taps[None, :])[None, None], persistent=False)

    def up(self, x: Tensor) -> Tensor:
        """`[B, C, H, W] -> [B, C, 2H, 2W]`: zeros between the pixels, then the filter, times 4."""
        return functional.conv_transpose2d(x, 4 * self._each(x), stride=2, padding=1, groups=x.shape[1])

    def down(self, x: Tensor) -> Tensor:
        """`[B, C, H, W] -> [B, C, H / 2, W / 2]`: the filter, then every second pixel."""
        return functional.conv2d(x, self._each(x), stride=2, padding=1, groups=x.shape[1])

    def blur(self, x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
        """The filter alone, times `gain`, with so many zeros on each side."""
        return functional.conv2d(x, gain * self._each(x), padding=padding, groups=x.shape[1])

    def _each(self, x: Tensor) -> Tensor:
        return self.filter.to(x.dtype).expand(x.shape[1], 1, 4, 4)


def low_precision_at(pixels: int, precision: str) -> Any:
    """The dtype of layers at so many pixels: bfloat16 from 8 on, if that is the precision asked for."""
    return torch.bfloat16 if precision == "bfloat16" and pixels >= 8 else torch.float32
