"""A dataset, and the checks that every source must pass."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gan_jax.data.decoder import KeptDecoder
from gan_jax.data.reading import AHEAD, in_blocks
from gan_jax.data.scaling import Scaling
from gan_jax.data.teacher import TeacherFeatures
from gan_jax.errors import DataError
from gan_jax.screen import tell
from gan_jax.types import Rows, Source

MOST_CHANNELS = 16
"""Of floats."""

SAMPLED = "-sampled"
"""The end of a fingerprint that is not of all pixels."""

SAMPLE = 64
"""Images whose pixels such a fingerprint is of."""


@dataclass(frozen=True)
class Dataset:
    """Real images, decoded once or as they are needed. Labels are there if the source has classes."""

    name: str
    images: Source  # [N, H, W, C]: uint8, C is 1 or 3; or float32, of any range, C up to 16
    labels: np.ndarray | None = None  # int32 [N], in [0, len(classes))
    classes: tuple[str, ...] = ()
    origin: str = ""  # what is known of the files behind the images without reading them: names, sizes
    scaling: Scaling | None = None  # of floats: what brought them from the range of their own
    test: "Dataset | None" = None  # what no step sees
    alphabet: str = ""  # of text: the character of each number
    folder: str = ""  # of one's own pictures: the one that all of them lie in, below what was named
    frames: int = 1  # of clips: how many lie one above another in an image
    pictures: Source | None = None  # of latents: what they are of, in the same order
    decoder: KeptDecoder | None = None  # of latents: what makes pictures of them
    features: TeacherFeatures | None = None  # what a teacher says of the images, in the same order

    def __post_init__(self) -> None:
        channels = {"uint8": (1, 3), "float32": range(1, MOST_CHANNELS + 1)}.get(str(self.images.dtype), ())
        if len(self.images.shape) != 4 or self.images.shape[-1] not in channels:
            raise DataError(
                f"{self.name}: expected images [N, H, W, C], uint8 of 1 or 3 channels or float32 of 1 to "
                f"{MOST_CHANNELS}, got {self.images.dtype} {self.images.shape}"
            )
        if not len(self.images):
            raise DataError(f"{self.name}: no images in it")
        if self.labels is not None and len(self.labels) != len(self.images):
            raise DataError(f"{self.name}: {len(self.labels)} labels for {len(self.images)} images")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def things(self) -> str:
        """What there are `len` of."""
        return "pieces" if self.alphabet else "clips" if self.frames > 1 else "images"

    @property
    def in_memory(self) -> bool:
        """Whether all images are held there, and their features, if there are any."""
        held = isinstance(self.images, np.ndarray) and not isinstance(self.images, np.memmap)
        return held and (self.features is None or self.features.in_memory)

    def memory(self, batch: int) -> int:
        """Bytes of the host's memory that they take while batches of so many are read.

        Those are what holds or finds images and features, the labels, the order of two epochs, and the batches read
        ahead.
        """
        sources = [source for source in (self.images, self.pictures, self.features) if source is not None]
        held = sum(source.nbytes for source in sources if not isinstance(source, np.memmap))
        labels = 0 if self.labels is None else self.labels.nbytes
        orders = 2 * len(self) * np.min_scalar_type(len(self)).itemsize
        read = [source for source in (self.images, self.features) if source is not None]
        one = sum(math.prod(source.shape[1:]) * source.dtype.itemsize for source in read)
        return held + labels + orders + AHEAD * batch * one

    @property
    def fingerprint(self) -> str:
        """What the data are known by: `pixels` of images in memory, `sampled` of those that are read as needed."""
        return self.pixels if self.in_memory else self.sampled

    @cached_property
    def pixels(self) -> str:
        """SHA-256 over shape, pixels, labels, class names and features: two datasets train alike if it is the same."""
        digest = hashlib.sha256(repr((self.images.shape, self.classes)).encode())
        for block in in_blocks(self.images):
            digest.update(np.ascontiguousarray(block).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels).data)
        digest.update(self.alphabet.encode())
        digest.update(self.test.pixels.encode() if self.test else b"")
        if self.features is not None:
            digest.update(repr(self.features.shape).encode())
            for block in in_blocks(self.features):
                digest.update(np.ascontiguousarray(block).data)
        return digest.hexdigest()

    @cached_property
    def sampled(self) -> str:
        """SHA-256 over shape, labels, class names, `origin`, and pixels and features of 64 images: what reads little.

        A picture that was added, lost, renamed, or changed in size is seen; one that was changed and has kept its name
        and its size in bytes is seen if it is one of the 64.
        """
        rows = np.random.Generator(np.random.Philox(key=0)).integers(len(self), size=SAMPLE)
        digest = hashlib.sha256(repr((self.images.shape, self.classes, self.origin)).encode())
        digest.update(np.ascontiguousarray(self.images[np.unique(rows)]).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels).data)
        digest.update(self.alphabet.encode())
        digest.update(self.test.sampled.encode() if self.test else b"")
        if self.features is not None:
            digest.update(repr(self.features.shape).encode())
            digest.update(np.ascontiguousarray(self.features[np.unique(rows)]).data)
        return digest.hexdigest() + SAMPLED

    def must_be(self, fingerprint: str, count: int) -> None:
        """Raises DataError unless these are the data, `count` images, that a run was trained on.

        Where a run began with its images in memory and these are not, or the other way round, the other kind of
        fingerprint is compared: of all pixels, which are read for it.
        """
        as_many, sampled = len(self) == count, fingerprint.endswith(SAMPLED)
        if as_many and not (sampled or self.in_memory):
            tell(f"{self.name}: reading all {count:,} images once, to see that they are those that this run began with")
        if not as_many or (self.sampled if sampled else self.pixels) != fingerprint:
            raise DataError(
                f"{self.name}: the data are not those that this run was trained on ({len(self)} images now, {count} "
                "then); restore them, or start another run with --run"
            )


def places(rows: Rows, count: int) -> Sequence[int]:
    """Places as numbers, in a set of so many: what a `Source` is asked for."""
    return range(count)[rows] if isinstance(rows, slice) else [int(row) for row in rows]
