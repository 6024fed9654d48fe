"""A state as arrays by name, and back; what vouches for their bits."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from gan_jax.errors import RunError


def to_arrays(state: Any) -> dict[str, np.ndarray]:
    """A pytree as NumPy arrays by name, such as "generator.weights.params.project.kernel"; keys as their bits."""
    return {name: np.asarray(leaf) for name, leaf in named(state).items()}


def named(state: Any) -> dict[str, Any]:
    """The same, as they lie on devices."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.tree.map(_bits, state))
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def from_arrays(template: Any, arrays: dict[str, np.ndarray], *, where: str) -> Any:
    """The inverse of `to_arrays`. Raises RunError where names, shapes or dtypes are not those of the template."""
    paths, structure = jax.tree_util.tree_flatten_with_path(template)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    if strange := sorted(set(names) ^ set(arrays)):
        raise RunError(f"{where} was made by another model or another version: it differs in {', '.join(strange[:3])}")
    leaves = []
    for name, (_, leaf) in zip(names, paths, strict=True):
        array, wanted = arrays[name], jax.eval_shape(_bits, leaf)
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise RunError(f"{where}: {name} is {array.dtype} {array.shape}, expected {wanted.dtype} {wanted.shape}")
        is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        leaves.append(_key(array, leaf.dtype, f"{where}: {name}") if is_key else array)
    return jax.tree.unflatten(structure, leaves)


def _bits(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _key(bits: np.ndarray, dtype: Any, where: str) -> Any:
    for kind in ("threefry2x32", "rbg", "unsafe_rbg"):
        if jax.random.key(0, impl=kind).dtype == dtype:
            return jax.random.wrap_key_data(jax.numpy.asarray(bits), impl=kind)
    raise RunError(f"{where} is a {dtype}, a kind of random keys that checkpoints do not know")


def _sha256(leaf: Any) -> str:
    array = np.asarray(leaf)
    digest = hashlib.sha256(repr((array.shape, str(array.dtype))).encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def hashes(arrays: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each array, with its shape and dtype, and of what JSON makes of the notes."""
    text = json.dumps(notes, sort_keys=True)
    with ThreadPoolExecutor() as pool:  # hashing lets other threads run
        found = dict(zip(arrays, pool.map(_sha256, arrays.values()), strict=True))
    return found | {"notes": hashlib.sha256(text.encode()).hexdigest()}
