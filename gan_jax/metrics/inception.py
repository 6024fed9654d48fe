"""The InceptionV3 whose features FID, KID and the Inception Score are computed from, as the field uses it.

Szegedy et al. 2015 (arXiv:1512.00567) in the 2015-12-05 snapshot of TensorFlow's models, of which pytorch-fid and
torch-fidelity distribute the weights. It differs from the one that classifies today: average pooling leaves padding out
of its count, the last block pools by maximum, images are resized as by TensorFlow 1, and there are 1,008 logits.
Batch normalisation is folded into the convolutions. All products are in full float32: what GPUs and TPUs do by default
is rounded more.
"""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.errors import DataError
from gan_jax.metrics import weights_file
from gan_jax.types import Bytes

FILE = "pt_inception-2015-12-05-6726825d.pth"
"""The published weights; the name ends in the first eight hex digits of their SHA-256."""

URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"

SIZE = 299
"""Pixels on a side that the network sees."""

EPSILON = 1e-3
"""What its batch normalisation adds to the variance."""


class InceptionFeatures(NamedTuple):
    """Means over all places of what four depths see, and the logits."""

    low: Float[Array, "B 64"]  # after the first pooling
    middle: Float[Array, "B 192"]  # after the second
    high: Float[Array, "B 768"]  # before the auxiliary classifier
    pool: Float[Array, "B 2048"]  # the FID's
    logits: Float[Array, "B 1008"]
    logits_unbiased: Float[Array, "B 1008"]  # without the last layer's bias: the Inception Score's, for torch-fidelity


class InceptionV3(nn.Module):
    """Images `[B, 299, 299, 3]`, float in [-1, 1], to features. Smaller images do, from 75 pixels on."""

    @nn.compact
    def __call__(self, images: Float[Array, "B H W 3"]) -> InceptionFeatures:
        """Runs the network as trained: there is no training mode."""
        x = _conv("Conv2d_1a_3x3", 32, 3, images, stride=2)
        x = _conv("Conv2d_2a_3x3", 32, 3, x)
        x = _conv("Conv2d_2b_3x3", 64, 3, x, padding="SAME")
        x = _max_pool(x)
        low = _mean(x)
        x = _conv("Conv2d_3b_1x1", 80, 1, x)
        x = _conv("Conv2d_4a_3x3", 192, 3, x)
        x = _max_pool(x)
        middle = _mean(x)
        for name, features in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = _mixed_35(name, features, x)
        x = _mixed_35_to_17("Mixed_6a", x)
        for name, features in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            x = _mixed_17(name, features, x)
        high = _mean(x)
        x = _mixed_17_to_8("Mixed_7a", x)
        x = _mixed_8("Mixed_7b", x, average_pool(x))
        x = _mixed_8("Mixed_7c", x, nn.max_pool(x, (3, 3), padding="SAME"))
        pool = _mean(x)
        kernel = self.param("fc_kernel", nn.initializers.lecun_normal(), (2048, 1008))
        bias = self.param("fc_bias", nn.initializers.zeros_init(), (1008,))
        unbiased = jnp.matmul(pool, kernel, precision=_EXACT)
        return InceptionFeatures(low, middle, high, pool, unbiased + bias[None], unbiased)


def features(variables: Any, images: Bytes) -> InceptionFeatures:
    """Features of uint8 images `[B, H, W, C]` of any size, as `preprocess` takes them. Jit it."""
    return InceptionV3().apply(variables, preprocess(images))  # type: ignore[return-value]


def preprocess(images: Bytes) -> Float[Array, "B 299 299 3"]:
    """What the network sees of uint8 images: resized to 299, then (x - 128) / 128; grey as three equal channels.

    Raises ValueError for any number of channels but 1 and 3.
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(f"Inception sees images of 1 or 3 channels, not {images.shape[-1]}")
    x = (resize(images.astype(jnp.float32)) - 128) / 128
    return jnp.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x


def resize(images: Float[Array, "B H W C"], size: int = SIZE) -> Float[Array, "B size size C"]:
    """Bilinear, as TensorFlow 1 did: output pixel i reads at i · in / out, without the half-pixel shift of today.

    Parmar et al. 2022 (arXiv:2104.11222) show how much a FID depends on this.
    """
    x = _resize_axis(images, size, 2)
    return _resize_axis(x, size, 1)


def average_pool(x: Float[Array, "B H W C"]) -> Float[Array, "B H W C"]:
    """Means over 3x3 places, of which at the border only those within the image count."""
    return nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False)


def torch_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the arrays that the PyTorch file holds, as `params_from_torch` wants them."""
    shapes = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    for name, layer in _layers().items():
        *window, inputs, outputs = layer["kernel"].shape
        shapes[f"{_torch_name(name)}.conv.weight"] = (outputs, inputs, *(window or (1, 1)))
        shapes |= {f"{_torch_name(name)}.bn.{part}": (outputs,) for part in _NORM}
    return shapes


def params_from_torch(arrays: dict[str, np.ndarray]) -> Any:
    """Variables of `InceptionV3` from the arrays of the PyTorch file, batch normalisation folded into its convolutions.

    Counters of batches and the auxiliary classifier are passed over. Raises DataError, with the entry's name, if one is
    missing, of another shape, not part of the network, or impossible.
    """
    expected = torch_shapes()
    weights_file.require(arrays, expected, "not the Inception weights", URL)
    for name in sorted(arrays.keys() - expected.keys()):
        if not name.endswith(".num_batches_tracked") and not name.startswith("AuxLogits."):
            raise DataError(f"not the Inception weights: {name} is not part of them")
    params: dict[str, Any] = {"fc_kernel": arrays["fc.weight"].T, "fc_bias": arrays["fc.bias"]}
    for name, layer in _layers().items():
        kernel = arrays[f"{_torch_name(name)}.conv.weight"].transpose(2, 3, 1, 0).reshape(layer["kernel"].shape)
        scale, shift, mean, variance = (arrays[f"{_torch_name(name)}.bn.{part}"].astype(np.float64) for part in _NORM)
        if not all(np.isfinite(part).all() for part in (kernel, scale, shift, mean, variance)) or (variance < 0).any():
            raise DataError(f"the Inception weights are damaged: {_torch_name(name)} holds impossible numbers")
        scale = scale / np.sqrt(variance + EPSILON)
        params[name] = {"kernel": kernel * scale, "bias": shift - mean * scale}
    return {"params": jax.tree.map(lambda array: np.asarray(array, np.float32), params)}


_NORM = ("weight", "bias", "running_mean", "running_var")

_EXACT = jax.lax.Precision.HIGHEST


def _layers() -> dict[str, Any]:
    """Shapes of the kernel and the bias of every convolution."""
    shapes = jax.eval_shape(InceptionV3().init, jax.random.key(0), jnp.zeros((1, 75, 75, 3)))["params"]
    return {name: layer for name, layer in shapes.items() if not name.startswith("fc_")}


def _torch_name(name: str) -> str:
    return name.replace("_branch", ".branch")


def _conv(
    name: str, features: int, kernel: int | tuple[int, int], x: Array, *, stride: int = 1, padding: str = "VALID"
) -> Array:
    # Two detours to the same numbers, for XLA's CPU backend: it runs products faster than convolutions of 1x1, and
    # convolutions of stride 1 faster with padding than without.
    if kernel == 1:
        return nn.relu(nn.Dense(features, precision=_EXACT, name=name)(x))
    if kernel == 3 and stride == 1 and padding == "VALID":
        return _conv(name, features, kernel, x, padding="SAME")[:, 1:-1, 1:-1]
    shape = (kernel, kernel) if isinstance(kernel, int) else kernel
    return nn.relu(nn.Conv(features, shape, strides=stride, padding=padding, precision=_EXACT, name=name)(x))


def _chain(name: str, x: Array, *layers: tuple[str, int, int | tuple[int, int]]) -> Array:
    for layer, features, kernel in layers:
        x = _conv(f"{name}_{layer}", features, kernel, x, padding="SAME")
    return x


def _mixed_35(name: str, pooled: int, x: Array) -> Array:
    parts = [
        _chain(name, x, ("branch1x1", 64, 1)),
        _chain(name, x, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        _chain(name, x, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        _chain(name, average_pool(x), ("branch_pool", pooled, 1)),
    ]
    return jnp.concatenate(parts, axis=-1)


def _mixed_35_to_17(name: str, x: Array) -> Array:
    double = _chain(name, x, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3))
    parts = [
        _conv(f"{name}_branch3x3", 384, 3, x, stride=2),
        _conv(f"{name}_branch3x3dbl_3", 96, 3, double, stride=2),
        _max_pool(x),
    ]
    return jnp.concatenate(parts, axis=-1)


def _mixed_17(name: str, width: int, x: Array) -> Array:
    row, column = (1, 7), (7, 1)
    parts = [
        _chain(name, x, ("branch1x1", 192, 1)),
        _chain(name, x, ("branch7x7_1", width, 1), ("branch7x7_2", width, row), ("branch7x7_3", 192, column)),
        _chain(
            name,
            x,
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, column),
            ("branch7x7dbl_3", width, row),
            ("branch7x7dbl_4", width, column),
            ("branch7x7dbl_5", 192, row),
        ),
        _chain(name, average_pool(x), ("branch_pool", 192, 1)),
    ]
    return jnp.concatenate(parts, axis=-1)


def _mixed_17_to_8(name: str, x: Array) -> Array:
    single = _chain(name, x, ("branch3x3_1", 192, 1))
    seven = _chain(name, x, ("branch7x7x3_1", 192, 1), ("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1)))
    parts = [
        _conv(f"{name}_branch3x3_2", 320, 3, single, stride=2),
        _conv(f"{name}_branch7x7x3_4", 192, 3, seven, stride=2),
        _max_pool(x),
    ]
    return jnp.concatenate(parts, axis=-1)


def _mixed_8(name: str, x: Array, pooled: Array) -> Array:
    single = _chain(name, x, ("branch3x3_1", 384, 1))
    double = _chain(name, x, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
    parts = [
        _chain(name, x, ("branch1x1", 320, 1)),
        _chain(name, single, ("branch3x3_2a", 384, (1, 3))),
        _chain(name, single, ("branch3x3_2b", 384, (3, 1))),
        _chain(name, double, ("branch3x3dbl_3a", 384, (1, 3))),
        _chain(name, double, ("branch3x3dbl_3b", 384, (3, 1))),
        _chain(name, pooled, ("branch_pool", 192, 1)),
    ]
    return jnp.concatenate(parts, axis=-1)


def _max_pool(x: Array) -> Array:
    """Over 3x3 places, stride 2; as maxima of slices, which XLA's CPU backend fuses."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    x = functools.reduce(jnp.maximum, (x[:, i : i + height : 2] for i in range(3)))
    return functools.reduce(jnp.maximum, (x[:, :, i : i + width : 2] for i in range(3)))


def _mean(x: Array) -> Array:
    return jnp.mean(x, axis=(1, 2))


def _resize_axis(x: Array, size: int, axis: int) -> Array:
    length = x.shape[axis]
    # In NumPy: a compiler that fuses these lines rounds differently, and the shares are no longer those of TensorFlow.
    places = np.arange(size, dtype=np.float32) * np.float32(length / size)
    low = places.astype(np.int32)
    share = np.expand_dims(places - low.astype(np.float32), [a for a in range(4) if a != axis])
    below, above = jnp.take(x, low, axis), jnp.take(x, np.minimum(low + 1, length - 1), axis)
    return below + (above - below) * share
