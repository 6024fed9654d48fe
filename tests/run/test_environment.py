"""environment.json: each start of a run."""

import json
import os

import pytest

from gan_jax.data import digits
from gan_jax.errors import RunError
from gan_jax.run.environment import note_start
from gan_jax.run.files import RunFolder


def test_starts_are_added_to_those_before_and_a_damaged_file_is_set_aside(tmp_path):
    folder, data = RunFolder(tmp_path), digits.load()
    assert [note_start(folder, data, "1 x cpu") for _ in range(2)] == [[], []]
    assert len(json.loads(folder.environment.read_bytes())) == 2
    folder.environment.write_bytes(b"\xff[]")
    (remark,) = note_start(folder, data, "1 x cpu")
    (aside,) = tmp_path.glob("environment.json.damaged-*")
    assert remark.endswith(f"set aside as {aside.name}")
    assert aside.read_bytes() == b"\xff[]"
    assert len(json.loads(folder.environment.read_bytes())) == 1


def test_a_pipe_in_the_place_of_starts_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "environment.json")
    with pytest.raises(RunError, match=r"environment\.json: not a regular file"):
        note_start(RunFolder(tmp_path), digits.load(), "1 x cpu")
