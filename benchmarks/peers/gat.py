"""GAT in PyTorch, unconditional, of images [4, 32, 32] (Hyun et al. 2026, arXiv:2509.24935). Names are gan_jax's.

Attention and the norms are PyTorch's own. Blocks compute in the precision's dtype; parameters, styles and images are
float32. The generator shows all levels of an image, as it does in training.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import rms_norm, silu

from peers.setups import Case

EPSILON = 1e-6


class Dense(nn.Linear):
    """A dense layer that computes in its input's dtype."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        return functional.linear(x, self.weight.to(x.dtype), self.bias.to(x.dtype))


class Slow(nn.Linear):
    """A dense layer that learns a hundred times more slowly than others: what it keeps is as many times as large."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer."""
        return functional.linear(x, 0.01 * self.weight, 0.01 * self.bias)


class Norm(nn.Module):
    """The root mean square brought to 1, then weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer, in its input's dtype."""
        return rms_norm(x, self.weight.shape, self.weight.to(x.dtype), EPSILON)


class Attention(nn.Module):
    """Attention of normalised queries and keys, turned by their places."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.joint, self.out = Dense(width, 3 * width), Dense(width, width)
        self.query, self.key = Norm(width // heads), Norm(width // heads)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """Applies the layer to tokens `[B, N, C]`; turns are cosines and sines, `[2, N, C / heads / 2]`."""
        joint = self.joint(x).unflatten(2, (3, self.heads, -1))
        queries, keys, values = joint.permute(2, 0, 3, 1, 4).unbind()
        queries, keys = _turned(self.query(queries), turns), _turned(self.key(keys), turns)
        seen = functional.scaled_dot_product_attention(queries, keys, values)
        return self.out(seen.transpose(1, 2).flatten(2))


class Gated(nn.Module):
    """SwiGLU, with 8 / 3 as many hidden features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = 8 * width // 3
        self.joint, self.out = Dense(width, 2 * hidden), Dense(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layers."""
        gate, values = self.joint(x).chunk(2, -1)
        return self.out(silu(gate) * values)


class StyledBlock(nn.Module):
    """The generator's block: the style scales what enters a branch, and gates what leaves it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.style, self.attention, self.gated = Dense(width, 4 * width), Attention(width, heads), Gated(width)

    def forward(self, x: Tensor, style: Tensor, turns: Tensor) -> Tensor:
        """Applies the block."""
        told = self.style(silu(style).to(x.dtype))[:, None]
        scale_a, gate_a, scale_m, gate_m = told.chunk(4, -1)
        x = x + gate_a * self.attention(_normalised(x) * (1 + scale_a), turns)
        return x + gate_m * self.gated(_normalised(x) * (1 + scale_m))


class PlainBlock(nn.Module):
    """The discriminator's block: each branch has a norm and learned scales."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_0, self.norm_1 = Norm(width), Norm(width)
        self.attention, self.gated = Attention(width, heads), Gated(width)
        self.attention_scale, self.gated_scale = (nn.Parameter(torch.empty(width)) for _ in range(2))

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """Applies the block."""
        x = x + self.attention_scale.to(x.dtype) * self.attention(self.norm_0(x), turns)
        return x + self.gated_scale.to(x.dtype) * self.gated(self.norm_1(x))


class Part(nn.Module):
    """A level's blocks, and its head."""

    def __init__(self, depth: int, width: int, heads: int, numbers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(StyledBlock(width, heads) for _ in range(depth))
        self.scale, self.draw = Dense(width, width), Dense(width, numbers)

    def forward(self, x: Tensor, style: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens, and what is drawn of them, float32."""
        for block in self.blocks:
            x = block(x, style, turns)
        scale = self.scale(silu(style).to(x.dtype))[:, None]
        return x, self.draw(_normalised(x) * (1 + scale)).float()


class Mapping(nn.Module):
    """Latents to styles; the mean style moves with each pass."""

    def __init__(self, latent: int, width: int) -> None:
        super().__init__()
        self.mapping = nn.ModuleDict({"layer_0": Slow(latent, width), "layer_1": Slow(width, width)})
        self.register_buffer("mean", torch.zeros(width))

    def forward(self, latents: Tensor) -> Tensor:
        """Maps each latent."""
        x = self.mapping["layer_0"](rms_norm(latents, latents.shape[1:], eps=1e-8))
        style = self.mapping["layer_1"](silu(x))
        with torch.no_grad():
            self.mean.lerp_(style.mean(0), 0.005)
        return style


class Generator(nn.Module):
    """Latents `[B, L]` to the levels of images, each `[B, 4, 32, 32]`."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        depth, width, heads, self.patch = case.transformer
        levels, channels, self.side = case.setup.levels, case.setup.channels, case.setup.size
        self.dtype = getattr(torch, case.dtype)
        self.style = Mapping(case.latent, width)
        part = (depth // levels, width, heads, channels * self.patch**2)
        self.levels = nn.ModuleList(Part(*part) for _ in range(levels))
        self.register_buffer("code", _code(self.side // self.patch, width), persistent=False)
        self.register_buffer("turns", _turns(self.side // self.patch, width // heads), persistent=False)

    def forward(self, latents: Tensor) -> list[Tensor]:
        """Draws one image for each latent, from coarse to fine."""
        style, levels, drawn = self.style(latents), [], 0
        x = self.code.to(self.dtype).expand(len(latents), -1, -1)
        for part in self.levels:
            x, more = part(x, style, self.turns)
            drawn = drawn + more
            levels.append(_from_patches(drawn, self.side, self.patch))
        return levels


class Discriminator(nn.Module):
    """The levels of images, or images, which then are all their levels, `[B, 4, 32, 32]`, to logits `[B]`."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        depth, width, heads, self.patch = case.transformer
        side = case.setup.size // self.patch
        self.dtype, self.count = getattr(torch, case.dtype), case.setup.levels
        self.patches = Dense(self.count * case.setup.channels * self.patch**2, width)
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.blocks = nn.ModuleList(PlainBlock(width, heads) for _ in range(depth))
        self.norm, self.logit = Norm(width), nn.Linear(width, 1)
        self.register_buffer("code", _code(side, width), persistent=False)
        # The token, which comes first, has no place, and is not turned.
        still = torch.tensor([1.0, 0.0])[:, None, None].expand(-1, 1, width // heads // 2)
        turns = torch.cat([still, _turns(side, width // heads)], 1)
        self.register_buffer("turns", turns, persistent=False)

    def forward(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Scores each image."""
        levels = [images] * self.count if isinstance(images, Tensor) else images
        x = self.patches(_to_patches(torch.cat(levels, 1), self.patch).to(self.dtype)) + self.code.to(self.dtype)
        x = torch.cat([self.token.to(x.dtype).expand(len(x), -1, -1), x], 1)
        for block in self.blocks:
            x = block(x, self.turns)
        return self.logit(self.norm(x[:, 0].float()))[:, 0]


def build(case: Case) -> tuple[nn.Module, nn.Module]:
    """The paper's sizes, or narrower ones."""
    return Generator(case), Discriminator(case)


def _normalised(x: Tensor) -> Tensor:
    return rms_norm(x, x.shape[-1:], eps=EPSILON)


def _to_patches(images: Tensor, side: int) -> Tensor:
    cells = images.unflatten(3, (-1, side)).unflatten(2, (-1, side))
    return cells.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


def _from_patches(tokens: Tensor, pixels: int, side: int) -> Tensor:
    cells = tokens.unflatten(2, (side, side, -1)).unflatten(1, (pixels // side, -1))
    return cells.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)


def _turned(x: Tensor, turns: Tensor) -> Tensor:
    """Channels 2i and 2i + 1 of `[B, heads, N, C]` turned by angle i of their token, in float32."""
    cosine, sine = turns
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2).to(x.dtype)


def _turns(side: int, channels: int) -> Tensor:
    angles = np.concatenate(_angles(side, channels), -1)
    return torch.from_numpy(np.stack([np.cos(angles), np.sin(angles)])).float()


def _code(side: int, channels: int) -> Tensor:
    rows, columns = _angles(side, channels)
    return torch.from_numpy(np.concatenate([f(a) for a in (columns, rows) for f in (np.sin, np.cos)], -1)).float()


def _angles(side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows and of the columns of all places, `[side², channels / 4]` each."""
    waves = 10_000.0 ** (-4 / channels * np.arange(channels // 4))
    each = np.arange(side)[:, None] * waves
    return each.repeat(side, 0), np.tile(each, (side, 1))
