"""A run folder: what it is called, what it refuses, and what it leaves in order."""

import fcntl
import os
import re
from pathlib import Path

import pytest

from gan_jax.errors import ConfigError, RunError
from gan_jax.run.files import RunFolder, append, read, write_atomically

PRECIOUS = b"do not touch"


@pytest.fixture
def precious(tmp_path):
    file = tmp_path / "precious"
    file.write_bytes(PRECIOUS)
    return file


@pytest.mark.parametrize("path", ["s3://bucket/run", Path("s3://bucket/run"), "az://bucket/run", "file:///run"])
def test_a_folder_elsewhere_is_refused(path):
    with pytest.raises(ConfigError, match=r"run: .*is no folder of this machine, nor of a bucket gs://.*--run"):
        RunFolder(path)


@pytest.mark.parametrize("path", ["gs://bucket/run", "gs://bucket//run/", Path("gs://bucket/run")])
def test_a_folder_in_a_bucket_has_the_same_names(path):
    folder = RunFolder(path)
    assert str(folder.sample(3)) == "gs://bucket/run/samples/step_00000003.png"
    folder.refuse_links()


@pytest.mark.parametrize("name", ["classes/0.png", "a.PNG", "codes.npz", "photos.zip", "pyproject.toml/a"])
def test_a_new_run_does_not_mix_with_what_is_there(tmp_path, name):
    RunFolder(tmp_path).refuse_strangers()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=rf"{re.escape(name.split('/')[0])}', which is no part of one; choose"):
        RunFolder(tmp_path).refuse_strangers()
    (tmp_path / ".lock").touch()  # as a run that is killed before it has written what it is
    RunFolder(tmp_path).refuse_strangers()


def test_a_jobs_own_files_and_hidden_folders_may_be_where_a_run_begins(tmp_path):
    for name in (".git", "lost+found"):
        (tmp_path / name).mkdir()
    for name in ("slurm-17.out", "job.o17", "recipe.py", "stdout", "notes.TXT"):
        (tmp_path / name).touch()
    (tmp_path / "log").symlink_to("nowhere")
    RunFolder(tmp_path).refuse_strangers()
    RunFolder(tmp_path / "not-there").refuse_strangers()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "mine").mkdir(mode=0o300)
    with pytest.raises(ConfigError, match=r"cannot read .*mine: Permission denied"):
        RunFolder(tmp_path / "mine").refuse_strangers()


@pytest.mark.parametrize("path", ["runs/a:b", "a:/b", "runs/gs:", "./gs:/b", "./gs://b"])
def test_a_colon_alone_is_no_other_machine(path):
    assert RunFolder(path).path == Path(path).absolute()


def test_a_name_that_is_not_utf_8_is_refused_in_letters_that_can_be_printed(tmp_path):
    with pytest.raises(ConfigError, match=r"not UTF-8.*--run") as refused:
        RunFolder(tmp_path / os.fsdecode(b"caf\xe9"))
    assert r"caf\xe9" in str(refused.value)
    str(refused.value).encode("ascii")


NAMES = [
    ".lock",
    "clusters.npy",
    "log.txt",
    "metrics.jsonl",
    "config.json",
    "environment.json",
    "samples",
    "checkpoints",
    "best",
]
SHOWN = ["tensorboard", "wandb", "wandb.json"]


@pytest.mark.parametrize("name", [*NAMES, *SHOWN, "checkpoints/.trash", "best/.trash", "checkpoints/5"])
def test_a_link_out_of_the_folder_is_refused_by_name(tmp_path, precious, name):
    run = tmp_path / "run"
    (run / name).parent.mkdir(parents=True)
    (run / name).symlink_to(precious)
    with pytest.raises(RunError, match=rf"{name} is a symbolic link"), RunFolder(run).locked():
        pass
    assert precious.read_bytes() == PRECIOUS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "run"]


def test_where_there_is_no_run_there_are_no_links(tmp_path):
    for path in (tmp_path / "missing", tmp_path / ("n" * 300)):
        RunFolder(path).refuse_links()


def test_a_run_folder_may_itself_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "disk")
    with RunFolder(tmp_path / "run").locked():
        assert (tmp_path / "disk" / ".lock").exists()


def test_appending_follows_no_link_and_waits_for_no_pipe(tmp_path, precious):
    (tmp_path / "metrics.jsonl").symlink_to(precious)
    with pytest.raises(RunError, match=r"metrics\.jsonl is a symbolic link"):
        append(tmp_path / "metrics.jsonl", b"1\n")
    os.mkfifo(tmp_path / "log.txt")
    with pytest.raises(RunError, match=r"log\.txt: not a regular file"):
        append(tmp_path / "log.txt", b"1\n")
    with pytest.raises(RunError, match="Is a directory"):
        append(tmp_path, b"1\n")
    assert precious.read_bytes() == PRECIOUS


def test_reading_follows_no_link_and_waits_for_no_pipe(tmp_path, precious):
    assert read(precious) == PRECIOUS
    assert read(tmp_path / "missing") is None
    (tmp_path / "environment.json").symlink_to(precious)
    os.mkfifo(tmp_path / "clusters.npy")
    for name, why in {
        "environment.json": "is a symbolic link",
        "clusters.npy": "not a regular file",
        ".": "not a regular file",
        "n" * 300: "File name too long",
        "precious/below": "Not a directory",
    }.items():
        with pytest.raises(RunError, match=why):
            read(tmp_path / name)


def test_the_lock_is_not_emptied(tmp_path):
    (tmp_path / ".lock").write_bytes(PRECIOUS)
    with RunFolder(tmp_path).locked():
        pass
    assert (tmp_path / ".lock").read_bytes() == PRECIOUS


def test_what_a_kill_left_half_written_is_removed_and_what_is_being_written_stays(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.samples.mkdir()

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        patch.setattr(os, "unlink", lambda path: None)
        for path in (
            folder.sample(3),
            folder.config,
            folder.metrics,
            folder.clusters,
            tmp_path / "metrics.jsonl.damaged-17",
        ):
            with pytest.raises(KeyboardInterrupt):
                write_atomically(path, b"half")
    living = folder.samples / ".step_00000004.png.abcd1234"
    others = [folder.path / ".gitignore", folder.path / ".notes.txt.abcd1234"]
    for path in (living, *others):
        path.touch()
    with living.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with folder.locked():
            left = {path.name for path in (*folder.path.iterdir(), *folder.samples.iterdir())}
    assert left == {"samples", ".lock", living.name, *(path.name for path in others)}
