"""Networks that go on from what others have learned: a state with the arrays of another, as far as they fit."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.gan import GANState
from gan_jax.network import is_float


class TakenOver(NamedTuple):
    """What became of each array of the networks and of their averages, by names as "average.params.project.kernel"."""

    taken: dict[str, tuple[int, ...]]  # and its shape
    fresh: dict[str, str]  # and why it is not the other's
    left: tuple[str, ...]  # the other's arrays that have no place here


def taken_over(state: GANState, arrays: Mapping[str, Any]) -> tuple[GANState, TakenOver]:
    """The state with all arrays of its networks and averages that have the name and the shape of one of `arrays`.

    Those are named by their paths in a state, as checkpoints name them: "generator.weights.params.project.kernel". Only
    networks and averages of them are looked for. A generator of which there is no array takes its average's, and an
    average the generator's. Step, key, optimizers, memories and past stay: training begins anew, elsewhere. Arrays are
    copied in the dtypes of the state, of which only shapes and dtypes matter where all fit.
    """
    paths, structure = jax.tree_util.tree_flatten_with_path(state)
    taken: dict[str, tuple[int, ...]] = {}
    fresh: dict[str, str] = {}
    sources: set[str] = set()
    leaves = []
    for path, leaf in paths:
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        source = next((other for other in _same(name) if other in arrays), name)
        if not name.startswith(NETWORKS):
            leaves.append(leaf)
        elif why := _misfit(leaf, arrays.get(source)):
            fresh[name] = why
            leaves.append(leaf)
        else:
            taken[name] = leaf.shape
            leaves.append(jnp.array(arrays[source], leaf.dtype))  # a copy: a step may consume the state
        sources.add(source)
    left = sorted(name for name in arrays if name.startswith(NETWORKS) and name not in sources)
    return jax.tree.unflatten(structure, leaves), TakenOver(taken, fresh, tuple(left))


_GENERATOR, _AVERAGE = "generator.weights.", "average."
NETWORKS = (_GENERATOR, "discriminator.weights.", _AVERAGE, "more_averages.")
"""How the names of a state's arrays begin that are of networks, or of averages of them."""


def _same(name: str) -> list[str]:
    """The names of what could be there in an array's place, the best first."""
    inside = name.removeprefix(_GENERATOR).removeprefix(_AVERAGE)
    if name.startswith("more_averages."):
        inside = name.split(".", 2)[2]
    elif inside == name:
        return [name]
    return [name, *(other for other in (_AVERAGE + inside, _GENERATOR + inside) if other != name)]


def _misfit(leaf: Any, array: Array | None) -> str | None:
    """Why an array cannot take a leaf's place; None if it can."""
    if array is None:
        return "not there"
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return "a key, to draw by"
    if array.shape != leaf.shape:
        return f"{_shown(array.shape)} there, {_shown(leaf.shape)} here"
    return None if is_float(array) == is_float(leaf) else f"{array.dtype} there, {leaf.dtype} here"


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"
