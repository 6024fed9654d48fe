"""SNGAN's generators as mimicry saves them (kwotsin/mimicry): `models/sngan.py` here, with maps doubled bilinearly.

A checkpoint is what `torch.save` writes of a dictionary: the weights are its "model_state_dict", and the optimizer's
state lies beside them. Nothing says how large the network is but the shapes of its tensors. mimicry averages no
weights: those are the last step's.
"""

import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from gan_jax.config import SNGAN, Config, DataConfig
from gan_jax.config.checks import check
from gan_jax.errors import DataError
from gan_jax.metrics import torch_file
from gan_jax.published.layouts import Network, Place, as_it_is, layer
from gan_jax.published.modules import Published

ENTRY = "model_state_dict"
"""Of a checkpoint, the weights."""

_COUNTERS = "num_batches_tracked"  # of PyTorch's batch normalisation: no weights


def read(path: str | Path) -> Published:
    """The weights of a checkpoint. Raises DataError, in one line that begins with the path, for another file."""
    tensors = torch_file.read(path, ENTRY)
    return Published(ENTRY, {name: found for name, found in tensors.items() if not name.endswith(_COUNTERS)}, {})


def recognised(published: Published) -> bool:
    """Whether this is one."""
    return {"l1.weight", "block2.b1.weight", "block2.c_sc.weight"} <= published.tensors.keys()


def described(published: Published, data: str) -> Network:
    """What it is here; `data` is what its images are called. Raises ConfigError, DataError for what ours cannot be."""
    blocks = sum(re.fullmatch(r"block\d+\.c1\.weight", name) is not None for name in published.tensors)
    last = f"{blocks + 2}."
    start, latents = _matrix(published, "l1.weight")
    widest, narrowest = _matrix(published, "block2.c1.weight")[1], _matrix(published, f"c{last}weight")[1]
    side = math.isqrt(start // widest) if widest else 0
    config = Config(
        data=DataConfig(name="pictures", path=data, size=side << blocks, channels=3),
        model=SNGAN(latent_size=latents, generator_width=narrowest, discriminator_width=narrowest, interpolate=True),
    )
    return Network(check(config), 0, dict(_places(blocks, side)))


def _places(blocks: int, side: int) -> Iterator[tuple[str, Place]]:
    yield "params.project.kernel", Place("l1.weight", lambda tensor: _start(tensor, side).T)
    yield "params.project.bias", Place("l1.bias", partial(_start, side=side))
    for i in range(blocks):
        for j in range(2):
            yield from _norm(f"block_{i}.norm_{j}", f"block{i + 2}.b{j + 1}")
            yield from layer(f"block_{i}.convolution_{j}", f"block{i + 2}.c{j + 1}")
        yield from layer(f"block_{i}.short", f"block{i + 2}.c_sc")
    yield from _norm("norm", f"b{blocks + 2}")
    yield from layer("pixels", f"c{blocks + 2}")


def _norm(ours: str, theirs: str) -> Iterator[tuple[str, Place]]:
    for kind, name, own in (
        ("params", "weight", "scale"),
        ("params", "bias", "bias"),
        ("batch_stats", "running_mean", "mean"),
        ("batch_stats", "running_var", "var"),
    ):
        yield f"{kind}.{ours}.norm.{own}", Place(f"{theirs}.{name}", as_it_is)


def _start(tensor: np.ndarray, side: int) -> np.ndarray:
    """Rows of what become the first maps: `[C, H, W]` to `[H, W, C]`, flat."""
    maps = tensor.reshape(-1, side, side, *tensor.shape[1:])
    return np.moveaxis(maps, 0, 2).reshape(tensor.shape)


def _matrix(published: Published, name: str) -> tuple[int, int]:
    """Outputs and inputs of a layer. Raises DataError without any."""
    shape = published.tensors[name].shape if name in published.tensors else ()
    if len(shape) not in (2, 4) or 0 in shape:
        raise DataError(f"{name}: expected weights [outputs, inputs, ...], found {list(shape) or 'none'}")
    return shape[0], shape[1]
