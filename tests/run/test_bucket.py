"""Runs in a bucket, through the clients that people use, against a store on the loopback address."""

import json

import pytest
from google_storage import Store

from gan_jax.errors import RunError
from gan_jax.run import bucket, files
from gan_jax.run.files import RunFolder, read, set_aside, write_atomically
from gan_jax.run.logs import MetricLog, Reporter, append

pytest.importorskip("gcsfs")


@pytest.fixture(scope="module")
def store():
    with Store() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", store.url)
        patch.setenv("TENSORSTORE_GCS_HTTP_URL", store.url)
        patch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "anybody")
        yield store


@pytest.fixture
def place(store, request):
    """A folder of a bucket of its own."""
    name = f"bucket-{len(store.buckets)}"
    store.buckets[name] = {}
    yield f"gs://{name}/runs/one"
    store.refuses = lambda *_: None


@pytest.fixture(params=["disk", "bucket"])
def folder(request, tmp_path):
    """The contract of a run's files holds wherever they are."""
    return RunFolder(tmp_path / "run" if request.param == "disk" else request.getfixturevalue("place"))


def test_a_file_is_written_whole_read_and_replaced(folder):
    assert read(folder.config) is None
    write_atomically(folder.config, b"first, and longer")
    write_atomically(folder.config, b"second")
    assert read(folder.config) == b"second"


def test_lines_are_added_on_lines_of_their_own(folder):
    write_atomically(folder.metrics, b"one\ntw")
    for file in (folder.metrics, folder.log):
        files.append(file, b"three\n")
        files.append(file, b"four\nfive\n")
    assert read(folder.metrics) == b"one\ntw\nthree\nfour\nfive\n"
    assert read(folder.log) == b"three\nfour\nfive\n"


def test_what_is_set_aside_is_all_there_under_another_name(folder):
    for name in ("a", "deep/b"):
        write_atomically(folder.best / name, name.encode())
    aside = set_aside(folder.best, "other")
    assert aside.name.startswith("best.other-")
    assert (read(aside / "a"), read(aside / "deep" / "b"), read(folder.best / "a")) == (b"a", b"deep/b", None)


def test_a_folder_is_held_by_one_and_given_back(folder, monkeypatch):
    monkeypatch.setattr(bucket, "BEAT", 0.05)
    with folder.locked(), pytest.raises(RunError, match=f"{folder.path} is in use by .*--run"), folder.locked():
        pass
    with folder.locked():
        pass


def test_a_bucket_gets_rows_together_and_loses_none_of_another_command(place, store):
    folder = RunFolder(place)
    rows = MetricLog(folder.metrics, after=0)
    rows.write({"step": 1})
    store.puts.clear()
    for step in range(2, 50):
        rows.write({"step": step})
    assert store.puts == []
    append(folder.metrics, {"step": 9, "asked": True})
    rows.flush()
    rows.flush()
    assert len(store.puts) == 2
    kept = [json.loads(line) for line in read(folder.metrics).splitlines()]
    assert kept == [{"step": 1}, {"step": 9, "asked": True}, *({"step": step} for step in range(2, 50))]


def test_a_log_in_a_bucket_is_put_now_and_then_and_at_the_end(place, store, monkeypatch):
    store.puts.clear()
    reporter = Reporter(RunFolder(place), start=0, steps=3, batch_size=1)
    for line in range(100):
        reporter.say(f"line {line}", on_screen=False)
    assert store.puts.count("runs/one/log.txt") == 1
    monkeypatch.setattr(files, "HELD", 0.0)
    reporter.say("line 100", on_screen=False)
    assert store.puts.count("runs/one/log.txt") == 2
    reporter.close()
    assert read(RunFolder(place).log).decode().count("line ") == 101
