"""What a run has left, whether two runs have left the same, and runs that are trained once for all workers."""

import fcntl
import os
import shutil

import numpy as np

from gan_jax.run.checkpoints import newest, to_arrays
from gan_jax.run.files import RunFolder, read
from gan_jax.run.loop import train
from gan_jax.run.training import abstract_state


def built_once(tmp_path_factory, name, build):
    """A folder of a worker's own, as `build(folder)` filled it for the first worker that asked for it by this name.

    A module's tests are dealt out to all workers, each of which would train what its fixtures are of.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go as the file is closed, however that comes
        if not (shared / "done").exists():
            shutil.rmtree(shared / "built", ignore_errors=True)
            (shared / "built").mkdir()
            build(shared / "built")
            (shared / "done").touch()
    return shutil.copytree(shared / "built", tmp_path_factory.mktemp(name) / "built")


def final_arrays(path, config):
    """The arrays of the newest good checkpoint of a run on the digits, by name."""
    return to_arrays(newest(RunFolder(path).checkpoints, lambda notes: abstract_state(config, 10)).state)


def assert_same_runs(path, reference, config):
    """To the bit: arrays and rows."""
    ours, theirs = final_arrays(path, config), final_arrays(reference, config)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert read(RunFolder(path).metrics) == read(RunFolder(reference).metrics) is not None


def assert_a_killed_copy_ends_alike(run, config, path):
    """A copy of a run that is over, as a kill before its last checkpoint leaves it, goes on to the same end."""
    killed = shutil.copytree(run.path, path)
    shutil.rmtree(RunFolder(killed).checkpoints / f"{config.steps}")
    train(config, killed)
    assert_same_runs(killed, run.path, config)
