"""Large pages for the temporaries of a step: on Linux a command asks the C library for them, before Python starts."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

TUNABLE = "glibc.malloc.hugetlb"
"""Of $GLIBC_TUNABLES; 1 has memory that is asked for told to the kernel as such that may be large pages."""
OF_KERNEL = Path("/sys/kernel/mm/transparent_hugepage/enabled")
COMMANDS = ("train", "evaluate", "project")
"""Those that compute for long."""
MARK = "GAN_JAX_BEGAN_ANEW"
"""Told to the command that begins anew: some systems take $GLIBC_TUNABLES away, and it would begin for ever."""


def ask(arguments: list[str], started_by: list[str]) -> None:
    """Has this process become the same command anew, with large pages, where the kernel gives them to who asks.

    arguments: sys.argv; started_by: sys.orig_argv. XLA's CPU backend maps a step's temporaries anew in each step, and
    their first touch costs a fault for each page of 4 kB: StyleGAN2's step at an eighth of its width has 144,000 of
    them, and takes 1.20 s in place of 1.35 with pages of 2 MB (docs/speed.md). The C library reads what it is told
    before it allocates anything, so that a process that runs already cannot tell it.

    Does nothing where $GLIBC_TUNABLES says anything of it, `glibc.malloc.hugetlb=0` among them, nor under a debugger.
    """
    traced = sys.gettrace() is not None
    if not traced and sys.executable and is_command(arguments, started_by) and (wished := with_wish(os.environ)):
        with suppress(OSError):  # as of an interpreter that has gone meanwhile
            os.execve(sys.executable, [sys.executable, *started_by[1:]], wished)


def is_command(arguments: list[str], started_by: list[str]) -> bool:
    """Whether the process is one of COMMANDS and no more: a notebook that runs one must not become it."""
    given = arguments[1:]
    if not given or given[0] not in COMMANDS or started_by[-len(given) :] != given:
        return False
    *_, before, program = ["", "", *started_by[: -len(given)]]
    module = before == "-m" and program == "gan_jax"
    return module or Path(program).name == "gan-jax" or Path(program).resolve() == _MAIN


_MAIN = Path(__file__).resolve().parents[1] / "__main__.py"


def listens(kernel: str, library: str) -> bool:
    """Whether the kernel (text of OF_KERNEL) gives them to who asks, and the C library ("glibc 2.36") may ask."""
    name, _, version = library.partition(" ")
    return "[madvise]" in kernel and name == "glibc" and [int(part) for part in version.split(".")[:2]] >= [2, 35]


def with_wish(environment: Mapping[str, str]) -> dict[str, str] | None:
    """The environment with the wish added; None where something is said of it already, or nobody would listen."""
    said = environment.get("GLIBC_TUNABLES", "")
    if TUNABLE in said or MARK in environment or not listens(_told_by_kernel(), _library()):
        return None
    return {**environment, MARK: "1", "GLIBC_TUNABLES": f"{said}:{TUNABLE}=1" if said else f"{TUNABLE}=1"}


def _told_by_kernel() -> str:
    try:
        return OF_KERNEL.read_text()
    except OSError:  # no Linux, or one without them
        return ""


def _library() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):  # another C library
        return ""
