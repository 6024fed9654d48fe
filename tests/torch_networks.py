"""R3GAN's, StyleGAN2's and mimicry's generators in PyTorch, with the authors' names of what they hold; needs torch.

Written from the papers' equations, not for speed: every image of StyleGAN2 has kernels of its own.
"""

import itertools
import math
import types

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, pad, relu

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def upsample(x):
    flat = x.reshape(-1, 1, *x.shape[2:])
    large = conv_transpose2d(flat, 4 * FILTER[None, None], stride=2, padding=1)
    return large.reshape(*x.shape[:2], *large.shape[2:])


class Convolution(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, groups=1):
        super().__init__()
        self.Layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)

    def forward(self, x):
        return self.Layer(x)


class Activation(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.Bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return leaky_relu(x + self.Bias[:, None, None], 0.2)


class Residual(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.LinearLayer1 = Convolution(channels, 2 * channels)
        self.LinearLayer2 = Convolution(2 * channels, 2 * channels, 3, groups)
        self.LinearLayer3 = Convolution(2 * channels, channels)
        self.NonLinearity1, self.NonLinearity2 = Activation(2 * channels), Activation(2 * channels)

    def forward(self, x):
        y = self.NonLinearity2(self.LinearLayer2(self.NonLinearity1(self.LinearLayer1(x))))
        return x + self.LinearLayer3(y)


class Basis(nn.Module):
    def __init__(self, inputs, channels):
        super().__init__()
        self.Basis = nn.Parameter(torch.randn(channels, 4, 4))
        self.LinearLayer = nn.Linear(inputs, channels, bias=False)

    def forward(self, x):
        return self.Basis * self.LinearLayer(x)[:, :, None, None]


class Resampler(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("Kernel", FILTER.clone())


class Up(nn.Module):
    def __init__(self, inputs, channels):
        super().__init__()
        self.Resampler = Resampler()
        if inputs != channels:
            self.LinearLayer = Convolution(inputs, channels)

    def forward(self, x):
        return upsample(self.LinearLayer(x) if hasattr(self, "LinearLayer") else x)


class Stage(nn.Module):
    def __init__(self, first, channels, groups):
        super().__init__()
        self.Layers = nn.ModuleList([first, Residual(channels, groups), Residual(channels, groups)])
        self.DataType = torch.bfloat16  # in which the authors would compute


class R3GANModel(nn.Module):
    def __init__(self, latent_size, classes, widths, group):
        super().__init__()
        inputs = latent_size * (2 if classes else 1)
        firsts = [Basis(inputs, widths[0]), *(Up(a, b) for a, b in itertools.pairwise(widths))]
        stages = [Stage(first, width, 2 * width // group) for first, width in zip(firsts, widths, strict=True)]
        self.MainLayers = nn.ModuleList(stages)
        self.AggregationLayer = Convolution(widths[-1], 3)
        if classes:
            self.EmbeddingLayer = nn.Linear(classes, latent_size, bias=False)

    def forward(self, z, c):
        x = torch.cat([z, self.EmbeddingLayer(c)], 1) if hasattr(self, "EmbeddingLayer") else z
        for stage in self.MainLayers:
            for layer in stage.Layers:
                x = layer(x)
        return self.AggregationLayer(x)


class R3GAN(nn.Module):
    def __init__(self, latent_size, classes, widths, group):
        super().__init__()
        self.Model = R3GANModel(latent_size, classes, widths, group)
        self.z_dim, self.c_dim, self.img_resolution = latent_size, classes, 4 << (len(widths) - 1)

    def forward(self, z, c):
        return self.Model(z, c)


class Persistent(nn.Module):
    """Pickles as NVlabs' modules do: as a call of `torch_utils.persistence`."""

    def __reduce__(self):
        meta = {"type": "class", "version": 6, "module_src": "...", "class_name": type(self).__name__}
        return _reconstruct_persistent_obj, (meta | {"state": self.__dict__},)


def _reconstruct_persistent_obj(meta):
    raise AssertionError(f"{meta['class_name']} was to be read, not called")


def persistence():
    """A package and a module in the place of NVlabs', by their names, for `sys.modules`."""
    module = types.ModuleType("torch_utils.persistence")
    _reconstruct_persistent_obj.__module__ = module.__name__
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    return {"torch_utils": types.ModuleType("torch_utils"), module.__name__: module}


class Dense(Persistent):
    def __init__(self, inputs, outputs, activation="linear", multiplier=1):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(outputs, inputs)), nn.Parameter(torch.zeros(outputs))
        self.activation, self.weight_gain, self.bias_gain = activation, multiplier / np.sqrt(inputs), multiplier

    def forward(self, x):
        y = x @ (self.weight * float(self.weight_gain)).T + self.bias * self.bias_gain
        return leaky_relu(y, 0.2) * math.sqrt(2) if self.activation == "lrelu" else y


def root_mean_square_1(x):
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


class Mapping(Persistent):
    def __init__(self, size, classes, layers):
        super().__init__()
        self.num_layers = layers
        if classes:
            self.embed = Dense(classes, size)
        for i in range(layers):
            setattr(self, f"fc{i}", Dense(size * (2 if classes and not i else 1), size, "lrelu", 0.01))
        self.register_buffer("w_avg", torch.zeros(size))

    def forward(self, z, c, truncation):
        x = root_mean_square_1(z)
        if hasattr(self, "embed"):
            x = torch.cat([x, root_mean_square_1(self.embed(c))], 1)
        for i in range(self.num_layers):
            x = getattr(self, f"fc{i}")(x)
        return self.w_avg + truncation * (x - self.w_avg)


class Styled(Persistent):
    def __init__(self, inputs, outputs, style, pixels, clamp, up=1):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(outputs, inputs, 3, 3)), nn.Parameter(torch.zeros(outputs))
        self.affine = Dense(style, inputs)
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(pixels, pixels))
        self.register_buffer("resample_filter", FILTER.clone())
        self.activation, self.use_noise, self.conv_clamp, self.up = "lrelu", True, clamp, up

    def forward(self, x, w):
        kernels = self.weight[None] * self.affine(w)[:, None, :, None, None]
        kernels = kernels / (kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        made = []
        for image, kernel in zip(x, kernels, strict=True):
            if self.up == 1:
                made.append(conv2d(image[None], kernel, padding=1))
            else:
                painted = conv_transpose2d(image[None], kernel.transpose(0, 1), stride=2)
                each = pad(painted, (1, 1, 1, 1)).transpose(0, 1)
                made.append(conv2d(each, 4 * FILTER[None, None]).transpose(0, 1))
        y = torch.cat(made) + self.noise_strength * self.noise_const + self.bias[:, None, None]
        return clamped(leaky_relu(y, 0.2) * math.sqrt(2), self.conv_clamp)


class ToImage(Persistent):
    def __init__(self, inputs, channels, style, clamp):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(channels, inputs, 1, 1)), nn.Parameter(torch.zeros(channels))
        self.affine, self.conv_clamp = Dense(style, inputs), clamp

    def forward(self, x, w):
        scales = self.affine(w) / math.sqrt(x.shape[1])
        return clamped(conv2d(x * scales[:, :, None, None], self.weight, self.bias), self.conv_clamp)


def clamped(x, limit):
    return x if limit is None else x.clamp(-limit, limit)


class Block(Persistent):
    def __init__(self, inputs, outputs, style, pixels, channels, clamp):
        super().__init__()
        self.architecture = "skip"
        self.register_buffer("resample_filter", FILTER.clone())
        if inputs:
            self.conv0 = Styled(inputs, outputs, style, pixels, clamp, up=2)
        else:
            self.const = nn.Parameter(torch.randn(outputs, 4, 4))
        self.conv1 = Styled(outputs, outputs, style, pixels, clamp)
        self.torgb = ToImage(outputs, channels, style, clamp)

    def forward(self, x, image, w):
        x = self.conv1(self.const.expand(len(w), -1, -1, -1) if x is None else self.conv0(x, w), w)
        drawn = self.torgb(x, w)
        return x, drawn if image is None else upsample(image) + drawn


class Synthesis(Persistent):
    def __init__(self, size, channels, width, style, clamp):
        super().__init__()
        widths = {pixels: min(512, width * size // pixels) for pixels in (4 << i for i in range(size.bit_length() - 2))}
        self.pixels = list(widths)
        for pixels, outputs in widths.items():
            setattr(self, f"b{pixels}", Block(widths.get(pixels // 2), outputs, style, pixels, channels, clamp))

    def forward(self, w):
        x = image = None
        for pixels in self.pixels:
            x, image = getattr(self, f"b{pixels}")(x, image, w)
        return image


class StyleGAN2(Persistent):
    def __init__(self, latent_size, classes, size, channels, width, layers, clamp):
        super().__init__()
        self.z_dim, self.c_dim, self.w_dim, self.img_resolution, self.img_channels = (
            *(latent_size, classes, latent_size),
            *(size, channels),
        )
        self.synthesis = Synthesis(size, channels, width, latent_size, clamp)
        self.mapping = Mapping(latent_size, classes, layers)

    def forward(self, z, c, truncation=1.0):
        return self.synthesis(self.mapping(z, c, truncation))


class Doubling(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.b1, self.b2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.c_sc = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        up = lambda x: interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.c_sc(up(x)) + self.c2(relu(self.b2(self.c1(up(relu(self.b1(x)))))))


class SNGAN(nn.Module):
    """Of so many channels, from coarse to fine; their last layers are counted on from the blocks."""

    def __init__(self, latent_size, side, widths):
        super().__init__()
        self.last, self.start = len(widths) + 1, (widths[0], side, side)
        self.l1 = nn.Linear(latent_size, math.prod(self.start))
        for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            self.add_module(f"block{i + 2}", Doubling(inputs, outputs))
        self.add_module(f"b{self.last}", nn.BatchNorm2d(widths[-1]))
        self.add_module(f"c{self.last}", nn.Conv2d(widths[-1], 3, 3, padding=1))

    def forward(self, latents):
        x = self.l1(latents).reshape(-1, *self.start)
        for i in range(2, self.last):
            x = self.get_submodule(f"block{i}")(x)
        norm, pixels = (self.get_submodule(f"{kind}{self.last}") for kind in "bc")
        return torch.tanh(pixels(relu(norm(x))))


def stirred(network):
    """The network with random numbers in whatever training would have moved from where it began."""
    for name, tensor in network.state_dict().items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.3)
        elif name.endswith(("ias", "w_avg")):
            tensor.add_(0.2 * torch.randn_like(tensor) * (100 if "mapping.fc" in name else 1))
        elif "mapping.fc" in name:
            tensor.mul_(100)
    return network.eval().requires_grad_(False)
