"""Trackers: what they are shown, what a kill does to it, and that none of their troubles is the run's."""

import io
import json
import shutil
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gan_jax.config import MLP, CadenceConfig, Config, DataConfig
from gan_jax.errors import RunError
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.tracking.tensorboard import TensorBoard
from gan_jax.run.tracking.trackers import Trackers, trackers_of
from gan_jax.run.tracking.weights_and_biases import WeightsAndBiases

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def events_in(path):
    """The events on disk, from TensorBoard's records: length, its check, content, check."""
    from tensorboardX.proto.event_pb2 import Event

    content, place, found = path.read_bytes(), 0, []
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        found.append(Event.FromString(content[place + 12 : place + 12 + length]))
        place += length + 16
    return found


def scalars_in(path):
    shown = [(value.tag, event.step, value) for event in events_in(path) for value in event.summary.value]
    return [(tag, step, value.simple_value) for tag, step, value in shown if value.HasField("simple_value")]


def history_in(folder):
    """The rows of wandb's own files of a run folder: `{step: {name, ...}}` of each, in the order of the starts.

    A file is a log as LevelDB's: after seven bytes, blocks of 32 KB of pieces, each with a check, a length and a kind.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    found = []
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        content, place, piece, rows = file.read_bytes(), 7, b"", {}
        while place < len(content):
            if (left := 32768 - place % 32768) < 7:
                place += left
                continue
            _, length, kind = struct.unpack_from("<IHB", content, place)
            piece += content[place + 7 : place + 7 + length]
            place += 7 + length
            if kind in (1, 4):  # whole, or the last
                record, piece = Record.FromString(piece), b""
                names = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
                if "_step" in names:
                    rows[int(names["_step"])] = {name for name in names if not name.startswith("_")}
        found.append(rows)
    return found


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """The real wandb, which is to look for no network and for nobody's login."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb-home"))


def test_events_that_were_flushed_are_on_disk(tmp_path):
    board = TensorBoard(tmp_path / "tensorboard", after=0)
    for step in range(1, 40):
        board.row(step, {"d/loss": step / 2, "g/loss": float("nan")})
    board.picture(39, "samples", PICTURE)
    board.flush()
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert scalars_in(file) == [("d/loss", step, step / 2) for step in range(1, 40)]
    (shown,) = events_in(file)[-1].summary.value
    np.testing.assert_array_equal(Image.open(io.BytesIO(shown.image.encoded_image_string)), PICTURE)
    board.close()
    assert "tensorflow" not in sys.modules


class Failing:
    """Shows rows until its network goes."""

    def __init__(self, good):
        self.good, self.rows = good, []

    def row(self, step, values):
        if step > self.good:
            raise ConnectionResetError(104, "Connection reset by peer")
        self.rows.append(step)

    def close(self):
        self.rows.append("closed")


def test_a_tracker_that_fails_is_told_once_and_the_others_go_on():
    said, lost, kept = [], Failing(2), Failing(9)
    trackers = Trackers({"lost": lambda: lost, "kept": lambda: kept}, said.append)
    for step in range(1, 5):
        trackers.row(step, {"d/loss": 1.0})
    trackers.close()
    assert (lost.rows, kept.rows) == ([1, 2], [1, 2, 3, 4, "closed"])
    assert said == ["the run goes on without lost: Connection reset by peer"]


@pytest.mark.parametrize(("name", "package"), [("tensorboard", "tensorboardX"), ("wandb", "wandb")])
def test_a_tracker_that_is_not_installed_costs_a_line(tmp_path, monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    said = []
    trackers = trackers_of(Config(track=name), RunFolder(tmp_path), start=0, reached=0, say=said.append)
    assert said == [f"the run goes on without {name}: it takes {package}; pip install {package}"]
    assert not trackers


def test_events_that_cannot_be_written_cost_a_line(tmp_path):
    (tmp_path / "tensorboard").write_text("in the way")
    said = []
    trackers_of(Config(track="tensorboard"), RunFolder(tmp_path), start=0, reached=0, say=said.append)
    assert said == ["the run goes on without tensorboard: File exists"]


class Service:
    """What a run asks of the wandb package, online: it keeps the steps of each id, as the service does."""

    Image = staticmethod(np.asarray)

    def __init__(self, *, logged_in=True):
        self.logged_in, self.runs, self.given = logged_in, {}, []

    def Settings(self, **given):  # noqa: N802 - wandb's name
        return SimpleNamespace(mode="online", project=None, **given)

    def setup(self, settings):
        return SimpleNamespace(settings=settings)

    def login(self, *, prompt, verify):
        assert not prompt
        return self.logged_in

    def init(self, **given):
        self.given.append(given)
        rows = self.runs.setdefault(given["id"], {})
        log = lambda values, step: rows.setdefault(step, {}).update(values)
        step = max(rows, default=-1) + 1
        return SimpleNamespace(offline=False, url="https://there", step=step, log=log, finish=lambda: None)


def begin(tmp_path, reached=0):
    return WeightsAndBiases(RunFolder(tmp_path / "run"), {"steps": 9}, reached=reached, say=print)


def test_a_run_that_goes_on_goes_on_in_the_same_run_there_and_sends_no_row_twice(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", service := Service())
    (first := begin(tmp_path)).row(2, {"d/loss": 1.0})
    first.row(4, {"d/loss": 2.0})
    again = begin(tmp_path, reached=6)  # of 6 the service never heard; the run goes back to 3
    for step in (4, 6):
        again.row(step, {"d/loss": -1.0})
        again.picture(step, "samples", PICTURE)
    ((name, rows),) = service.runs.items()
    assert {step: row["d/loss"] for step, row in rows.items()} == {2: 1.0, 4: 2.0, 6: -1.0}
    assert ["samples" in row for row in rows.values()] == [False, False, True]
    assert [(given["id"], given["resume"], given["name"]) for given in service.given] == [(name, "allow", "run")] * 2
    assert json.loads((tmp_path / "run" / "wandb.json").read_text()) == {"id": name}


@pytest.mark.parametrize("kept", [b"", b"[" * 100_000, b"[]", b'{"id": 7}', b'{"id": "../elsewhere"}'])
def test_an_id_that_can_be_none_is_made_anew(tmp_path, monkeypatch, kept):
    monkeypatch.setitem(sys.modules, "wandb", service := Service())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "wandb.json").write_bytes(kept)
    begin(tmp_path)
    assert service.given[0]["id"].isalnum()


def test_a_folder_does_not_say_whom_a_run_is_sent_to(tmp_path, offline):
    (tmp_path / "run" / "wandb").mkdir(parents=True)
    (tmp_path / "run" / "wandb" / "settings").write_text("[default]\nbase_url = https://evil.example\n")
    with pytest.raises(RunError, match="settings would say whom the run is sent to"):
        WeightsAndBiases(RunFolder(tmp_path / "run"), {}, reached=0, say=print)


def test_who_is_not_logged_in_is_told_and_asked_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", Service(logged_in=False))
    with pytest.raises(RunError, match="nobody is logged in; wandb login, or set WANDB_MODE=offline"):
        begin(tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # two runs
def test_a_run_that_went_back_shows_every_step_once(tmp_path, offline, capsys):
    config = Config(
        data=DataConfig(name="digits"),
        model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
        batch_size=8,
        steps=4,
        every=CadenceConfig(log=1, sample=2, checkpoint=2),
        track="tensorboard,wandb",
    )
    run = tmp_path / "run"
    train(config, run)
    shutil.rmtree(run / "checkpoints" / "4")
    train(config, run)
    first, second = history_in(run)
    assert [*first] == [0, 1, 2, 3, 4]
    assert {"real", "samples"} <= {name.split("/")[0] for name in first[0]}
    assert {"d/loss", "samples/path"} <= first[4]
    assert not second
    told = capsys.readouterr().out
    assert "offline at Weights & Biases; later: wandb sync" in told
    assert "without" not in told
    old, new = sorted((run / "tensorboard").iterdir())
    assert {step for _, step, _ in scalars_in(old)} == {1, 2, 3, 4}
    _, begun, *_ = events_in(new)
    assert (begun.session_log.status, begun.step) == (begun.session_log.START, 3)  # what came of 3 and later is void
    assert {step for _, step, _ in scalars_in(new)} == {3, 4}
    train(config, run)  # there is nothing to be done, nor to be shown
    assert len([*(run / "tensorboard").iterdir()]) == len(history_in(run)) == 2
