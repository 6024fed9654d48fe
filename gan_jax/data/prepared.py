"""Datasets that tensorflow-datasets has prepared, read without TensorFlow."""

import hashlib
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from gan_jax.data.dataset import Dataset, places
from gan_jax.data.reading import read_ahead
from gan_jax.data.resize import fitted, resize_all
from gan_jax.errors import DataError
from gan_jax.memory import require_memory
from gan_jax.sizes import Size
from gan_jax.types import Rows, Source

TFDS_NAMES = {"imagenet32": "imagenet_resized/32x32"}
"""What tensorflow-datasets calls a dataset, where that is not our name."""

Split = Literal["train", "test"]

CHUNK = 256
"""Records read at once: at their own size, all together may not fit into memory."""


class Records:
    """Images of records that are read when they are asked for: a `Source`."""

    dtype = np.dtype(np.uint8)
    nbytes = 0  # of memory: where a record lies is known by its number

    def __init__(self, name: str, folder: Path, records: Any, size: Size | None, channels: int | None) -> None:
        self._name, self._folder, self._records, self._size, self._channels = name, folder, records, size, channels
        self.shape = (len(records), *self[:1].shape[1:])

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        """Raises DataError, naming the first record that cannot be read."""
        return self.labelled(rows)[0]

    def labelled(self, rows: Rows) -> tuple[np.ndarray, list[int]]:
        """Images and their labels, of which there are none where the records have none."""
        chosen = list(places(rows, len(self)))
        try:
            records = self._records.__getitems__(chosen)
            return _to_size([record["image"] for record in records], self._size, self._channels), _labels_in(records)
        except Exception as error:
            first, why = self._first_bad(chosen) or (chosen[0], error)
            raise _damaged(self._name, self._folder, why, f"record {first} of ") from None

    def _first_bad(self, chosen: list[int]) -> tuple[int, Exception] | None:
        for row in chosen:
            try:
                self._records[row]
            except Exception as error:
                return row, error
        return None


def load(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    size: Size | None = None,
    channels: int | None = None,
    memory: float = math.inf,
    split: Split = "train",
) -> Dataset:
    """The training split of an image dataset, or its test images, resized and cropped to `size`, in so many channels.

    Up to `memory` bytes of images are read and decoded now; more, as they are needed, and then now the labels alone.
    Looks on disk first, and goes to the network only if `download` says so. Raises DataError if the data are
    not there, or if preparing them fails; the message says what to type.
    """
    name = TFDS_NAMES.get(name, name)
    folder = Path(data_dir or "~/tensorflow_datasets").expanduser()
    if not list(folder.glob(f"{name}/*/dataset_info.json")) and not list(folder.glob(f"{name}/*/*/dataset_info.json")):
        if not download:
            raise DataError(
                f"{name} is not prepared in {folder}. Name the folder that holds it with --data.data-dir, or add "
                "--data.download to fetch and prepare it (needs network, and for that one step "
                "pip install tensorflow)"
            )
        _prepare(name, folder)
    return _read(name, folder, size, channels, memory, split)


def _prepare(name: str, folder: Path) -> None:
    try:
        import tensorflow  # noqa: F401
    except ImportError:
        raise DataError(
            f"preparing {name} needs TensorFlow, for this one step: pip install tensorflow, then the same "
            "command again. Reading it afterwards does not"
        ) from None
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=str(folder), file_format="array_record")
        builder.download_and_prepare()
    except Exception as error:
        raise DataError(f"could not download and prepare {name} in {folder}: {type(error).__name__}: {error}") from None


def _read(name: str, folder: Path, size: Size | None, channels: int | None, memory: float, split: Split) -> Dataset:
    import tensorflow_datasets as tfds

    logging.getLogger("absl").setLevel(logging.ERROR)  # or it recommends OpenCV at every start
    where = f"{name} in {folder}"
    try:
        builder = tfds.builder(name, data_dir=str(folder))
        if split not in builder.info.splits:
            raise DataError(f"{where} has no {split} split, only {', '.join(builder.info.splits)}")
        records = builder.as_data_source(split=split)
        if not len(records):
            raise DataError(f"{where} has no images in its {split} split")
        source = Records(name, folder, records, size, channels)
        images: Source
        if math.prod(source.shape) <= memory:
            images, labels = _hold(name, source)
        else:
            bare = builder.as_data_source(split=split, decoders={"image": tfds.decode.SkipDecoding()})
            images, labels = source, _labels(bare)
        classes = tuple(builder.info.features["label"].names) if labels else ()
        origin = _origin(builder.info.splits[split], builder.info.full_name)
    except DataError:
        raise
    except NotImplementedError:
        raise DataError(
            f"{where} was prepared as TFRecord, which cannot be read by index; prepare it again with "
            f"tfds build {name} --file_format=array_record --data_dir={folder}"
        ) from None
    except Exception as error:
        raise _damaged(name, folder, error) from None
    return Dataset(name, images, np.array(labels, np.int32) if labels else None, classes, origin)


def _damaged(name: str, folder: Path, error: Exception, what: str = "") -> DataError:
    return DataError(
        f"{what}{name} in {folder} cannot be read: {type(error).__name__}: {error}. If its files are damaged, "
        f"delete {folder / name} and prepare it again"
    )


def _hold(name: str, source: Records) -> tuple[np.ndarray, list[int]]:
    """All images, and their labels."""
    what = f"{name}: {len(source):,} images of {'x'.join(map(str, source.shape[1:]))}"
    mend = "choose a smaller --data.size, or decode them as they are needed with --data.memory 0"
    require_memory(math.prod(source.shape), what, mend, error=DataError)
    images, labels = np.empty(source.shape, np.uint8), list[int]()
    with read_ahead(lambda k: source.labelled(_chunk(k)), 0, -(-len(source) // CHUNK)) as parts:
        for k, (part, told) in enumerate(parts):
            images[_chunk(k)] = part
            labels += told
    return images, labels


def _labels(records: Any) -> list[int]:
    """Of all records, whose images are not decoded for it; of none if the first has none."""
    if not _labels_in(records.__getitems__([0])):
        return []
    rows = range(len(records))
    with read_ahead(lambda k: _labels_in(records.__getitems__(rows[_chunk(k)])), 0, -(-len(rows) // CHUNK)) as parts:
        return [label for part in parts for label in part]


def _chunk(k: int) -> slice:
    return slice(k * CHUNK, (k + 1) * CHUNK)


def _labels_in(records: Sequence[Any]) -> list[int]:
    return [int(record["label"]) for record in records if "label" in record]


def _to_size(images: list[np.ndarray], size: Size | None, channels: int | None) -> np.ndarray:
    if len({image.shape for image in images}) == 1:
        return resize_all(np.stack(images), size, channels)
    pictures = (Image.fromarray(image.squeeze()) for image in images)
    return np.stack([fitted(picture, size, channels or images[0].shape[-1]) for picture in pictures])


def _origin(split: Any, full_name: str) -> str:
    """SHA-256 over the dataset's version, and the sizes of a split's files."""
    told = (full_name, list(split.shard_lengths), [os.path.getsize(file) for file in split.filepaths])
    return hashlib.sha256(repr(told).encode()).hexdigest()
