"""Datasets that tensorflow-datasets has prepared, read without TensorFlow."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import fitted, resize_all
from gan_jax.errors import DataError
from gan_jax.memory import require_memory
from gan_jax.sizes import Size

TFDS_NAMES = {"imagenet32": "imagenet_resized/32x32"}
"""What tensorflow-datasets calls a dataset, where that is not our name."""

CHUNK = 1024
"""Images read at once: at their own size, all together may not fit into memory."""


def load(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    size: Size | None = None,
    channels: int | None = None,
) -> Dataset:
    """The training split of an image dataset, in memory; resized and cropped to `size`, in so many channels.

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
    return _read(name, folder, size, channels)


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


def _read(name: str, folder: Path, size: Size | None, channels: int | None) -> Dataset:
    import tensorflow_datasets as tfds

    logging.getLogger("absl").setLevel(logging.ERROR)  # or it recommends OpenCV at every start
    try:
        builder = tfds.builder(name, data_dir=str(folder))
        source = builder.as_data_source(split="train")
        parts = []
        for start in range(0, len(source), CHUNK):
            parts.append(_read_part(source, start, size, channels))
            if not start:
                _require_room(name, len(source), parts[0][0])
    except DataError:
        raise
    except NotImplementedError:
        raise DataError(
            f"{name} in {folder} was prepared as TFRecord, which cannot be read by index; prepare it again with "
            f"tfds build {name} --file_format=array_record --data_dir={folder}"
        ) from None
    except Exception as error:
        raise DataError(
            f"{name} in {folder} cannot be read: {type(error).__name__}: {error}. If its files are damaged, "
            f"delete {folder / name} and prepare it again"
        ) from None
    if not parts:
        raise DataError(f"{name} in {folder} has no images in its training split")
    images = np.concatenate([images for images, _ in parts])
    if parts[0][1] is None:
        return Dataset(name, images)
    labels = np.concatenate([labels for _, labels in parts if labels is not None])
    return Dataset(name, images, labels, tuple(builder.info.features["label"].names))


def _require_room(name: str, count: int, first: np.ndarray) -> None:
    """Once in parts, and once joined."""
    what = f"{name}: {count:,} images of {'x'.join(map(str, first.shape[1:]))}"
    require_memory(2 * count * first[0].nbytes, what, "choose a smaller --data.size", error=DataError)


def _read_part(
    source: Any, start: int, size: Size | None, channels: int | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels of the next CHUNK records. Raises KeyError if they hold no images."""
    records = source.__getitems__(range(start, min(start + CHUNK, len(source))))
    images = [record["image"] for record in records]
    if len({image.shape for image in images}) == 1:
        stacked = resize_all(np.stack(images), size, channels)
    else:
        pictures = (Image.fromarray(image.squeeze()) for image in images)
        stacked = np.stack([fitted(picture, size, channels or images[0].shape[-1]) for picture in pictures])
    labels = np.array([record["label"] for record in records], np.int32) if "label" in records[0] else None
    return stacked, labels
