"""Files of safetensors, read by NumPy: the one place that knows what may be wrong with one."""

from pathlib import Path

import numpy as np

from gan_jax.errors import DataError


def read(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file, by name. Raises DataError, in one line that begins with the path, for another file."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise DataError(f"{path}: no safetensors that NumPy can read: {error}") from None
