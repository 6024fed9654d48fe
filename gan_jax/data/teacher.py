"""What a teacher says of images: features that come beside them."""

import numpy as np

from gan_jax.data.reading import in_blocks
from gan_jax.errors import DataError
from gan_jax.memory import require_memory
from gan_jax.types import Rows


class TeacherFeatures:
    """Features float32 `[N, n, F]` of images, of an array in memory or mapped: a `Source` whose rows are no images.

    `sizes.laid` has where in an image each of n lies.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, where: str, array: np.ndarray) -> None:
        self._where, self._array = where, array
        self.shape = array.shape
        self.in_memory = not isinstance(array, np.memmap)
        self.nbytes = array.nbytes if self.in_memory else 0

    @classmethod
    def of(
        cls, where: str, found: np.ndarray | None, wanted: tuple[int, int, int], *, memory: float
    ) -> "TeacherFeatures":
        """The features of an array that was found, of floats `[N, n, F]`, or `[N, F]` where n is 1.

        What is mapped is held, if it has `memory` bytes at most. Raises DataError for any other array, and, of one that
        is held, for values that are not finite.
        """
        count, each, numbers = wanted
        expected = f"features of floats {list(wanted)}" + f", or {[count, numbers]}" * (each == 1)
        if found is None:
            raise DataError(
                f"{where}: no array in it, or beside it, is called features; expected {expected}, or leave "
                "--data.features out"
            )
        if found.dtype.kind != "f" or found.shape not in (wanted, (count, numbers) if each == 1 else wanted):
            mend = ""
            if found.dtype.kind == "f" and found.ndim in (2, 3) and len(found) == count:
                mend = f"; add --data.features {'x'.join(map(str, found.shape[1:]))}"
            raise DataError(f"{where}: expected {expected}, got {found.dtype} {list(found.shape)}{mend}")
        array = found.reshape(wanted)
        if isinstance(array, np.memmap) and array.nbytes <= memory:
            require_memory(array.nbytes, f"{where}: its features", "read them with --data.memory 0", error=DataError)
            array = np.array(array)
        features = cls(where, array)
        if features.in_memory:
            for _ in in_blocks(features):
                pass
        return features

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        """Raises DataError for values that are not finite."""
        with np.errstate(over="ignore"):  # which is told below
            found = np.asarray(self._array[rows], np.float32)
        finite = np.isfinite(found).all((1, 2))
        if not finite.all():
            bad = np.arange(len(self))[rows][np.argmin(finite)]
            raise DataError(f"{self._where}: features of image {bad} are not finite, as float32; mend them")
        return found
