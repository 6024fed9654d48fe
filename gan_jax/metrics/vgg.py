"""VGG19's last map of a picture, which perceptual terms compare (Simonyan & Zisserman 2015, arXiv:1409.1556).

ESRGAN (Wang et al. 2018, arXiv:1809.00219, section 3.3) compares what its sixteenth convolution says before the ReLU,
"conv5_4". The weights are those that torchvision publishes; six in seven of them are of layers after that.
"""

from collections.abc import Callable, Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.errors import DataError
from gan_jax.metrics import torch_file, weights_file
from gan_jax.types import Images

FILE = "vgg19-dcbb9e9d.pth"
"""The published weights; the name ends in the first eight hex digits of their SHA-256."""

URL = f"https://download.pytorch.org/models/{FILE}"

STAGES = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)
"""Channels of its convolutions of 3x3; between two stages a map is halved."""

LEAST = 1 << len(STAGES) - 1
"""Pixels on a side of the smallest pictures of which a map is left."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pixels that it was trained on, of red, green and blue in [0, 1]."""


class Layer(NamedTuple):
    """A convolution of 3x3."""

    kernel: Float[Array | np.ndarray, "3 3 inputs outputs"]
    bias: Float[Array | np.ndarray, " outputs"]


def last_map(layers: list[list[Layer]], images: Images) -> Float[Array, "batch h w 512"]:
    """What conv5_4 says of images `[B, H, W, C]` in [-1, 1], C 1 or 3, before its ReLU; sides are 16 times smaller.

    Raises ValueError for images of other channels, or with a side of fewer than 16 pixels.
    """
    if images.shape[-1] not in (1, 3) or min(images.shape[1:3]) < LEAST:
        expected = f"[B, H, W, 1 or 3] of {LEAST} pixels a side or more"
        raise ValueError(f"VGG19 looks at images {expected}, not {images.shape}")
    pixels = jnp.broadcast_to((images.astype(jnp.float32) + 1) / 2, (*images.shape[:3], 3))
    mean, deviation = (np.array(numbers, np.float32)[None, None, None] for numbers in (MEAN, DEVIATION))
    x = (pixels - mean) / deviation
    for i, stage in enumerate(layers):
        x = _halved(jax.nn.relu(x)) if i else x
        for j, (kernel, bias) in enumerate(stage):
            x = _convolved(jax.nn.relu(x) if j else x, kernel) + jnp.asarray(bias)[None, None, None]
    return x


def of_file(path: str | Path) -> Callable[[Images], Float[Array, "batch h w 512"]]:
    """`last_map` with the weights of a file, which is read when it is first asked. Raises DataError then."""
    return lambda images: last_map(read(path), images)


@cache
def read(path: str | Path) -> list[list[Layer]]:
    """The convolutions of torchvision's file, stage by stage. Raises DataError for any other file."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"{path}: no such file; fetch {URL}")
    weights_file.verify(path, weights_file.promised(FILE))
    arrays = torch_file.read(path)
    weights_file.require(arrays, torch_shapes(), f"{path}: not VGG19", URL)
    part = lambda name: np.asarray(arrays[name], np.float32)
    return [
        [Layer(part(f"{name}.weight").transpose(2, 3, 1, 0), part(f"{name}.bias")) for name in stage]
        for stage in _names()
    ]


def torch_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays of torchvision's file that are looked at."""
    widths = [width for stage in STAGES for width in stage]
    names = [name for stage in _names() for name in stage]
    shapes: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in zip(names, [3, *widths], widths, strict=False):
        shapes |= {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}
    return shapes


def _names() -> Iterator[list[str]]:
    """What torchvision calls the convolutions of each stage: it counts ReLUs, and what halves a map, too."""
    index = 0
    for stage in STAGES:
        yield [f"features.{index + 2 * i}" for i in range(len(stage))]
        index += 2 * len(stage) + 1


def _convolved(x: Array, kernel: Any) -> Array:
    # By XLA: what layers.convolution makes of kernels, to be fast on a CPU, takes long to compile of constants.
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)


def _halved(x: Array) -> Array:
    """The maxima over 2x2 places; an odd row or column is left out."""
    height, width = (side - side % 2 for side in x.shape[1:3])
    return reduce(jnp.maximum, (x[:, i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)))
