"""PyTorch's side of `benchmarks/layers.py`: a convolution and both of its gradients, each alone, channels last."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import conv2d

from peers.setups import Precision
from peers.shapes import Shape
from peers.side import device


def operators(shape: Shape, batch: int, precision: Precision) -> dict[str, Callable[[], Any]]:
    """What computes the result, the image's gradient and the kernel's, of random arrays."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision.tf32
    torch.backends.cudnn.benchmark = True
    size, groups, dtype = shape.size + shape.extra, shape.groups, getattr(torch, precision.dtype)
    draw = lambda *sizes: torch.randn(sizes, device=device(), dtype=dtype).to(memory_format=torch.channels_last)
    image = draw(batch, shape.large, size, size)
    kernel = draw(shape.small, shape.large // groups, shape.kernel, shape.kernel)
    padding, strides = [shape.front] * 2, [shape.stride] * 2
    down = lambda: conv2d(image, kernel, None, strides, padding, groups=groups)
    cotangent = torch.randn_like(down())

    def backward(wanted: Sequence[bool]) -> Any:
        settings = (None, strides, padding, [1, 1], False, [0, 0], groups, wanted)
        return torch.ops.aten.convolution_backward(cotangent, image, kernel, *settings)

    return {
        "down": down,
        "up": lambda: backward([True, False, False]),
        "taps": lambda: backward([False, True, False]),
    }


def wait(results: Any) -> None:
    """Until what was begun is done."""
    del results
    if torch.cuda.is_available():
        torch.cuda.synchronize()
