"""Files of weights as they were published: that a file is the one, and holds what it should."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_jax.errors import DataError


def require(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], said: str, url: str) -> None:
    """Raises DataError, which begins with what is `said`, for the first name that is missing or of another shape."""
    for name, shape in shapes.items():
        if name not in arrays:
            raise DataError(f"{said}: {name} is missing; {url} has them")
        if arrays[name].shape != shape:
            raise DataError(f"{said}: {name} is {arrays[name].shape}, expected {shape}; {url} has them")


def promised(name: str) -> str:
    """The first digits of a file's SHA-256 that its name ends in, as names of PyTorch's weights do."""
    return Path(name).stem.rpartition("-")[2]


def verify(path: str | Path, digits: str) -> None:
    """Raises DataError unless the SHA-256 of the file begins with these hex digits."""
    try:
        with Path(path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not found.startswith(digits.lower()):
        raise DataError(
            f"{path}: its SHA-256 begins with {found[: len(digits)]}, not with {digits}: damaged, or another file; "
            "download it again"
        )
