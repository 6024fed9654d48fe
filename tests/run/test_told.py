"""What networks are told: classes, clusters that the run keeps, or nothing."""

import io
import os
import shutil
import struct

import numpy as np
import pytest

from gan_jax.config import MLP, CadenceConfig, Config, DataConfig
from gan_jax.data import digits
from gan_jax.errors import DataError, RunError
from gan_jax.run import told
from gan_jax.run.evaluation import evaluate
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.sampling import draw_from, of_run, open_run

FOUR = Config(
    steps=2,
    batch_size=8,
    data=DataConfig(name="digits", clusters=4),
    model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
    every=CadenceConfig(log=1, sample=100, checkpoint=2),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clusters") / "run"
    train(FOUR, folder)
    return folder


def labels_drawn(run, out, **changes):
    how = {"count": 400, "seed": 0, "labels": None, "interpolate": None}
    draw_from(of_run(str(run), averaged=True, best=False), out=out, **how | changes)
    return np.load(out)["labels"]


def test_without_labels_nothing_is_told(tmp_path):
    data = digits.load()
    assert told.labels_of(Config(), data, RunFolder(tmp_path)) is None
    assert told.labels_of(Config(conditional=True), data, RunFolder(tmp_path)) is data.labels


def test_clusters_are_drawn_as_often_as_they_are_in_the_data(run, tmp_path):
    opened = open_run(str(run))
    kept = np.load(run / "clusters.npy")
    np.testing.assert_array_equal(opened.counts, np.bincount(kept))
    assert opened.classes == ("cluster 0", "cluster 1", "cluster 2", "cluster 3")
    drawn = labels_drawn(run, tmp_path / "all.npz")
    shares = np.bincount(drawn, minlength=4) / 400
    np.testing.assert_allclose(shares, np.bincount(kept) / len(kept), atol=0.1)
    np.testing.assert_array_equal(labels_drawn(run, tmp_path / "few.npz", count=9), drawn[:9])
    assert set(labels_drawn(run, tmp_path / "one.npz", count=9, labels="cluster 2")) == {2}


def test_a_run_goes_on_with_the_clusters_that_it_kept(run, tmp_path, monkeypatch):
    monkeypatch.setattr(told, "partition", lambda *args, **kwargs: pytest.fail("computed anew"))
    data = digits.load()
    np.testing.assert_array_equal(told.labels_of(FOUR, data, RunFolder(run)), np.load(run / "clusters.npy"))


def test_other_clusters_are_refused(run, tmp_path):
    run = shutil.copytree(run, tmp_path / "run")
    file = run / "clusters.npy"
    before = file.read_bytes()
    np.save(file, np.roll(np.load(file), 1))
    with pytest.raises(DataError, match="clusters of the data are not those that this run was told"):
        train(Config(**vars(FOUR) | {"steps": 4}), run)
    assert file.read_bytes() != before


def saved(array, save=np.save):
    stream = io.BytesIO()
    save(stream, array)
    return stream.getvalue()


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


DAMAGED = {
    "no array": b"damaged",
    "nothing": b"",
    "a zip that ends": b"PK\x03\x04",
    "several arrays": saved(np.zeros(3, np.int32), np.savez),
    "more rows than memory": header("{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000000,)}"),
    "a header that ends": header("{'descr': '<i4', 'shape': ("),
    "another type": saved(np.zeros(1797)),
    "another length": saved(np.zeros(3, np.int32)),
    "no such cluster": saved(np.full(1797, 4, np.int32)),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_clusters_that_are_damaged_are_computed_anew(tmp_path, monkeypatch, content):
    anew = np.arange(1797, dtype=np.int32) % 4
    monkeypatch.setattr(told, "partition", lambda *args, **kwargs: anew)
    (tmp_path / "clusters.npy").write_bytes(content)
    assert told.labels_of(FOUR, digits.load(), RunFolder(tmp_path)) is anew
    told.keep(FOUR, anew, RunFolder(tmp_path))
    np.testing.assert_array_equal(np.load(tmp_path / "clusters.npy"), anew)


def test_clusters_computed_anew_are_those_that_were_kept(run, tmp_path):
    found = told.labels_of(FOUR, digits.load(), RunFolder(tmp_path))
    told.keep(FOUR, found, RunFolder(tmp_path))
    assert (tmp_path / "clusters.npy").read_bytes() == (run / "clusters.npy").read_bytes()


def test_a_pipe_in_the_place_of_clusters_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "clusters.npy")
    with pytest.raises(RunError, match=r"clusters\.npy: not a regular file"):
        told.labels_of(FOUR, digits.load(), RunFolder(tmp_path))


@pytest.mark.parametrize("name", ["checkpoints", "config.json"])
def test_a_run_that_links_elsewhere_is_not_drawn_from(run, tmp_path, name):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=f"{name} is a symbolic link"):
        open_run(str(tmp_path / "run"))


def test_a_run_with_clusters_is_scored_like_one_without_labels(run, capsys):
    lines = evaluate(
        str(run),
        kind="pixels",
        samples=40,
        seed=0,
        averaged=True,
        best=False,
        weights=None,
        download=False,
        moved={},
        say=print,
    )
    assert any("FID" in line for line in lines)
    assert not any("label accuracy" in line for line in lines)
