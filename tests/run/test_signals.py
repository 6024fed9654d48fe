"""Signals outside of the train loop: a line, an exit code, and what is begun is put in order."""

import os
import signal
import subprocess
import sys

import pytest

from gan_jax.run import signals

PROGRAM = """
import os, signal, sys
from gan_jax.run import signals

class Deaf:
    def __del__(self):  # an exception raised in here would be lost
        os.kill(os.getpid(), {number})

assert "jax" not in sys.modules and "numpy" not in sys.modules
with signals.leaving():
    print("begun")
    Deaf()
    print("went on")
"""


@pytest.fixture(autouse=True)
def _not_under_nohup():
    """Which the tests may be started by, and which is obeyed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_outside_of_training_is_a_line_and_its_code(number):
    program = PROGRAM.format(number=int(number))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.returncode == 128 + number
    assert done.stdout == "begun\n"
    assert done.stderr.strip() == f"gan-jax: stopped by {number.name}"


def test_nohup_is_obeyed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.wished() is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_gone_is_no_reason_to_fail(monkeypatch):
    def gone(*_):
        raise OSError(5, "Input/output error")

    with signals.listening():
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", gone)
            signal.raise_signal(signal.SIGHUP)
        assert signals.wished() == signal.SIGHUP


def test_training_listens_inside_of_a_command_that_leaves():
    with signals.leaving():
        leave = signal.getsignal(signal.SIGTERM)
        with signals.listening():
            signal.raise_signal(signal.SIGTERM)
            assert signals.wished() == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is leave
