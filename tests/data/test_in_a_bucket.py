"""Pictures that lie in a bucket, as a folder or as a zip: the same as from a disk."""

import io
import zipfile

import numpy as np
import pytest
from google_storage import Object, in_place_of_googles
from PIL import Image

from gan_jax.config import Config, DataConfig
from gan_jax.config.build import load_data
from gan_jax.data import pictures
from gan_jax.errors import DataError

pytest.importorskip("gcsfs")


@pytest.fixture(scope="module")
def store():
    with in_place_of_googles() as store:
        yield store


def png(shade):
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {f"{kind}/{i}.png": png(20 * i + len(kind)) for kind in ("cat", "doggy") for i in range(4)}
FILES |= {".hidden/1.png": b"", "notes.md": b"not a picture"}


@pytest.fixture
def sources(store, tmp_path):
    """The same pictures three times: in a folder, and in a bucket as they are and as a zip."""
    store.refuses = lambda *_: None
    folder = tmp_path / "pictures"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            archive.writestr(name, data)
    objects = {f"pictures/{name}": data for name, data in FILES.items()} | {"pictures.zip": zipped.getvalue()}
    store.buckets["with-pictures"] = {name: Object(data, 1) for name, data in objects.items()}
    return str(folder), "gs://with-pictures/pictures", "gs://with-pictures/pictures.zip"


@pytest.mark.parametrize("memory", [1e9, 0], ids=["held", "as needed"])
def test_pictures_are_the_same_wherever_they_lie(sources, memory, capsys):
    disk, folder, zipped = (pictures.load(path, size=8, channels=1, memory=memory) for path in sources)
    for found in (folder, zipped):
        np.testing.assert_array_equal(found.images[np.arange(8)], disk.images[np.arange(8)])
        np.testing.assert_array_equal(found.labels, disk.labels)
        assert found.classes == disk.classes == ("cat", "doggy")
        assert found.fingerprint == disk.fingerprint


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("on_bad", ["refuse", "skip"])
def test_a_store_out_of_reach_is_an_error_and_leaves_no_picture_out(sources, store, which, on_bad):
    source = sources[which]
    found = pictures.load(source, size=8, channels=1, on_bad=on_bad, memory=0)
    store.refuses = lambda _, __, name: 403 if name and name.endswith(("3.png", ".zip")) else None
    with pytest.raises(DataError, match=f"{source}: .*cannot be read: not allowed"):
        pictures.load(source, size=8, channels=1, on_bad=on_bad)
    store.refuses = lambda *_: 403
    with pytest.raises(DataError, match=r"0\.png cannot be read: not allowed \(this caller has no access\)"):
        found.images[np.arange(2)]


def test_a_picture_that_is_damaged_there_is_named_as_on_a_disk(sources, store):
    store.buckets["with-pictures"]["pictures/cat/2.png"] = Object(b"no picture", 2)
    with pytest.raises(DataError, match=r"1 of 8 pictures cannot be read:\n  cat/2\.png: not an image"):
        pictures.load(sources[1], size=8, channels=1)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gs://with-pictures/none", "no such folder or zip"),
        ("gs://with-pictures/none.zip", "no such folder or zip"),
        ("gs://without/pictures", "there is no bucket gs://without"),
        ("gs://with-pictures/pictures/notes.md", "no such folder or zip"),
        ("gs://with-pictures/arrays.npz", "copy it here"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(sources, path, said):
    with pytest.raises(DataError, match=f"{path}: .*{said}"):
        load_data(Config(data=DataConfig(path=path, size=8, channels=1)))
