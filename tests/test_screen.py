"""Terminals that know few letters, are full, or are gone."""

import io
import subprocess
import sys

import pytest

from gan_jax.screen import tell


def told(line, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    tell(line, stream)
    return stream.buffer.getvalue().decode(encoding)


def test_signs_that_a_terminal_has_not_are_written_in_others():
    assert told("FID ↓ 1 ±2", "utf-8") == "FID ↓ 1 ±2\n"
    assert told("FID ↓ 1 ±2", "latin-1") == "FID (lower is better) 1 ±2\n"
    assert told("IS ↑ 1 ±2", "ascii") == "IS (higher is better) 1 +-2\n"
    assert told("caf\udce9 日", "utf-8") == "caf\\udce9 日\n"


def test_what_a_terminal_would_obey_is_shown_as_text():
    assert told("a\x1b[31mred\x07\x9b.png\tone\r\ntwo", "utf-8") == "a\\x1b[31mred\\x07\\x9b.png\tone\\r\ntwo\n"


def test_a_stream_that_is_closed_is_no_error(monkeypatch):
    closed = io.StringIO()
    closed.close()
    tell("line", closed)
    monkeypatch.setattr(sys, "stdout", None)
    tell("line")


def test_a_full_disk_is_told_once_and_ends_nothing():
    program = "from gan_jax.screen import tell\nfor i in range(3): tell(str(i))"
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "gan-jax: cannot print any more: No space left on device\n")


PROGRAM = """
import sys
from gan_jax import screen

screen.prepare()
file = open(sys.argv[1], "w")
assert file.fileno() > 2, file.fileno()
print("FID ↓")
"""


@pytest.mark.parametrize("closed", ["", ">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_of_ours_gets_the_number_of_a_stream_that_was_closed(tmp_path, closed):
    command = f'"{sys.executable}" -c "$0" "{tmp_path}/log.txt" {closed}'
    environment = {"PYTHONIOENCODING": "latin-1", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(["sh", "-c", command, PROGRAM], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"FID (lower is better)\n")
    assert (tmp_path / "log.txt").read_bytes() == b""
