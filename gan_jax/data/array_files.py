"""Floats of which each image has a file of its own: a folder or zip of .npy, as tools that encode large sets write."""

import hashlib
import io
import math
import zlib
from collections import Counter

import numpy as np

from gan_jax.data import classes
from gan_jax.data.arrays import DECODER, IMAGES
from gan_jax.data.dataset import MOST_CHANNELS, Dataset, places
from gan_jax.data.listing import Files, list_files, suffix
from gan_jax.data.pictures import MOST_BYTES, origin
from gan_jax.data.reading import gathered
from gan_jax.data.scaling import Scaled, measured
from gan_jax.errors import DataError, printable
from gan_jax.memory import in_words, require_memory
from gan_jax.screen import tell
from gan_jax.sizes import Size, shown, sides
from gan_jax.storage import place
from gan_jax.types import Rows, Source

MANY = 10_000
"""Files whose reading takes so long that it is told."""

TOGETHER = 1024
"""Arrays that are scaled at once."""


class ArrayFiles:
    """Arrays that are read when they are asked for, float32: a `Source`.

    Each file has `[H, W, C]`, or `[C, H, W]` as PyTorch lays it; or the means of an autoencoder's codes above their
    deviations, `[2C, H, W]`, of which the means are taken. What fits the first is not taken for the others.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, shown: str, files: Files, size: Size, channels: int) -> None:
        self._shown, self._files = shown, files
        self._checksums = np.zeros(len(files), np.uint32)
        self.shape = (len(files), *sides(size), channels)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def nbytes(self) -> int:
        """Of what finds the files."""
        return self._files.nbytes + self._checksums.nbytes

    @property
    def checksum(self) -> str:
        """SHA-256 over what is in the files that have been read, by checksums."""
        return hashlib.sha256(self._checksums.tobytes()).hexdigest()

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        """Raises DataError, naming the first file that cannot be read or holds anything else."""
        chosen = places(rows, len(self))
        images = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for image, i in zip(images, chosen, strict=True):
            found, name = self.read(i), self._files.names[i]
            laid = self._laid(found, i)
            with np.errstate(over="ignore"):  # which is told below
                image[:] = laid
            if not np.isfinite(image).all():
                raise DataError(
                    f"{self._shown}: {name} has values that are not finite, as float32; mend it, or leave it out"
                )
        return images

    def read(self, i: int) -> np.ndarray:
        """What a file holds, as it lies there. Raises DataError."""
        name = self._files.names[i]
        try:
            if (length := int(self._files.sizes[i])) > MOST_BYTES:
                raise ValueError(f"{in_words(length)}, of which {in_words(MOST_BYTES)} are read at most")
            data = self._files.read(i)
            self._checksums[i] = zlib.crc32(data)
            return _array(data)
        except DataError:
            raise
        except Exception as error:  # whatever a damaged header makes NumPy raise
            raise DataError(f"{self._shown}: {name} is no .npy that can be read: {error}") from None

    def remarks(self) -> list[str]:
        """What the first file is taken for, where it could be anything else."""
        height, width, channels = wanted = self.shape[1:]
        found = self.read(0).shape
        if found == wanted and height == width == channels:
            return [f"{self._shown}: its arrays are taken for [height, width, channels]; {list(found)} could be either"]
        if found == (2 * channels, height, width) != wanted:
            return [f"{self._shown}: of {found[0]} channels the first {channels} are taken, as means above deviations"]
        return []

    def _laid(self, array: np.ndarray, i: int) -> np.ndarray:
        height, width, channels = wanted = self.shape[1:]
        if array.dtype.kind in "fiu" and array.shape == wanted:
            return array
        if array.dtype.kind in "fiu" and array.shape in ((channels, height, width), (2 * channels, height, width)):
            return np.moveaxis(array[:channels], 0, -1)
        raise DataError(
            f"{self._shown}: {self._files.names[i]} holds {array.dtype} {list(array.shape)}; expected numbers "
            f"[{height}, {width}, {channels}], [{channels}, {height}, {width}] or [{2 * channels}, {height}, {width}]"
            f"{'; mend it, or leave it out' if i else _mend(array)}"  # the first one stands for all
        )


def _mend(array: np.ndarray) -> str:
    """What would do for such arrays, as far as their shape tells."""
    if array.ndim == 4:
        return "; of many images in one array name the file itself with --data.path"
    if array.ndim != 3 or array.dtype.kind not in "fiu":
        return ""
    *size, channels = array.shape if array.shape[-1] <= MOST_CHANNELS else (*array.shape[1:], array.shape[0])
    return f", and floats are not resized; add --data.size {shown((size[0], size[1]))} --data.channels {channels}"


def load(path: str, *, size: Size, channels: int, deviation: float, memory: float = math.inf) -> Dataset:
    """Every .npy below `path`, a folder or a zip, in the order of their names, each the floats of one image.

    They become float32 `[N, *size, channels]` as `scaling.measured` says, for which all are read at each start. Up to
    `memory` bytes are held; more are read as they are needed. Where an array could be laid out in two ways, the
    channels are last, and it is told. Classes are those of a `dataset.json`, or the top sub-folders, as
    `pictures.load` has them. Raises DataError where there is nothing to read, or a file that holds anything else.
    """
    source = place(path).expanduser()
    where = printable(source)
    found = list_files(source, where)
    files = found.those([i for i, name in enumerate(found.names) if suffix(name) == ".npy"])
    if not len(files):
        kinds = ", ".join(f"{count} {kind or 'without a suffix'}" for kind, count in _commonest(found)) or "none"
        raise DataError(
            f"{where}: no .npy in it, of which each would have the floats of one image; there are {kinds}. Pictures "
            "are bytes: of these, drop --data.deviation"
        )
    if mark := next((name for name in found.names if name.rpartition("/")[-1] == DECODER), None):
        inside = mark.removesuffix(DECODER)
        raise DataError(f"{where}: gan-jax encode wrote it, as one array; name {where}/{inside}{IMAGES}")
    labels, names = classes.of_files(where, found, files)
    images = ArrayFiles(where, files, size, channels)
    for remark in images.remarks():
        tell(remark)
    if len(files) >= MANY:
        tell(f"{where}: reading all {len(files):,} arrays, for the mean and deviation of each channel")
    seen: Source
    if (needed := 4 * math.prod(images.shape)) > memory:
        scaling = measured(where, images, deviation)
        seen = Scaled(images, scaling)
    else:
        mend = "take fewer, or read them as they are needed with --data.memory 0"
        require_memory(needed, f"{where}: its {len(images):,} arrays", mend, error=DataError)
        seen = held = gathered(images)
        scaling = measured(where, held, deviation)
        for done in range(0, len(held), TOGETHER):  # in place: a copy would need as much memory again
            held[done : done + TOGETHER] = scaling.seen(held[done : done + TOGETHER])
    return Dataset(printable(source.name), seen, labels, names, origin(files) + images.checksum, scaling)


def _array(data: bytes) -> np.ndarray:
    """The array of an .npy, over these very bytes: a header that promises more than there is takes no memory."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    flat = np.frombuffer(data, dtype, math.prod(shape), stream.tell())
    return flat.reshape(shape, order="F" if by_columns else "C")


def _commonest(files: Files) -> list[tuple[str, int]]:
    return Counter(map(suffix, files.names)).most_common(3)
