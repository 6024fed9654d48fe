"""When a command starts itself anew with large pages, and when it does not."""

import os
import subprocess
import sys

import pytest

from gan_jax.__main__ import main
from gan_jax.run import large_pages
from gan_jax.run.large_pages import is_command, listens, with_wish

SCRIPT = ["python", "/usr/bin/gan-jax", "train", "digits"]
MODULE = ["python", "-X", "dev", "-m", "gan_jax", "train", "digits"]


@pytest.mark.parametrize("started_by", [SCRIPT, MODULE, ["python", str(large_pages._MAIN), "train", "digits"]])
def test_commands_that_compute_are_told_by_how_they_were_started(started_by):
    assert is_command(["anything", "train", "digits"], started_by)


@pytest.mark.parametrize(
    ("arguments", "started_by"),
    [
        (["__main__.py", "train", "digits"], ["python", "-m", "ipykernel_launcher", "-f", "kernel.json"]),
        (["pytest", "train", "digits"], ["python", "/usr/bin/pytest", "train", "digits"]),
        (["gan-jax"], ["python", "/usr/bin/gan-jax"]),
        (["gan-jax", "configs"], ["python", "/usr/bin/gan-jax", "configs"]),
        (["gan-jax", "train"], ["train"]),
        (["tool/__main__.py", "train", "x"], ["python", "tool/__main__.py", "train", "x"]),
        (["gan_jax", "train", "x"], ["python", "other/gan_jax", "train", "x"]),
    ],
    ids=[
        "in a notebook",
        "in another program",
        "nothing asked",
        "nothing computed",
        "no program named",
        "another package",
        "a file of that name",
    ],
)
def test_other_processes_stay_what_they_are(arguments, started_by):
    assert not is_command(arguments, started_by)


@pytest.mark.parametrize(
    ("kernel", "library", "does"),
    [
        ("always [madvise] never", "glibc 2.35", True),
        ("always [madvise] never", "glibc 3.0", True),
        ("always [madvise] never", "glibc 2.34", False),
        ("always [madvise] never", "", False),
        ("[always] madvise never", "glibc 2.36", False),
        ("", "glibc 2.36", False),
    ],
)
def test_a_system_that_would_not_listen_is_not_asked(kernel, library, does, monkeypatch):
    monkeypatch.setattr(large_pages, "_told_by_kernel", lambda: kernel)
    monkeypatch.setattr(large_pages, "_library", lambda: library)
    assert listens(kernel, library) is does
    assert (with_wish({}) is not None) is does


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(large_pages, "_told_by_kernel", lambda: "always [madvise] never")
    monkeypatch.setattr(large_pages, "_library", lambda: "glibc 2.36")


def test_a_wish_is_added_to_others_and_never_said_twice(heard):
    asked = with_wish({"A": "b"})
    assert asked == {"A": "b", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", large_pages.MARK: "1"}
    assert with_wish({"GLIBC_TUNABLES": "x=1"})["GLIBC_TUNABLES"] == "x=1:glibc.malloc.hugetlb=1"
    assert with_wish({large_pages.MARK: "1"}) is None  # as where the system takes the other away
    assert with_wish({"GLIBC_TUNABLES": "x=1:glibc.malloc.hugetlb=0"}) is None


@pytest.mark.parametrize("cleared", [False, True], ids=["kept", "the wish taken away on the way"])
def test_the_same_command_begins_anew_once_with_the_wish(tmp_path, cleared):
    program = tmp_path / "gan-jax"
    program.write_text(
        "import os, sys\nfrom gan_jax.run import large_pages\n"
        "large_pages._told_by_kernel, large_pages._library = lambda: '[madvise]', lambda: 'glibc 2.36'\n"
        f"if {cleared}: os.environ.pop('GLIBC_TUNABLES', None)\n"
        "print(os.getpid(), flush=True)\nlarge_pages.ask(sys.argv, sys.orig_argv)\n"
        "print(os.environ.get('GLIBC_TUNABLES'), sys.argv[1:], sys.flags.dev_mode, flush=True)\n"
    )
    command = [sys.executable, "-X", "dev", program, "train", "a b", "--x"]
    done = subprocess.run(command, capture_output=True, text=True, env=unasked(), timeout=60)
    first, again, told = done.stdout.splitlines()
    assert first == again
    assert told == f"{None if cleared else 'glibc.malloc.hugetlb=1'} ['train', 'a b', '--x'] True"
    assert not done.stderr


def unasked():
    return {name: value for name, value in os.environ.items() if name not in ("GLIBC_TUNABLES", large_pages.MARK)}


@pytest.fixture
def begun(heard, monkeypatch):
    """What a command has begun anew; in vain."""
    calls = []

    def execve(*told):
        calls.append(told)
        raise FileNotFoundError(told[0])

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(os, "environ", unasked())
    return calls


def test_an_interpreter_that_has_gone_is_no_reason_to_stop(begun):
    large_pages.ask(SCRIPT[1:], SCRIPT)
    ((interpreter, command, environment),) = begun
    assert (interpreter, command) == (sys.executable, [sys.executable, *SCRIPT[1:]])
    assert environment["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=1"


def test_nothing_begins_anew_under_a_debugger_or_without_an_interpreter(begun, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "gettrace", lambda: print)
        large_pages.ask(SCRIPT[1:], SCRIPT)
    monkeypatch.setattr(sys, "executable", None)
    large_pages.ask(SCRIPT[1:], SCRIPT)
    assert begun == []


def test_the_command_line_asks(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(large_pages, "ask", lambda *told: asked.append(told))
    monkeypatch.setattr(sys, "argv", ["gan-jax", "--version"])
    assert main() == 0
    assert asked == [(["gan-jax", "--version"], sys.orig_argv)]
