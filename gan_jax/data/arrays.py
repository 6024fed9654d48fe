"""Images that somebody keeps as arrays: bytes, or floats such as an autoencoder's latents."""

import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from gan_jax.data.classes import MOST
from gan_jax.data.dataset import Dataset
from gan_jax.data.decoder import from_arrays, is_decoders
from gan_jax.data.reading import gathered
from gan_jax.data.scaling import Scaled, Scaling, measured
from gan_jax.data.teacher import TeacherFeatures
from gan_jax.errors import DataError, printable
from gan_jax.memory import require_memory
from gan_jax.sizes import Size, shown, sides
from gan_jax.storage import is_remote, place, reached


def load(
    path: str,
    *,
    size: Size,
    channels: int,
    deviation: float | None,
    features: tuple[int, int] | None = None,
    memory: float = math.inf,
) -> Dataset:
    """The array of an .npy, or `images` of an .npz, with its `labels` and the names of its `classes` if it has them.

    Of an images.npy that gan-jax encode wrote, with its decoder.npz, they are what labels.npy, ... hold beside it.

    Without a `deviation` they are uint8 `[N, H, W, 1 or 3]`. With one they are numbers of any range,
    `[N, *size, channels]`, and become float32 as `scaling.measured` says; latents may have a decoder beside them, and
    the `pictures` that they are of. Where it is said how many `features` there are of an image, and of how many
    numbers, they are read of the array of that name, `[N, *features]`, or `[N, numbers]` of one; of an .npy from a
    features.npy beside it. Up to `memory` bytes are held; more of an .npy are read as they are needed, but of a bucket
    all. Raises DataError.
    """
    source = place(path).expanduser()
    name, where = printable(source.name), printable(source)
    arrays = _read(source, where, ("features",) if features else ())
    images = arrays["images"]
    taught: TeacherFeatures | None = None
    needed = images.nbytes if deviation is None else 4 * images.size  # float32, whatever they are in the file
    as_needed = isinstance(images, np.memmap) and needed > memory
    if features is not None:
        left = memory if as_needed else max(0, memory - needed)
        taught = TeacherFeatures.of(where, arrays.get("features"), (len(images), *features), memory=left)
    labels, classes = _labels(where, arrays, len(images))
    origin = f"{_length(source)} bytes"
    if deviation is None:
        if images.dtype != np.uint8:
            raise DataError(
                f"{where}: its images are {images.dtype}, not uint8; if they are floats such as latents, add "
                "--data.deviation 0.5"
            )
        if isinstance(images, np.memmap) and not as_needed:
            _require_memory(needed, f"{where}: its images", "read them as they are needed with --data.memory 0")
            images = np.array(images)
        return Dataset(name, images, labels, classes, origin, features=taught)
    _must_be_numbers(where, images, (*sides(size), channels))
    scaling = measured(where, images, deviation)
    seen = Scaled(images, scaling) if as_needed else _held(where, images, scaling)
    decoder = from_arrays(where, arrays)
    pictures = None if decoder is None else _pictures(where, arrays, len(images))
    return Dataset(name, seen, labels, classes, origin, scaling, pictures=pictures, decoder=decoder, features=taught)


_READ = ("images", "labels", "classes", "pictures")
"""The arrays of an .npz that mean something here, beside a decoder's."""

IMAGES, DECODER = "images.npy", "decoder.npz"
"""Files of arrays, one each: where both lie, those of the other arrays may lie beside them."""

FILES = (*(f"{name}.npy" for name in (*_READ, "features")), DECODER)
"""All of these; the last one is the mark of what belongs together."""


def _read(source: Path, where: str, asked: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays by name, those that are asked for, too; of an .npy they are mapped and not read, of a bucket read."""
    try:
        with reached(source):
            if not source.is_file():
                raise DataError(f"{where}: no such file")
            with source.open("rb") as file:
                if not zipfile.is_zipfile(file):
                    return _together(source, where, asked)
                found, names = _archived(file, where, (*_READ, *asked))
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a damaged header makes NumPy raise
        raise DataError(f"{where}: no arrays that NumPy can read: {error}") from None
    if "images" not in found:
        raise DataError(f"{where}: no array in it is called images; there are {', '.join(names) or 'none'}")
    return found


def _together(source: Path, where: str, asked: tuple[str, ...]) -> dict[str, np.ndarray]:
    """An .npy, what is `asked` of its folder, and of an images.npy with a decoder what else lies beside it."""
    decoder = source.parent / DECODER
    belong = source.name == IMAGES and decoder.is_file()
    beside = {name: source.parent / f"{name}.npy" for name in (*(_READ[1:] if belong else ()), *asked)}
    found = {"images": _array(source, where)}
    found |= {name: _array(path, where) for name, path in beside.items() if path.is_file()}
    if not belong:
        return found
    with decoder.open("rb") as file:
        return found | _archived(file, str(decoder), ())[0]


def _array(source: Path, where: str) -> np.ndarray:
    """Of a bucket in memory: nothing is mapped from there."""
    if not is_remote(source):
        return np.load(source, mmap_mode="r", allow_pickle=False)
    with source.open("rb") as file:
        mend = "copy it to this machine, where it is read as needed"
        _require_memory(file.seek(0, io.SEEK_END), f"{where}: its array", mend)
        file.seek(0)
        return np.load(file, allow_pickle=False)


def _archived(file: IO[bytes], where: str, wanted: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Of an .npz those that are wanted, and a decoder's; and the names of all."""
    with zipfile.ZipFile(file) as members:
        needed = sum(member.file_size for member in members.infolist())
    _require_memory(needed, f"{where}: its arrays", "keep them in an .npy, which is read as needed")
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive if name in wanted or is_decoders(name)}, list(archive)


def _length(source: Path) -> int:
    with reached(source), source.open("rb") as file:
        return file.seek(0, io.SEEK_END)


def _require_memory(needed: int, what: str, mend: str) -> None:
    require_memory(needed, what, mend, error=DataError)


def _labels(where: str, arrays: dict[str, np.ndarray], count: int) -> tuple[np.ndarray | None, tuple[str, ...]]:
    labels, classes = arrays.get("labels"), tuple(map(str, arrays.get("classes", ())))
    if labels is None:
        return None, ()
    if (
        labels.shape != (count,)
        or labels.dtype.kind not in "iu"
        or labels.min(initial=0) < 0
        or labels.max(initial=0) >= MOST
    ):
        raise DataError(
            f"{where}: expected labels [{count}], whole numbers from 0, got {labels.dtype} {list(labels.shape)}"
        )
    highest = int(labels.max(initial=0))
    if classes and len(classes) <= highest:
        raise DataError(f"{where}: {len(classes)} classes are named, and labels go up to {highest}")
    return labels.astype(np.int32), classes or tuple(map(str, range(highest + 1)))


def _pictures(where: str, arrays: dict[str, np.ndarray], count: int) -> np.ndarray:
    pictures = arrays.get("pictures")
    if pictures is None or pictures.dtype != np.uint8 or pictures.ndim != 4 or len(pictures) != count:
        found = "none" if pictures is None else f"{pictures.dtype} {list(pictures.shape)}"
        raise DataError(f"{where}: latents with a decoder have as many pictures uint8 [{count}, H, W, C], got {found}")
    return pictures


def _must_be_numbers(where: str, images: np.ndarray, wanted: tuple[int, ...]) -> None:
    if images.ndim != 4 or images.dtype.kind not in "fiu" or not len(images):
        mend = "; where each image has a file of its own, name the folder" * (images.ndim == 3)
        raise DataError(
            f"{where}: expected images [N, H, W, C] of numbers, got {images.dtype} {list(images.shape)}{mend}"
        )
    if images.shape[1:] != wanted:
        height, width, channels = images.shape[1:]
        raise DataError(
            f"{where}: its images are {height}x{width} of {channels} channels, and floats are not resized; add "
            f"--data.size {shown((height, width))} --data.channels {channels}"
        )


def _held(where: str, images: np.ndarray, scaling: Scaling) -> np.ndarray:
    """All of them as networks see them, in memory."""
    mend = "keep them in an .npy, which is read as needed with --data.memory 0"
    _require_memory(4 * images.size, f"{where}: its images as float32", mend)
    return gathered(images, scaling.seen)
