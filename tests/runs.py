"""What a run has left, and whether two runs have left the same."""

import shutil

import numpy as np

from gan_jax.run.checkpoints import newest, to_arrays
from gan_jax.run.files import RunFolder, read
from gan_jax.run.loop import train
from gan_jax.run.training import abstract_state


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
