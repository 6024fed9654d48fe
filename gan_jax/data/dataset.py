"""A dataset in memory, and the checks that every source must pass."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gan_jax.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """Real images, decoded once. Labels are there if the source has classes."""

    name: str
    images: np.ndarray  # uint8 [N, H, W, C], C is 1 or 3
    labels: np.ndarray | None = None  # int32 [N], in [0, len(classes))
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8 or self.images.shape[-1] not in (1, 3):
            raise DataError(
                f"{self.name}: expected uint8 images [N, H, W, 1 or 3], got {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images):
            raise DataError(f"{self.name}: no images in it")
        if self.labels is not None and len(self.labels) != len(self.images):
            raise DataError(f"{self.name}: {len(self.labels)} labels for {len(self.images)} images")

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over shape, pixels, labels and class names: two datasets train alike if it is the same."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()

    def must_be(self, fingerprint: str, count: int) -> None:
        """Raises DataError unless these are the data, `count` images, that a run was trained on."""
        if self.fingerprint != fingerprint:
            raise DataError(
                f"{self.name}: the data are not those that this run was trained on ({len(self)} images now, {count} "
                "then); restore them, or start another run with --run"
            )
