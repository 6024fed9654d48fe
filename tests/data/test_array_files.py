"""Folders and zips of .npy, one an image: read as one array of them all would be; what does not fit is named."""

import io
import json
import zipfile

import numpy as np
import pytest

from gan_jax.cli import main
from gan_jax.data import array_files, arrays
from gan_jax.data.array_files import MOST_BYTES
from gan_jax.data.dataset import SAMPLE
from gan_jax.errors import DataError

LATENTS = np.random.default_rng(0).normal(3, 2, size=(12, 4, 6, 2)).astype(np.float32)


def names():
    return [f"{'ab'[i % 2]}/{i:03d}.npy" for i in range(12)]


def in_order(values):
    """As their files come: those of folder a, then those of b."""
    return np.concatenate([values[::2], values[1::2]])


def write(folder, latents=LATENTS):
    for name, latent in zip(names(), latents, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / name, latent)
    return folder


def load(path, size=(4, 6), channels=2, **options):
    return array_files.load(str(path), size=size, channels=channels, deviation=0.5, **options)


def test_they_are_what_one_array_of_them_is_with_folders_as_classes(tmp_path):
    data = load(write(tmp_path / "latents"))
    np.savez(tmp_path / "one.npz", images=in_order(LATENTS), labels=np.repeat([0, 1], 6))
    one = arrays.load(str(tmp_path / "one.npz"), size=(4, 6), channels=2, deviation=0.5)
    np.testing.assert_array_equal(data.images, one.images)
    np.testing.assert_array_equal(data.labels, one.labels)
    assert (data.scaling, data.classes, data.in_memory) == (one.scaling, ("a", "b"), True)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int16])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_kind_in_either_order_are_read(tmp_path, kind, order):
    latents = [np.asarray(10 * latent, kind, order=order) for latent in LATENTS]
    data = load(write(tmp_path, latents))
    np.testing.assert_allclose(data.scaling.back(data.images), in_order(np.float32(latents)), atol=1e-4)


@pytest.mark.parametrize("more", [0, 2])
def test_channels_may_come_first_and_deviations_after_means(tmp_path, more):
    after = np.full((12, more, 4, 6), 7, np.float32)
    data = load(write(tmp_path / "theirs", np.concatenate([np.moveaxis(LATENTS, -1, 1), after], axis=1)))
    np.testing.assert_array_equal(data.images, load(write(tmp_path / "ours")).images)


def test_beyond_memory_they_are_read_as_needed_and_are_the_same(tmp_path):
    held, needed = load(write(tmp_path)), load(tmp_path, memory=1000)
    assert (held.in_memory, needed.in_memory) == (True, False)
    np.testing.assert_array_equal(needed.images[np.array([3, 0, 11])], held.images[[3, 0, 11]])
    assert (needed.scaling, needed.pixels) == (held.scaling, held.fingerprint)


def test_a_zip_is_its_folder_and_a_dataset_json_labels_it(tmp_path):
    write(tmp_path / "latents")
    (tmp_path / "latents/dataset.json").write_text(json.dumps({"labels": [[n, i % 3] for i, n in enumerate(names())]}))
    with zipfile.ZipFile(tmp_path / "latents.zip", "w") as archive:
        for path in sorted((tmp_path / "latents").rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path / "latents").as_posix())
    folder, packed = load(tmp_path / "latents"), load(tmp_path / "latents.zip")
    assert folder.labels.tolist() == packed.labels.tolist() == in_order(np.arange(12) % 3).tolist()
    assert folder.classes == ("0", "1", "2")
    assert folder.fingerprint == packed.fingerprint
    assert load(tmp_path / "latents", memory=0).sampled == load(tmp_path / "latents.zip", memory=0).sampled


def header(shape, descr="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no .npy that can be read: EOF"),
        (b"no array", "is no .npy that can be read: the magic string is not correct"),
        (header((4, 6, 2)) + bytes(20), "is no .npy that can be read: buffer is smaller than requested size"),
        (header((10**6, 10**6, 10**6)), "is no .npy that can be read"),
        (header((4, 6, 2), "|O") + bytes(1000), "is no .npy that can be read: it holds Python objects"),
        (
            header((4, 6, 3)) + bytes(4 * 72),
            r"holds float32 \[4, 6, 3\]; expected numbers .*; mend it, or leave it out$",
        ),
        (header((4, 6, 2), "|b1") + bytes(48), r"holds bool \[4, 6, 2\]; expected numbers .*; mend it"),
        (header((4, 6, 2), "<f8") + np.full(48, 1e300).tobytes(), "has values that are not finite, as float32; mend"),
    ],
)
@pytest.mark.parametrize("memory", [1e9, 0])
def test_a_file_that_holds_anything_else_is_named(tmp_path, content, said, memory):
    (write(tmp_path) / "b/005.npy").write_bytes(content)
    with pytest.raises(DataError, match=f"^{tmp_path}: b/005.npy {said}"):
        load(tmp_path, memory=memory)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((4, 6, 3), r"\[4, 6, 3\]; .*; add --data.size 4x6 --data.channels 3$"),
        ((3, 40, 60), r"\[3, 40, 60\]; .*; add --data.size 40x60 --data.channels 3$"),
        ((9, 4, 6, 2), r"\[9, 4, 6, 2\]; .*; of many images in one array name the file itself"),
        ((), r"\[\]; expected numbers .* or \[4, 4, 6\]$"),
    ],
)
def test_where_none_fits_it_is_said_what_would(tmp_path, shape, said):
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.zeros(shape, np.float32))
    with pytest.raises(DataError, match=r"^.*0\.npy holds float32 " + said):
        load(tmp_path)


def test_a_file_that_is_too_large_to_be_one_is_not_read(tmp_path):
    with (write(tmp_path) / "a/000.npy").open("r+b") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(DataError, match=r"a/000\.npy is no \.npy that can be read: .* are read at most"):
        load(tmp_path)


def test_files_that_change_places_are_other_data_though_few_are_looked_at_again(tmp_path):
    latents = np.random.default_rng(1).normal(size=(400, 2, 2, 1)).astype(np.float32)
    for i, latent in enumerate(latents):
        np.save(tmp_path / f"{i:03d}.npy", latent)
    read = lambda: load(tmp_path, size=2, channels=1, memory=0)
    before = read()
    seen = set(np.random.Generator(np.random.Philox(key=0)).integers(400, size=SAMPLE).tolist())
    one, other = sorted(set(range(400)) - seen)[:2]
    np.save(tmp_path / f"{one:03d}.npy", latents[other])
    np.save(tmp_path / f"{other:03d}.npy", latents[one])
    assert read().scaling == before.scaling
    assert read().fingerprint != before.fingerprint


def test_what_could_be_laid_out_in_two_ways_is_told(tmp_path, capsys):
    for i in range(4):
        np.save(tmp_path / f"{i}.npy", np.random.default_rng(i).normal(size=(4, 4, 4)))
    load(tmp_path, size=4, channels=4)
    assert "taken for [height, width, channels]; [4, 4, 4] could be either" in capsys.readouterr().out
    load(tmp_path, size=4, channels=2)
    assert "of 4 channels the first 2 are taken, as means above deviations" in capsys.readouterr().out


def test_what_encode_wrote_is_one_array(tmp_path):
    np.save(tmp_path / "images.npy", LATENTS)
    np.savez(tmp_path / "decoder.npz")
    with pytest.raises(DataError, match=f"as one array; name {tmp_path}/images.npy"):
        load(tmp_path)


def test_where_there_are_none_it_is_said_what_there_is(tmp_path):
    for name in ("a.png", "b.png", "readme"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(
        DataError, match=r"no \.npy in it, .*; there are 2 \.png, 1 without a suffix\. .*drop --data\.dev"
    ):
        load(tmp_path)
    with pytest.raises(DataError, match=f"{tmp_path}/none: no such folder or zip"):
        load(tmp_path / "none")


FLAGS = "--data.size 4x6 --data.channels 2 --data.deviation 0.5 --batch-size 4 --steps 2 --model mlp"
FLAGS += " --model.generator-width 8 --model.discriminator-width 4 --penalty.r1 0 --augment none"  # sooner compiled


def test_a_run_is_trained_on_them_by_the_command_line(tmp_path, capsys):
    write(tmp_path / "latents")
    run = tmp_path / "run"
    assert main(["train", "pictures", "--data.path", str(tmp_path / "latents"), *FLAGS.split(), "--run", str(run)]) == 0
    assert "12 images of latents on" in capsys.readouterr().out
    assert main(["sample", str(run), "--count", "3", "--out", str(tmp_path / "drawn.npz")]) == 0
    assert np.load(tmp_path / "drawn.npz")["images"].shape == (3, 4, 6, 2)


@pytest.mark.parametrize("task", ["inpainting", "unpaired", "segmentation", "pairs"])
def test_tasks_are_of_pictures(task, capsys):
    floats = "--data.path latents --data.size 8 --data.channels 3 --data.deviation 0.5 --no-conditional"
    assert main(["train", "pictures", *floats.split(), "--task", task]) == 2
    assert "tasks are of pictures, not of floats" in capsys.readouterr().err
