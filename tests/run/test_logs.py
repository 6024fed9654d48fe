"""Rows, lines and a bar: what is damaged, what is narrow, and what is on disk."""

import errno
import io
import os
import sys

import pytest

from gan_jax.errors import RunError
from gan_jax.run.files import RunFolder
from gan_jax.run.logs import MetricLog, Reporter, append, read_rows

GOOD = [b'{"step": %d}\n' % step for step in (1, 2, 3)]


@pytest.fixture
def metrics(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_damaged_lines_are_counted_and_the_file_as_it_was_is_kept(metrics):
    content = b"".join([GOOD[0], b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"step": true}\n', *GOOD[1:], b'{"st'])
    metrics.write_bytes(content)
    log = MetricLog(metrics, after=3)
    (aside,) = metrics.parent.glob("metrics.jsonl.damaged-*")
    assert aside.read_bytes() == content
    assert log.remarks == [f"3 of 7 lines of metrics.jsonl are damaged; as it was: {aside.name}"]
    assert metrics.read_bytes() == b"".join(GOOD)


def test_a_last_line_that_a_kill_cut_is_no_damage(metrics):
    metrics.write_bytes(b"".join(GOOD) + b'{"step": 4, "d/lo')
    assert MetricLog(metrics, after=3).remarks == []
    assert [path.name for path in metrics.parent.iterdir()] == [metrics.name]


def test_a_folder_in_the_place_of_rows_is_one_clear_line(metrics):
    metrics.mkdir()
    for use in (read_rows, lambda path: append(path, {"step": 1}), lambda path: MetricLog(path, after=0)):
        with pytest.raises(RunError, match=r"cannot (read|write) .*metrics\.jsonl"):
            use(metrics)


ROW = {"step": 5, "d/loss": 1.0, "g/loss": 2.0}


def reporter(tmp_path, steps=10):
    return Reporter(RunFolder(tmp_path), start=0, steps=steps)


class Full(io.StringIO):
    encoding = "utf-8"

    def write(self, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Closed(io.StringIO):
    def isatty(self):
        return False


@pytest.mark.parametrize("screen", [None, Full(), Closed()], ids=["none", "full", "closed"])
def test_a_screen_that_cannot_be_written_costs_no_line_of_the_log(tmp_path, monkeypatch, screen):
    monkeypatch.setattr(sys, "stdout", screen)
    if isinstance(screen, Closed):
        screen.close()
    told = reporter(tmp_path)
    told.say("caf\udce9 ↓")
    told.close()
    assert (tmp_path / "log.txt").read_text("utf-8").endswith("  caf\\udce9 ↓\n")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_bar_fits_the_terminal_and_the_farewell_stands_below_it(tmp_path, monkeypatch, width):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    told = reporter(tmp_path, steps=10)
    told.progress(ROW)
    told.progress(ROW | {"step": 10})
    told.close()
    told.say("farewell")
    shown = screen.getvalue()
    assert shown.endswith("farewell\n")
    last = [line for line in shown.splitlines() if "D 1.000  G 2.000" in line][-1]
    assert "…" not in last
    assert ("━" in last) == (width > 110)
