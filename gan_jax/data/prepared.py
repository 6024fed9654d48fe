"""Datasets that tensorflow-datasets has prepared, read without TensorFlow."""

import logging
from pathlib import Path

import numpy as np

from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError


def load(name: str, *, data_dir: str | None = None, download: bool = False) -> Dataset:
    """The training split of an image dataset, in memory.

    Looks on disk first, and goes to the network only if `download` says so. Raises DataError if the data are
    not there, or if preparing them fails; the message says what to type.
    """
    folder = Path(data_dir or "~/tensorflow_datasets").expanduser()
    if not list(folder.glob(f"{name}/*/dataset_info.json")) and not list(folder.glob(f"{name}/*/*/dataset_info.json")):
        if not download:
            raise DataError(
                f"{name} is not prepared in {folder}. Name the folder that holds it with --data.data-dir, or add "
                "--data.download to fetch and prepare it (needs network, and for that one step "
                "pip install tensorflow)"
            )
        _prepare(name, folder)
    return _read(name, folder)


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


def _read(name: str, folder: Path) -> Dataset:
    import tensorflow_datasets as tfds

    logging.getLogger("absl").setLevel(logging.ERROR)  # or it recommends OpenCV at every start
    try:
        builder = tfds.builder(name, data_dir=str(folder))
        source = builder.as_data_source(split="train")
        records = source.__getitems__(range(len(source)))
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
    if not records or "image" not in records[0]:
        raise DataError(f"{name} in {folder} has no images in its training split")
    images = np.stack([record["image"] for record in records])
    if "label" not in records[0]:
        return Dataset(name, images)
    labels = np.array([record["label"] for record in records], np.int32)
    return Dataset(name, images, labels, tuple(builder.info.features["label"].names))
