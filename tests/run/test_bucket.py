"""Runs in a bucket, through the clients that people use, against a store on the loopback address."""

import io
import json
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from google_storage import in_place_of_googles
from runs import assert_same_runs

from gan_jax.cli import main
from gan_jax.config import MLP, CadenceConfig, Config, DataConfig
from gan_jax.errors import RunError
from gan_jax.run import bucket, files
from gan_jax.run.checkpoints import Checkpoints, committed, newest
from gan_jax.run.files import RunFolder, read, set_aside, write_atomically
from gan_jax.run.logs import MetricLog, Reporter, append
from gan_jax.run.loop import train

pytest.importorskip("gcsfs")


@pytest.fixture(scope="module")
def store():
    with in_place_of_googles() as store:
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
    reporter = Reporter(RunFolder(place), start=0, steps=3)
    for line in range(100):
        reporter.say(f"line {line}", on_screen=False)
    assert store.puts.count("runs/one/log.txt") == 1
    monkeypatch.setattr(files, "HELD", 0.0)
    reporter.say("line 100", on_screen=False)
    assert store.puts.count("runs/one/log.txt") == 2
    reporter.close()
    assert read(RunFolder(place).log).decode().count("line ") == 101


def test_a_lease_is_renewed_and_one_that_is_not_is_taken(place, store, monkeypatch, capsys):
    monkeypatch.setattr(bucket, "BEAT", 0.05)
    monkeypatch.setattr(bucket, "PATIENCE", 1.0)
    folder = RunFolder(place)
    with folder.locked():
        first = store.files(*in_store(place))[".lock"]
        wait_until(lambda: store.files(*in_store(place))[".lock"] != first)
    assert ".lock" not in store.files(*in_store(place))
    write_atomically(folder.path / ".lock", b'{"host": "gone", "process": 7}')
    with folder.locked():
        assert b"gone" not in store.files(*in_store(place))[".lock"]
    assert "is held by process 7 of 'gone'; looking for 1 s whether it lives" in capsys.readouterr().err


def test_a_holder_that_slept_too_long_ends_before_it_writes_again(place, monkeypatch, capsys):
    ends = []

    def end(code):
        ends.append(code)
        raise OSError

    monkeypatch.setattr(bucket, "BEAT", 0.05)
    monkeypatch.setattr(bucket.os, "_exit", end)
    folder = RunFolder(place)
    with folder.locked():
        write_atomically(folder.path / ".lock", b'{"host": "other", "process": 7}')
        wait_until(lambda: ends)
    assert set(ends) == {5}
    assert read(folder.path / ".lock") == b'{"host": "other", "process": 7}'
    assert f"{place} was taken over by process 7 of 'other'" in capsys.readouterr().err


def in_store(place):
    name, _, folder = place.removeprefix("gs://").partition("/")
    return name, folder


def wait_until(true, seconds=20):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_store_that_refuses_is_told_in_one_line_with_what_mends_it(place, store, monkeypatch, capsys):
    assert main(["sample", place]) == 2
    assert f"{place} is not a run folder" in capsys.readouterr().err
    for run, status, said in [
        ("gs://no-such-bucket/run", None, "there is no bucket gs://no-such-bucket; make it, or mend its name"),
        (place, 403, "not allowed (this caller has no access); gcloud auth application-default login"),
        (place, 401, "not allowed (this caller has no access, 401); gcloud auth application-default login"),
    ]:
        store.refuses = lambda *_, status=status: status
        for line in (["train", "digits", "--run", run], ["train", run], ["sample", run], ["evaluate", run]):
            assert main(line) == 5
            (told,) = capsys.readouterr().err.splitlines()
            assert told.startswith(f"gan-jax: cannot read {run}/config.json: {said}")


def test_a_bucket_where_one_may_only_read_is_no_place_for_a_run(place, store):
    store.refuses = lambda method, *_: None if method == "GET" else 403
    said = f"cannot write the run folder {place}: not allowed .*--run"
    with pytest.raises(RunError, match=said), RunFolder(place).locked():
        pass


@pytest.mark.parametrize(
    ("run", "said"), [("gs://b/run", "pip install gcsfs"), ("s3://b/run", "nor of a bucket gs://")]
)
def test_a_client_that_is_missing_is_named_with_how_to_get_it(run, said):
    program = f"""
import sys
from gan_jax.cli import main
sys.modules["gcsfs"] = None
code = main(["train", "digits", "--run", "{run}"])
assert "jax" not in sys.modules and "tensorflow" not in sys.modules
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == {"g": 5, "s": 2}[run[0]], done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_who_uses_no_bucket_pays_for_none():
    program = """
import sys
from gan_jax.cli import main
main(["--help"]), main(["sample", "nowhere"]), main(["train", "digits", "--stesp", "3"])
assert not {"fsspec", "etils", "tensorflow", "jax"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


SMALL = Config(
    data=DataConfig(name="digits"),
    model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
    batch_size=8,
    steps=6,
    every=CadenceConfig(log=1, sample=3, checkpoint=2),
    track="tensorboard",
)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory):
    """The run that a bucket's is compared with."""
    path = tmp_path_factory.mktemp("disk") / "run"
    train(SMALL, path)
    return path


def test_a_run_that_its_store_failed_in_the_middle_of_a_save_ends_as_the_one_on_a_disk(
    place, store, on_disk, tmp_path, monkeypatch, capsys, curves
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # orbax's threads say what it raises, too
    store.refuses = lambda method, _, name: 403 if method == "POST" and "4/commit_success" in (name or "") else None
    with pytest.raises(RunError, match=f"could not save checkpoint 4 .* in {place}/checkpoints"):
        train(SMALL, place)
    store.refuses = lambda *_: None
    assert main(["train", place]) == 0
    assert "going on from step 2 to 6" in capsys.readouterr().out
    assert_same_runs(place, on_disk, SMALL)
    assert {name.split("/")[0] for name in store.files(*in_store(place))} == {p.name for p in on_disk.glob("[!.]*")}
    assert main(["sample", place, "--count", "4", "--labels", "1"]) == 2
    assert main(["sample", place, "--count", "4", "--out", f"{place}/four.npz"]) == 0
    assert main(["evaluate", place, "--features", "pixels", "--samples", "20"]) == 0
    assert len(np.load(io.BytesIO(store.files(*in_store(place))["four.npz"]))["images"]) == 4
    assert read(RunFolder(place).metrics).splitlines()[-1].endswith(b'"asked": true}')
    assert list(tmp_path.iterdir()) == []


STATE = {"weights": np.arange(1000, dtype=np.float32)}  # one array: of several, orbax tells the second one's error late


def saved(place, *steps):
    checkpoints = Checkpoints(f"{place}/checkpoints")
    for step in steps:
        checkpoints.save(step, STATE, {"about": step})
    checkpoints.close()


def test_a_flipped_bit_in_a_bucket_is_set_aside_and_the_one_before_it_serves(place, store):
    saved(place, 1, 2)
    objects = store.buckets[in_store(place)[0]]
    name = max((name for name in objects if "/2/state/" in name), key=lambda name: len(objects[name].data))
    flipped = bytearray(objects[name].data)
    flipped[len(flipped) // 2] ^= 1
    objects[name] = objects[name]._replace(data=bytes(flipped))
    checkpoints = Checkpoints(f"{place}/checkpoints")
    state, notes, (remark,) = checkpoints.restore(lambda _: STATE)
    checkpoints.close()
    np.testing.assert_array_equal(state["weights"], STATE["weights"])
    assert notes == {"about": 1}
    assert re.match(r"checkpoint 2 is damaged .*; set aside as 2.damaged-\d+$", remark)
    (aside,) = {name.split("/")[3] for name in objects if "/2.damaged-" in name}
    assert bytes(flipped) in [o.data for name, o in objects.items() if f"/{aside}/" in name]
    assert committed(RunFolder(place).checkpoints) == [1]


def test_a_store_out_of_reach_is_no_damage(place, store):
    saved(place, 1, 2)
    before = store.files(*in_store(place))
    store.refuses = lambda method, _, name: 403 if "/2/state/d/" in (name or "") else None
    with pytest.raises(RunError, match=f"cannot read {place}/checkpoints/2"):
        newest(f"{place}/checkpoints", lambda _: STATE)
    store.refuses = lambda *_: 403
    with pytest.raises(RunError, match=f"cannot read {place}/checkpoints: not allowed"):
        newest(f"{place}/checkpoints", lambda _: STATE)
    store.refuses = lambda *_: None
    assert newest(f"{place}/checkpoints", lambda _: STATE).step == 2
    assert store.files(*in_store(place)) == before


def test_what_a_kill_left_of_a_save_is_passed_over_and_removed(place, store):
    saved(place, 1, 2)
    del store.buckets[in_store(place)[0]]["runs/one/checkpoints/2/commit_success.txt"]
    found = newest(f"{place}/checkpoints", lambda _: STATE)
    assert (found.step, found.bad) == (1, {})
    saved(place, 3)
    assert {name.split("/")[1] for name in store.files(*in_store(place))} == {"1", "3"}


TRAINER = Path(__file__).parent / "trainer.py"


def start(place):
    line = [sys.executable, TRAINER, place, "12"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run"
    process = start(path)
    told, _ = process.communicate()
    assert process.returncode == 0, told
    return path


MOMENTS = {
    "an array is put": ("POST", "checkpoints/9/state/d/", 1),
    "all is put but what commits it": ("POST", "checkpoints/9/commit_success.txt", 1),
    "rows are put": ("POST", "metrics.jsonl", 4),
    "the best one is replaced": ("DELETE", "best/4/", 3),
    "an old one is deleted": ("DELETE", "checkpoints/3/state/", 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_in_a_bucket_that_is_killed_goes_on_and_ends_with_the_same_bytes(place, store, never_killed, moment):
    method, part, count = MOMENTS[moment]
    process, seen = start(place), []

    def kill(asked, _, name):
        if asked == method and part in (name or "") and process.poll() is None:
            seen.append(name)
            if len(seen) == count:
                process.kill()
        return 503 if len(seen) >= count else None

    store.refuses = kill
    told, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, told
    store.refuses = lambda *_: None
    del store.buckets[in_store(place)[0]]["runs/one/.lock"]  # as if its time had passed
    process = start(place)
    told, _ = process.communicate()
    assert process.returncode == 0, told
    assert_same_runs(place, never_killed, runpy.run_path(str(TRAINER))["config"](12))
