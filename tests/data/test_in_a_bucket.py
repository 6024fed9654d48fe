"""Pictures that lie in a bucket, as a folder or as a zip: the same as from a disk."""

import io
import zipfile

import numpy as np
import pytest
from google_storage import Object, Requests, in_place_of_googles
from PIL import Image

from gan_jax.config import Config, DataConfig
from gan_jax.config.build import load_data
from gan_jax.data import array_files, arrays, pairs, pictures
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
    with pytest.raises(DataError, match=r"1 of 8 pictures cannot be read: cat/2\.png: not an image"):
        pictures.load(sources[1], size=8, channels=1)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gs://with-pictures/none", "no such folder or zip"),
        ("gs://with-pictures/none.zip", "no such folder or zip"),
        ("gs://without/pictures", "there is no bucket gs://without"),
        ("gs://with-pictures/pictures/notes.md", "no such folder or zip"),
        ("gs://with-pictures/arrays.npz", "no such file"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(sources, path, said):
    with pytest.raises(DataError, match=f"{path}: .*{said}"):
        load_data(Config(data=DataConfig(path=path, size=8, channels=1)))


@pytest.mark.parametrize("source", ["pairs", "pairs.zip"])
def test_of_pairs_headers_are_looked_at_and_no_more(store, source, monkeypatch):
    store.refuses = lambda *_: None
    files = {f"{side}/{i}.png": png(i) + bytes(1 << 20) for side in "AB" for i in range(4)}
    zipped, sent, send = io.BytesIO(), [], Requests.send
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    objects = {f"pairs/{name}": data for name, data in files.items()} | {"pairs.zip": zipped.getvalue()}
    store.buckets["with-pairs"] = {name: Object(data, 1) for name, data in objects.items()}
    counted = lambda self, status, content, headers=(): (
        sent.append(len(content)) or send(self, status, content, headers)
    )
    monkeypatch.setattr(Requests, "send", counted)
    found = pairs.load(f"gs://with-pairs/{source}", size=8, channels=1, memory=0)
    assert sum(sent) < 8 * (1 << 17)  # of 8 MiB
    assert found.images[np.array([3])].tolist() == np.full((1, 8, 16, 1), 3).tolist()
    store.refuses = lambda _, __, name: 403 if name and name.endswith(("3.png", ".zip")) else None
    with pytest.raises(DataError, match=f"{source}.*cannot be read: not allowed"):
        pairs.load(f"gs://with-pairs/{source}", size=8, channels=1, memory=0)


LATENTS = np.random.default_rng(0).normal(3, 2, size=(12, 4, 6, 2)).astype(np.float32)


def written(save, array, **more):
    buffer = io.BytesIO()
    save(buffer, array, **more) if save is np.save else save(buffer, images=array, **more)
    return buffer.getvalue()


@pytest.fixture
def latents(store, tmp_path):
    """Latents as one file and as many, on a disk and in a bucket: paths by what they are."""
    store.refuses = lambda *_: None
    files = {"one.npz": written(np.savez_compressed, LATENTS, labels=np.arange(12) % 3)}
    files |= {"one.npy": written(np.save, LATENTS)}
    files |= {f"many/{i:03}.npy": written(np.save, latent) for i, latent in enumerate(LATENTS)}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    store.buckets["with-latents"] = {name: Object(data, 1) for name, data in files.items()}
    return lambda name: (str(tmp_path / name), f"gs://with-latents/{name}")


@pytest.mark.parametrize(
    ("name", "load"), [("one.npz", arrays.load), ("one.npy", arrays.load), ("many", array_files.load)]
)
@pytest.mark.parametrize("memory", [1e9, 0], ids=["held", "as needed"])
def test_floats_are_the_same_wherever_they_lie(latents, name, load, memory):
    disk, there = (load(path, size=(4, 6), channels=2, deviation=0.5, memory=memory) for path in latents(name))
    np.testing.assert_array_equal(there.images[np.arange(12)], disk.images[np.arange(12)])
    assert (there.pixels, there.scaling, there.classes) == (disk.pixels, disk.scaling, disk.classes)
    assert there.sampled == disk.sampled


@pytest.mark.parametrize("name", ["one.npz", "one.npy"])
def test_arrays_out_of_reach_are_one_line(latents, store, name):
    store.refuses = lambda *_: 403
    with pytest.raises(DataError, match=f"^gs://with-latents/{name}: cannot be read: not allowed"):
        arrays.load(latents(name)[1], size=(4, 6), channels=2, deviation=0.5)
    store.refuses = lambda *_: None
    with pytest.raises(DataError, match=r"^gs://with-latents/two\.npz: no such file"):
        arrays.load("gs://with-latents/two.npz", size=(4, 6), channels=2, deviation=0.5)
