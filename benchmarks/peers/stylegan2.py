"""StyleGAN2 in PyTorch, unconditional, as for CIFAR-10 (Karras et al. 2020, arXiv:1912.04958, arXiv:2006.06676).

Two mapping layers, no mixing of styles, a discriminator without short cuts, groups of 32. Kernels are modulated by
scaling maps, as in the authors' training. Modules have the names of gan_jax's.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from peers.layers import Resample, low_precision_at
from peers.setups import Case

SIZE = 32
GROUP = 32


class Dense(nn.Module):
    """A dense layer at an equalised learning rate, `multiplier` times the others'."""

    def __init__(self, inputs: int, outputs: int, multiplier: float = 1.0) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(outputs, inputs)), nn.Parameter(torch.empty(outputs))
        self.gain, self.multiplier = multiplier / math.sqrt(inputs), multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        bias = self.bias if self.multiplier == 1 else self.bias * self.multiplier
        return functional.linear(x, self.weight * self.gain, bias)


class Convolution(nn.Module):
    """A convolution at an equalised learning rate, in the input's dtype."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.gain = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor, stride: int = 1, padding: int | None = None) -> Tensor:
        """Applies the layer; keeps the size unless told otherwise."""
        weight = (self.weight * self.gain).to(x.dtype)
        padding = weight.shape[-1] // 2 if padding is None else padding
        return functional.conv2d(x, weight, self.bias.to(x.dtype), stride, padding)


class Modulated(nn.Module):
    """A convolution whose inputs each image's style scales, and whose outputs have unit norm if `demodulate`."""

    def __init__(self, style: int, inputs: int, outputs: int, kernel: int = 3, demodulate: bool = True) -> None:
        super().__init__()
        self.scales = Dense(style, inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.gain, self.demodulate = 1 / math.sqrt(inputs * kernel**2), demodulate

    def forward(self, x: Tensor, style: Tensor, resample: Resample | None = None) -> Tensor:
        """Applies the layer; with `resample`, at twice the size."""
        scales, weight = self.scales(style), self.weight * self.gain
        x, kernel = x * scales.to(x.dtype)[:, :, None, None], weight.to(x.dtype)
        if resample is None:
            y = functional.conv2d(x, kernel, padding=kernel.shape[-1] // 2)
        else:
            y = functional.conv_transpose2d(x, kernel.flip(2, 3).transpose(0, 1), stride=2)
            y = resample.blur(y, padding=1, gain=4.0)
        if self.demodulate:
            norms = torch.rsqrt(scales.square() @ weight.square().sum((2, 3)).T + 1e-8)
            y = y * norms.to(y.dtype)[:, :, None, None]
        return y + self.bias.to(y.dtype)[:, None, None]


class Styled(nn.Module):
    """A styled convolution, noise, and the rectifier."""

    def __init__(self, style: int, inputs: int, outputs: int, limit: float | None) -> None:
        super().__init__()
        self.convolution = Modulated(style, inputs, outputs)
        self.strength = nn.Parameter(torch.empty(()))
        self.limit = limit

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None, resample: Resample | None = None) -> Tensor:
        """Applies the layer; draws noise where none is given."""
        y = self.convolution(x, style, resample)
        if noise is None:
            noise = torch.randn(len(y), 1, *y.shape[2:], device=y.device)
        return _leaky(y + (self.strength * noise).to(y.dtype), self.limit)


class Mapping(nn.Module):
    """Latents to styles by two slow layers."""

    def __init__(self, latent: int, style: int) -> None:
        super().__init__()
        self.layer_0, self.layer_1 = Dense(latent, style, 0.01), Dense(style, style, 0.01)

    def forward(self, latents: Tensor) -> Tensor:
        """Maps each latent."""
        x = latents * torch.rsqrt(latents.square().mean(1, keepdim=True) + 1e-8)
        return _leaky(self.layer_1(_leaky(self.layer_0(x))))


class Generator(nn.Module):
    """Latents `[B, L]` to images `[B, 3, 32, 32]`."""

    def __init__(self, latent: int, style: int, width: int, precision: str) -> None:
        super().__init__()
        self.precision, self.limit = precision, _limit(precision)
        self.mapping = Mapping(latent, style)
        before = _features(4, width)
        self.constant = nn.Parameter(torch.empty(before, 4, 4))
        for pixels in (4, 8, 16, 32):
            features = _features(pixels, width)
            if pixels > 4:
                self.add_module(f"layer_{pixels}_up", Styled(style, before, features, self.limit))
            self.add_module(f"layer_{pixels}", Styled(style, features, features, self.limit))
            self.add_module(f"image_{pixels}", Modulated(style, features, 3, 1, demodulate=False))
            before = features
        self.resample = Resample()
        self.register_buffer("mean_style", torch.zeros(style))

    def forward(self, latents: Tensor, noise: Sequence[Tensor | None] = (None,) * 7) -> Tensor:
        """Draws one image for each latent; `noise` holds that of each layer in turn, where it shall not be drawn."""
        w, given, part = self.mapping(latents), iter(noise), self.get_submodule
        with torch.no_grad():
            self.mean_style.lerp_(w.mean(0), 0.005)
        x = self.constant.expand(len(w), -1, -1, -1).contiguous(memory_format=_layout(self))
        image = None
        for pixels in (4, 8, 16, 32):
            x = x.to(low_precision_at(pixels, self.precision))
            if pixels > 4:
                x = part(f"layer_{pixels}_up")(x, w, next(given), self.resample)
            x = part(f"layer_{pixels}")(x, w, next(given))
            finer = _clamped(part(f"image_{pixels}")(x, w), self.limit).float()
            image = finer if image is None else self.resample.up(image) + finer
        return image


class Halving(nn.Module):
    """Two convolutions, the second one filters and halves."""

    def __init__(self, inputs: int, outputs: int, limit: float | None) -> None:
        super().__init__()
        self.keep, self.halve = Convolution(inputs, inputs, 3), Convolution(inputs, outputs, 3)
        self.limit = limit

    def forward(self, x: Tensor, resample: Resample) -> Tensor:
        """Applies the block."""
        y = resample.blur(_leaky(self.keep(x), self.limit), padding=2)
        return _leaky(self.halve(y, stride=2, padding=0), self.limit)


class Discriminator(nn.Module):
    """Images `[B, 3, 32, 32]` to logits `[B]`."""

    def __init__(self, width: int, precision: str) -> None:
        super().__init__()
        self.precision, self.limit = precision, _limit(precision)
        self.extract = Convolution(3, _features(SIZE, width), 1)
        for pixels in (32, 16, 8):
            block = Halving(_features(pixels, width), _features(pixels // 2, width), self.limit)
            self.add_module(f"block_{pixels}", block)
        last = _features(4, width)
        self.mix = Convolution(last + 1, last, 3)
        self.flatten, self.logit = Dense(16 * last, last), Dense(last, 1)
        self.resample = Resample()

    def forward(self, images: Tensor) -> Tensor:
        """Scores each image."""
        x = _leaky(self.extract(images.to(low_precision_at(SIZE, self.precision))), self.limit)
        for pixels in (32, 16, 8):
            x = x.to(low_precision_at(pixels, self.precision))
            x = self.get_submodule(f"block_{pixels}")(x, self.resample)
        x = _leaky(self.mix(_with_deviation(x.float())), self.limit)
        # Rows, columns, channels: the order of gan_jax, so that one kernel serves both.
        return self.logit(_leaky(self.flatten(x.permute(0, 2, 3, 1).flatten(1))))[:, 0]


def build(case: Case) -> tuple[nn.Module, nn.Module]:
    """StyleGAN2-ADA's CIFAR-10 networks, 512 channels wide, or narrower: min(512 · 32 / (divisor · pixels), 512)."""
    width = 512 // case.divisor
    return Generator(case.latent, case.latent, width, case.dtype), Discriminator(width, case.dtype)


def _with_deviation(x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    grouped = x.reshape(min(GROUP, batch), -1, channels, height, width)
    variance = grouped.var(0, unbiased=False)
    seen = (variance + 1e-8).sqrt().mean((1, 2, 3)).repeat(len(grouped))
    return torch.cat([x, seen[:, None, None, None].expand(-1, 1, height, width)], 1)


def _leaky(x: Tensor, limit: float | None = None) -> Tensor:
    return _clamped(functional.leaky_relu(x, 0.2) * math.sqrt(2), limit)


def _clamped(x: Tensor, limit: float | None) -> Tensor:
    return x if limit is None else x.clamp(-limit, limit)


def _limit(precision: str) -> float | None:
    return None if precision == "float32" else 256.0


def _features(pixels: int, width: int) -> int:
    return min(width * SIZE // pixels, 512)


def _layout(network: nn.Module) -> Any:
    return getattr(network, "layout", torch.contiguous_format)
