"""PyTorch's tensors as arrays of Flax: which of them is which, and in what order its axes are."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from gan_jax.config import Config
from gan_jax.errors import DataError
from gan_jax.published.modules import Published

BINOMIAL = np.array([1, 3, 3, 1]) / 8
"""The filter of our `upsample`, along one axis."""

Layout = Callable[[np.ndarray], np.ndarray]
"""Raises ValueError or IndexError for a tensor with other axes."""


class Place(NamedTuple):
    """Where an array of ours comes from."""

    name: str  # theirs
    layout: Layout


class Network(NamedTuple):
    """What a published generator is here."""

    config: Config
    classes: int  # 0: it is told no labels
    places: Mapping[str, Place]  # by the names of our arrays, "params.basis"
    filters: tuple[str, ...] = ()  # how the names of their filters end, which are no arrays here


def as_it_is(tensor: np.ndarray) -> np.ndarray:
    """A vector, or a number."""
    return tensor


def dense(tensor: np.ndarray) -> np.ndarray:
    """`[outputs, inputs]` to `[inputs, outputs]`."""
    return tensor.transpose(1, 0)


def convolution(tensor: np.ndarray) -> np.ndarray:
    """`[outputs, inputs, k, k]` to `[k, k, inputs, outputs]`; inputs are those of a group."""
    return tensor.transpose(2, 3, 1, 0)


def turned(tensor: np.ndarray) -> np.ndarray:
    """The same of a convolution that is applied as one, by half a turn: theirs correlate, as ours do."""
    return convolution(tensor)[::-1, ::-1]


def pointwise(tensor: np.ndarray) -> np.ndarray:
    """`[outputs, inputs, 1, 1]` to `[inputs, outputs]`."""
    return convolution(tensor).squeeze((0, 1))


def maps(tensor: np.ndarray) -> np.ndarray:
    """`[C, H, W]` to `[H, W, C]`."""
    return tensor.transpose(1, 2, 0)


def noise(tensor: np.ndarray) -> np.ndarray:
    """`[H, W]` to `[1, H, W, 1]`."""
    return tensor[None, :, :, None]


def layer(ours: str, theirs: str) -> Iterator[tuple[str, Place]]:
    """The places of a convolution with biases, which is called so in our parameters, and so among their tensors."""
    yield f"params.{ours}.kernel", Place(f"{theirs}.weight", convolution)
    yield f"params.{ours}.bias", Place(f"{theirs}.bias", as_it_is)


def arranged(published: Published, network: Network, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Our arrays, float32, by name, of these shapes. Raises DataError, in one line, unless all fit, and none is left.

    Numbers in half precision become float32; a number that is not finite is refused, as in a run.
    """
    tensors = {name: tensor for name, tensor in published.tensors.items() if not name.endswith(network.filters)}
    wanted = {place.name for place in network.places.values()}
    for told, names in {"lacks": wanted - tensors.keys(), "has unknown": tensors.keys() - wanted}.items():
        if names:
            raise DataError(f"its generator {told} {named(names)}")
    _check_filters(published, network.filters)
    arrays = {}
    for ours, shape in shapes.items():
        name, layout = network.places[ours]
        tensor = tensors[name]
        array = _laid_out(tensor, layout)
        if array is None or array.shape != shape:
            raise DataError(f"{name} is {list(tensor.shape)}, which does not become {ours} {list(shape)}")
        if tensor.dtype not in (np.float16, np.float32) or not np.isfinite(tensor).all():
            raise DataError(f"{name}: expected finite numbers, float32 or float16, not {tensor.dtype}")
        arrays[ours] = array.astype(np.float32)
    return arrays


def _laid_out(tensor: np.ndarray, layout: Layout) -> np.ndarray | None:
    try:
        return layout(tensor)
    except (ValueError, IndexError):
        return None


def named(names: set[str]) -> str:
    """The first of some names, which may be strangers', and how many more there are."""
    first = ", ".join(ascii(name)[1:-1][:80] for name in sorted(names)[:3])
    return first + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def require(published: Published, expected: Mapping[str, object]) -> None:
    """Raises DataError unless the generator's attributes have these values, by dotted names."""
    for name, value in expected.items():
        if name not in published.fields:
            raise DataError(f"{name} is not told by its generator; expected {value!r}")
        if (found := published.fields[name]) != value or isinstance(found, bool) != isinstance(value, bool):
            raise DataError(f"{name} is {ascii(found)[:80]}; ours has {value!r}, and there is no setting for it")


def count(published: Published, name: str) -> int:
    """An attribute that counts something. Raises DataError for another."""
    found = published.fields.get(name)
    if type(found) is not int or not 0 <= found < 2**16:
        raise DataError(f"{name} is {ascii(found)[:80]}; expected a whole number")
    return found


def _check_filters(published: Published, endings: tuple[str, ...]) -> None:
    for name, tensor in published.tensors.items():
        if name.endswith(endings) and (tensor.shape != (4, 4) or not np.allclose(tensor, np.outer(BINOMIAL, BINOMIAL))):
            raise DataError(f"{name}: images are resampled by another filter than [1, 3, 3, 1], which ours are by")
