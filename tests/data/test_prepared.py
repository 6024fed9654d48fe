import io
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import prepared
from gan_jax.errors import DataError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "tfds"


@pytest.fixture(autouse=True)
def _without_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "celeb_a"])
def test_missing_data_are_refused_at_once_with_the_flags_to_type(tmp_path, name):
    start = time.monotonic()
    with pytest.raises(DataError) as refused:
        prepared.load(name, data_dir=str(tmp_path))
    assert time.monotonic() - start < 1
    for part in (f"{name} is not prepared in {tmp_path}", "--data.data-dir", "--data.download"):
        assert part in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_prepared_data_are_looked_for_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataError) as refused:
        prepared.load("mnist")
    assert str(tmp_path / "tensorflow_datasets") in str(refused.value)


def test_downloading_without_tensorflow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DataError, match=r"preparing mnist needs TensorFlow.*pip install tensorflow"):
        prepared.load("mnist", data_dir=str(tmp_path), download=True)
    assert list(tmp_path.iterdir()) == []


def test_damaged_data_are_refused_by_their_folder(tmp_path):
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{")
    with pytest.raises(DataError) as refused:
        prepared.load("mnist", data_dir=str(tmp_path))
    assert f"mnist in {tmp_path} cannot be read" in str(refused.value)
    assert f"delete {tmp_path / 'mnist'}" in str(refused.value)


def png(shade):
    stream = io.BytesIO()
    Image.new("L", (28, 28), shade).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def tiny_mnist(tmp_path):
    """Three images: image i is filled with i and has label 9 - i."""
    return lay_out(tmp_path, map(png, range(3)))


def lay_out(path, pictures):
    """Writes three encoded pictures as tensorflow-datasets does."""
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.proto import tf_example_pb2

    folder = path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    writer = ArrayRecordWriter(str(folder / "mnist-train.array_record-00000-of-00001"), "group_size:1")
    for i, picture in enumerate(pictures):
        example = tf_example_pb2.Example()
        example.features.feature["image"].bytes_list.value.append(picture)
        example.features.feature["label"].int64_list.value.append(9 - i)
        writer.write(example.SerializeToString())
    writer.close()
    kinds = "tensorflow_datasets.core.features"
    image = {"image": {"dtype": "uint8", "shape": {"dimensions": ["28", "28", "1"]}}}
    features = {
        "image": {"pythonClassName": f"{kinds}.image_feature.Image", **image},
        "label": {
            "pythonClassName": f"{kinds}.class_label_feature.ClassLabel",
            "classLabel": {"numClasses": "10"},
        },
    }
    group = {"pythonClassName": f"{kinds}.features_dict.FeaturesDict", "featuresDict": {"features": features}}
    split = {
        "name": "train",
        "numBytes": "1",
        "shardLengths": ["3"],
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
    }
    info = {"name": "mnist", "version": "3.0.1", "fileFormat": "array_record", "splits": [split]}
    (folder / "features.json").write_text(json.dumps(group))
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return path


def test_prepared_images_are_read_without_tensorflow_or_network(tiny_mnist, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    data = prepared.load("mnist", data_dir=str(tiny_mnist))
    assert data.images.shape == (3, 28, 28, 1)
    assert data.images[:, 5, 5, 0].tolist() == [0, 1, 2]
    assert data.labels.tolist() == [9, 8, 7]
    assert data.classes == tuple("0123456789")


def test_images_are_resized_part_by_part_as_they_are_read(tiny_mnist, monkeypatch):
    monkeypatch.setattr(prepared, "CHUNK", 2)
    data = prepared.load("mnist", data_dir=str(tiny_mnist), size=16, channels=3)
    assert data.images.shape == (3, 16, 16, 3)
    assert data.images[:, 5, 5].tolist() == [[i] * 3 for i in range(3)]
    assert data.labels.tolist() == [9, 8, 7]


def test_prepared_images_decoded_as_needed_are_those_in_memory(tiny_mnist):
    held = prepared.load("mnist", data_dir=str(tiny_mnist), size=16, channels=3)
    needed = prepared.load("mnist", data_dir=str(tiny_mnist), size=16, channels=3, memory=0)
    assert (held.in_memory, needed.in_memory) == (True, False)
    assert needed.images.shape == held.images.shape == (3, 16, 16, 3)
    for rows in (slice(None), slice(1, 3), np.array([2, 0, 2])):
        np.testing.assert_array_equal(needed.images[rows], held.images[rows])
    assert needed.labels.tolist() == held.labels.tolist()
    assert needed.classes == held.classes
    needed.must_be(held.fingerprint, 3)
    held.must_be(needed.fingerprint, 3)


@pytest.mark.parametrize("memory", [0, 1e9])
def test_a_record_that_cannot_be_decoded_is_named(tmp_path, memory):
    lay_out(tmp_path, [png(0), b"no picture", png(2)])
    with pytest.raises(DataError, match=rf"record 1 of mnist in {tmp_path} cannot be read: .* delete {tmp_path}/mnist"):
        _ = prepared.load("mnist", data_dir=str(tmp_path), memory=memory).images[[0, 1, 2]]


def test_names_of_our_own_are_those_of_tensorflow_datasets_to_the_user(tmp_path):
    with pytest.raises(DataError, match="imagenet_resized/32x32 is not prepared in"):
        prepared.load("imagenet32", data_dir=str(tmp_path))


def test_data_prepared_as_tfrecord_say_how_to_prepare_them_again(tiny_mnist):
    info = tiny_mnist / "mnist" / "3.0.1" / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    with pytest.raises(DataError, match=r"prepared as TFRecord.*tfds build mnist --file_format=array_record"):
        prepared.load("mnist", data_dir=str(tiny_mnist))


def test_damaged_records_are_refused_by_their_folder(tiny_mnist):
    records = next((tiny_mnist / "mnist" / "3.0.1").glob("*train*"))
    records.write_bytes(records.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        prepared.load("mnist", data_dir=str(tiny_mnist))


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason=f"no prepared MNIST in {SHARED}")
def test_mnist_is_read_without_tensorflow():
    # In a process of its own: what other tests have imported decides what tensorflow-datasets tries to.
    program = f"""
import sys
from gan_jax.data import prepared
data = prepared.load("mnist", data_dir={str(SHARED)!r})
assert data.images.shape == (60000, 28, 28, 1)
assert (data.images.min(), data.images.max()) == (0, 255)
assert data.classes == tuple("0123456789")
counts = [int((data.labels == label).sum()) for label in range(10)]
assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], counts
assert "tensorflow" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Endless:
    """A source of more images than any memory holds."""

    def __len__(self):
        return 10**12

    def __getitems__(self, places):
        assert places == [0], "read on"
        return [{"image": np.zeros((28, 28, 1), np.uint8)}]


def test_more_images_than_memory_holds_are_refused_once_their_size_is_known(tmp_path, monkeypatch):
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").touch()
    builder = SimpleNamespace(as_data_source=lambda split: Endless(), info=SimpleNamespace(splits=["train"]))
    monkeypatch.setattr("tensorflow_datasets.builder", lambda *_, **__: builder)
    with pytest.raises(
        DataError, match=r"^mnist: 1,000,000,000,000 images of 28x28x1 need 784\.0 TB .* are free; choose"
    ):
        prepared.load("mnist", data_dir=str(tmp_path))


def test_data_without_test_images_are_refused(tiny_mnist):
    with pytest.raises(DataError, match=rf"mnist in {tiny_mnist} has no test split, only train"):
        prepared.load("mnist", data_dir=str(tiny_mnist), split="test")


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason=f"no prepared MNIST in {SHARED}")
def test_the_test_images_of_mnist_are_others_than_it_is_trained_on():
    test = prepared.load("mnist", data_dir=str(SHARED), split="test")
    assert test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert test.origin != prepared.load("mnist", data_dir=str(SHARED), memory=0).origin
