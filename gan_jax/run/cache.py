"""What is slow to make and the same for every run: arrays kept under a user's cache folder, checked on use."""

import hashlib
import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from gan_jax.errors import RunError
from gan_jax.run.files import write_atomically

Arrays = dict[str, np.ndarray]


def folder() -> Path:
    """`$GAN_JAX_CACHE`, or gan_jax in the user's cache folder."""
    if chosen := os.environ.get("GAN_JAX_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gan_jax"


def load(name: str) -> Arrays | None:
    """Arrays that `save` kept under this name; None if there are none, or if their bits have changed since."""
    try:
        # Opened here: NumPy leaves the file open where it finds it damaged.
        with (folder() / f"{name}.npz").open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except Exception:  # whatever a damaged zip makes NumPy raise: what is cached can be made anew
        return None
    expected = arrays.pop("sha256", None)
    return arrays if expected is not None and str(expected) == sha256(arrays) else None


def save(name: str, arrays: Arrays) -> bool:
    """Keeps arrays under a name; whether it could. A disk that refuses costs time at the next start, not this run."""
    buffer = io.BytesIO()
    np.savez(buffer, sha256=np.array(sha256(arrays)), **arrays)  # type: ignore[arg-type]
    with suppress(RunError):
        write_atomically(folder() / f"{name}.npz", buffer.getvalue())
        return True
    return False


def sha256(arrays: Arrays) -> str:
    """SHA-256 over arrays with their names, shapes and dtypes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(repr((name, arrays[name].shape, str(arrays[name].dtype))).encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
