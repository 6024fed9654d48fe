"""What makes pictures of latents: the decoder of the autoencoder that made them, which lies in the file beside them."""

import hashlib
import json
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import DataError

_TOLD = "decoder"
_WEIGHTS = "decoder."


class KeptDecoder(NamedTuple):
    """An autoencoder's decoder, as it was when it made latents."""

    config: str  # of the network, as JSON
    called: str  # such as "the averaged weights of step 3000, runs/coder"
    weights: dict[str, np.ndarray]  # by name

    @property
    def sha256(self) -> str:
        """Of the config and all weights."""
        digest = hashlib.sha256(self.config.encode())
        for name, array in sorted(self.weights.items()):
            digest.update(repr((name, array.shape, str(array.dtype))).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as arrays by name, for an .npz."""
        told = {"called": self.called, "sha256": self.sha256, "config": self.config}
        return {_TOLD: np.array(json.dumps(told))} | {_WEIGHTS + name: array for name, array in self.weights.items()}


def is_decoders(name: str) -> bool:
    """Whether an array of an .npz belongs to a decoder."""
    return name == _TOLD or name.startswith(_WEIGHTS)


def from_arrays(where: str, arrays: dict[str, np.ndarray]) -> KeptDecoder | None:
    """The inverse of `KeptDecoder.arrays`; None where there is none. Raises DataError for one that has changed."""
    if _TOLD not in arrays:
        return None
    weights = {name.removeprefix(_WEIGHTS): array for name, array in arrays.items() if name.startswith(_WEIGHTS)}
    try:
        told: dict[str, Any] = json.loads(str(arrays[_TOLD]))
        # The first files told it in two.
        called = told.get("called") or f"the averaged weights of step {told['step']}, {told['run']}"
        found = KeptDecoder(str(told["config"]), str(called), weights)
        whole = found.sha256 == told["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DataError(f"{where}: its decoder is not the one that gan-jax encode wrote; encode the pictures again")
    return found
