"""When a command starts itself anew with large pages, and when it does not."""

import os
import subprocess
import sys

import pytest

from gan_jax.run import large_pages
from gan_jax.run.large_pages import is_command, listens, with_wish

SCRIPT = ["python", "/usr/bin/gan-jax", "train", "digits"]
MODULE = ["python", "-X", "dev", "-m", "gan_jax", "train", "digits"]


@pytest.mark.parametrize("started_by", [SCRIPT, MODULE, ["coverage", "run", "gan_jax/__main__.py", "train", "digits"]])
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
    ],
    ids=["in a notebook", "in another program", "nothing asked", "nothing computed", "a program that says no name"],
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
    assert with_wish({"A": "b"}) == {"A": "b", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    assert with_wish({"GLIBC_TUNABLES": "x=1"}) == {"GLIBC_TUNABLES": "x=1:glibc.malloc.hugetlb=1"}
    assert with_wish({"GLIBC_TUNABLES": "x=1:glibc.malloc.hugetlb=0"}) is None


def test_the_same_command_begins_anew_once_with_the_wish(tmp_path):
    # In place of the kernel's word stands a file that says yes; in place of the command, what it was started with.
    kernel = tmp_path / "enabled"
    kernel.write_text("always [madvise] never")
    program = tmp_path / "gan_jax"
    program.write_text(
        "import os, sys\nfrom pathlib import Path\nfrom gan_jax.run import large_pages\n"
        f"large_pages.OF_KERNEL = Path({str(kernel)!r})\nlarge_pages._library = lambda: 'glibc 2.36'\n"
        "print(os.getpid(), flush=True)\nlarge_pages.ask(sys.argv, sys.orig_argv)\n"
        "print(os.environ['GLIBC_TUNABLES'], sys.argv[1:], sys.flags.dev_mode, flush=True)\n"
    )
    command = [sys.executable, "-X", "dev", program, "train", "a b", "--x"]
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    first, again, told = done.stdout.splitlines()
    assert first == again
    assert told == "glibc.malloc.hugetlb=1 ['train', 'a b', '--x'] True"
    assert not done.stderr


def test_an_interpreter_that_has_gone_is_no_reason_to_stop(heard, monkeypatch, tmp_path):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    large_pages.ask(SCRIPT[1:], SCRIPT)
