"""Checkpoints: round trips, what is kept, and every kind of damage."""

import errno
import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import toys
from gan_jax import init, parallel
from gan_jax.errors import RunError
from gan_jax.run import checkpoints
from gan_jax.run.checkpoints import Checkpoints, from_arrays, newest, to_arrays


def state_of(seed):
    return init(toys.make(), jax.random.key(seed), toys.batch())


@pytest.fixture(scope="module")
def states():
    """Three different states of one GAN."""
    return [state_of(seed) for seed in range(3)]


@pytest.fixture
def store(tmp_path):
    """A folder of checkpoints that keeps three."""
    opened = Checkpoints(tmp_path / "checkpoints", keep=3)
    yield opened
    opened.close()


def template(notes):
    del notes
    return jax.eval_shape(lambda: state_of(0))


def assert_same(a, b):
    a, b = to_arrays(a), to_arrays(b)
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])


def test_a_state_comes_back_bit_for_bit_with_its_notes(store, states):
    store.save(7, states[1], {"classes": ["a", "b"]})
    state, notes, passed = store.restore(template)
    assert_same(state, states[1])
    assert type(state) is type(states[1])
    assert notes["classes"] == ["a", "b"]
    assert passed == []


def test_a_folder_may_be_a_relative_text(states, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = Checkpoints("mine")
    saved.save(1, states[0], {})
    saved.close()
    assert_same(newest("mine", lambda notes: states[0]).state, states[0])


def test_nothing_saved_is_nothing_restored(store):
    assert store.restore(template) is None


def test_only_the_newest_are_kept_and_nothing_else_lies_about(store, states):
    for step in range(1, 6):
        store.save(step, states[0], {})
    assert store.steps() == [3, 4, 5]
    left = {path.name for path in (store._folder).iterdir()}
    assert left == {"3", "4", "5"}


def largest_file(folder):
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip_a_bit(folder):
    file = largest_file(folder / "state")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def truncate(folder):
    file = largest_file(folder / "state")
    os.truncate(file, file.stat().st_size // 2)


def zero_fill(folder):
    file = largest_file(folder / "state")
    file.write_bytes(bytes(file.stat().st_size))


DAMAGE = {
    "a flipped bit": flip_a_bit,
    "a truncated file": truncate,
    "a file of zeros": zero_fill,
    "a missing data file": lambda folder: largest_file(folder / "state").unlink(),
    "missing metadata": lambda folder: (folder / "state" / "_METADATA").unlink(),
    "missing notes": lambda folder: shutil.rmtree(folder / "notes"),
    "a missing state": lambda folder: shutil.rmtree(folder / "state"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_falls_back_to_the_last_good_one_and_says_so(tmp_path, states, kind):
    first = Checkpoints(tmp_path, keep=3)
    for step, state in enumerate(states, start=1):
        first.save(step, state, {})
    first.close()
    DAMAGE[kind](tmp_path / "3")
    again = Checkpoints(tmp_path, keep=3)
    state, _, passed = again.restore(template)
    assert_same(state, states[1])
    assert len(passed) == 1
    assert "checkpoint 3 is damaged" in passed[0]
    assert list(tmp_path.glob("3.damaged-*")), "evidence must not be deleted"
    again.save(3, states[2], {})
    state, _, passed = again.restore(template)
    assert_same(state, states[2])
    assert passed == []
    again.close()


def test_only_damaged_ones_left_is_an_error_not_a_fresh_start(store, states):
    store.save(1, states[0], {})
    store.wait()
    flip_a_bit(store._folder / "1")
    for _ in range(2):
        with pytest.raises(RunError, match=r"no good checkpoint is left .*checkpoint 1: \w+"):
            store.restore(template)
    assert store.steps() == [1]


def test_all_set_aside_by_hand_is_an_error_too(store, states):
    store.save(1, states[0], {})
    store.wait()
    (store._folder / "1").rename(store._folder / "1.damaged-1")
    with pytest.raises(RunError, match="all were set aside earlier"):
        store.restore(template)


def test_reading_changes_nothing_on_disk(tmp_path, states):
    writer = Checkpoints(tmp_path, keep=3)
    for step in (1, 2):
        writer.save(step, states[step], {})
    writer.wait()
    (tmp_path / "3.orbax-checkpoint-tmp").mkdir()
    (tmp_path / "4").mkdir()
    (tmp_path / ".trash").mkdir()
    flip_a_bit(tmp_path / "2")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = newest(tmp_path, template)
    assert_same(found.state, states[1])
    assert found.bad.keys() == {"2", "4"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    writer.close()


def test_changed_notes_are_damage_too(tmp_path, states):
    writer = Checkpoints(tmp_path, keep=3)
    for step in (1, 2):
        writer.save(step, states[step], {"fingerprint": "abc"})
    writer.close()
    notes = tmp_path / "2" / "notes" / "metadata"
    notes.write_text(notes.read_text().replace("abc", "abd"))
    found = newest(tmp_path, template)
    assert "first notes" in found.bad["2"]
    assert_same(found.state, states[1])


@pytest.mark.parametrize("move", [shutil.copytree, os.rename])
def test_a_checkpoint_under_another_number_is_set_aside_and_that_number_is_saved(tmp_path, states, move):
    first = Checkpoints(tmp_path, keep=3)
    for step in (10, 40):
        first.save(step, states[0], {})
    first.close()
    move(tmp_path / "40", tmp_path / "60")
    again = Checkpoints(tmp_path, keep=3)
    _, _, (remark,) = again.restore(template)
    assert "checkpoint 60 is damaged (ValueError: it holds step 40); set aside as 60.damaged-" in remark
    again.save(60, states[2], {})
    state, _, remarks = again.restore(template)
    assert_same(state, states[2])
    assert remarks == []
    again.close()


def test_a_checkpoint_that_does_not_note_its_step_is_known_by_its_state(tmp_path, states, monkeypatch):
    monkeypatch.setattr(checkpoints, "_SAVED_AS", "unknown")
    first = Checkpoints(tmp_path)
    for step in (0, 7):
        first.save(step, states[0], {})  # a state of step 0
    first.close()
    monkeypatch.undo()
    found = newest(tmp_path, template)
    assert "it holds step 0" in found.bad["7"]


def test_a_save_replaces_what_is_another_state_under_its_number(store, states):
    store.save(1, states[0], {})
    store.wait()
    shutil.copytree(store._folder / "1", store._folder / "2")
    store.save(2, states[1], {"said": True})
    state, notes, _ = store.restore(template)
    assert_same(state, states[1])
    assert notes == {"said": True}
    assert len(list(store._folder.glob("2.other-*"))) == 1
    store.save(2, states[1], {"said": True})
    assert len(list(store._folder.glob("2.other-*"))) == 1, "the same again is nothing to do"


@pytest.mark.parametrize("name", ["0040", "²", "٤", "9" * 30])
def test_a_number_that_nobody_writes_so_is_told_not_read(tmp_path, states, name):
    first = Checkpoints(tmp_path, keep=3)
    for step in (39, 40):
        first.save(step, states[0], {})
    first.close()
    (tmp_path / "40").rename(tmp_path / name)
    assert newest(tmp_path, template).bad == {name: "no step is written so"}
    again = Checkpoints(tmp_path, keep=3)
    assert again.steps() == [39]
    _, _, (remark,) = again.restore(template)
    assert f"checkpoint {name} is damaged" in remark
    assert list(tmp_path.glob(f"{name}.damaged-*"))
    again.close()


def test_a_checkpoint_without_its_last_file_is_told(tmp_path, states):
    first = Checkpoints(tmp_path)
    for step in (1, 2):
        first.save(step, states[0], {})
    first.close()
    (tmp_path / "2" / "commit_success.txt").unlink()
    assert newest(tmp_path, template).bad == {"2": "commit_success.txt is missing"}
    again = Checkpoints(tmp_path)
    assert (
        "checkpoint 2 is damaged (commit_success.txt is missing); set aside as 2.dam" in again.restore(template)[2][0]
    )
    again.close()


def test_no_fresh_start_where_the_only_checkpoint_lost_its_last_file(tmp_path, states):
    first = Checkpoints(tmp_path)
    first.save(1, states[0], {})
    first.close()
    (tmp_path / "1" / "commit_success.txt").unlink()
    again = Checkpoints(tmp_path)
    with pytest.raises(RunError, match=r"no good checkpoint is left .*1\.damaged-"):
        again.restore(template)
    again.close()


@pytest.mark.parametrize("debris", ["4", "4.orbax-checkpoint-tmp"])
def test_an_empty_or_unfinished_checkpoint_is_not_one(tmp_path, states, debris):
    first = Checkpoints(tmp_path, keep=3)
    first.save(3, states[0], {})
    first.close()
    (tmp_path / debris).mkdir()
    again = Checkpoints(tmp_path, keep=3)
    assert again.steps() == [3]
    again.save(4, states[1], {})
    state, *_ = again.restore(template)
    assert_same(state, states[1])
    again.close()


def test_another_model_is_named_not_loaded(store, states):
    store.save(1, states[0], {})
    other = lambda notes: jax.eval_shape(lambda: init(toys.make(classes=3), jax.random.key(0), toys.batch(classes=3)))
    with pytest.raises(RunError, match=r"hidden.kernel is float32 \(\d+, 16\), expected float32 \(\d+, 16\)"):
        store.restore(other)


def test_a_full_disk_is_told_and_older_checkpoints_stay_intact(store, states, monkeypatch):
    store.save(1, states[0], {})

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(store._manager, "save", full)
        with pytest.raises(RunError, match=r"could not save checkpoint 2 .*No space left.*last good one is step 1"):
            store.save(2, states[1], {})
    state, *_ = store.restore(template)
    assert_same(state, states[0])
    store.save(2, states[1], {})
    assert store.steps() == [1, 2]


def test_a_save_that_fails_in_the_background_is_told_by_whatever_comes_next(store, states, monkeypatch):
    store.save(1, states[0], {})
    store.wait()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    ways = (store.wait, store.steps, lambda: store.save(9, states[1], {}), lambda: store.restore(template))
    # Each a step of its own: orbax may trip over its folder of the last attempt at the same.
    for step, come_back in enumerate(ways, 2):
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", full)  # the commit
            store.save(step, states[1], {})
            told = rf"could not save checkpoint {step} .*No space left.*last good one is step 1"
            with pytest.raises(RunError, match=told):
                come_back()
    store.save(9, states[1], {})
    assert store.steps() == [1, 9]


@pytest.mark.parametrize("devices", [1, 2])
def test_what_is_saved_is_what_was_there_although_the_next_step_takes_its_memory(store, devices):
    double = jax.jit(lambda state: jax.tree.map(lambda a: 2 * a, state), donate_argnums=0)
    state = double(on({"large": np.ones((3_000, 1_024), np.float32), "small": np.ones(3, np.float32)}, devices))
    for step in range(1, 4):
        store.save(step, state, {})
        for _ in range(3):
            state = double(state)
        found, *_ = store.restore(lambda notes: jax.eval_shape(lambda: state))  # noqa: B023 - called at once
        assert {float(value) for leaf in found.values() for value in np.unique(leaf)} == {2.0 ** (3 * step - 2)}


def test_nothing_is_compiled_for_a_save_of_what_lies_on_several_devices(store, caplog):
    """Orbax would write a part from each device, where there is enough for all."""
    state = on({f"of {i}": np.ones((1_024, 128 * i), np.float32) for i in (1, 2)}, 2)
    jax.config.update("jax_log_compiles", True)
    try:
        store.save(1, state, {})
        store.wait()
    finally:
        jax.config.update("jax_log_compiles", False)
    assert "slice" not in caplog.text


def on(state, devices):
    return jax.device_put(state, parallel.replicated(parallel.make_mesh(jax.local_devices()[:devices])))


def test_a_folder_that_was_removed_meanwhile_is_told(store, states, monkeypatch):
    def remove(*args, **kwargs):
        shutil.rmtree(store._folder)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(store._manager, "save", remove)
    with pytest.raises(
        RunError, match=r"could not save checkpoint 2 .*, No such file or directory: .*there is none before it"
    ):
        store.save(2, states[1], {})


@pytest.mark.parametrize("kind", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_keys_of_every_kind_come_back(kind):
    key = jax.random.key(3, impl=kind)
    found = from_arrays(jax.eval_shape(lambda: {"key": key}), to_arrays({"key": key}), where="here")["key"]
    assert found.dtype == key.dtype
    np.testing.assert_array_equal(jax.random.key_data(found), jax.random.key_data(key))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not Path("/bin/mount").exists(), reason="needs root, to mount a small disk")
def test_a_disk_that_really_fills_up_keeps_the_good_checkpoint(tmp_path):
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        store = Checkpoints(disk / "checkpoints", keep=5)
        noise = lambda seed: {"noise": np.random.default_rng(seed).standard_normal(500_000).astype(np.float32)}
        for step in (1, 2):
            store.save(step, noise(step), {})
        store.wait()
        with pytest.raises(RunError, match="could not save checkpoint 3"):
            [store.save(3, noise(3), {}), store.wait()]
        assert not list((disk / "checkpoints").glob("*tmp*"))
        state, *_ = store.restore(lambda notes: noise(0))
        np.testing.assert_array_equal(state["noise"], noise(2)["noise"])
        store.close()
    finally:
        subprocess.run(["umount", disk], check=True)
