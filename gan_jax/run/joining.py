"""How processes become one run, and how whatever ends one of them ends all, each with a line that says why.

JAX's coordination service ends a process by an abort, from a thread of its own, when another has died. Here a line and
an exit code are put before it; and a host that leaves by an error says so to the others, who may be waiting for it in a
computation of all devices, for ever.
"""

import ctypes
import os
import platform
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import jax

from gan_jax import __version__, screen
from gan_jax.config.hosts import HostsConfig
from gan_jax.errors import ConfigError, GanJaxError, RunError, Stopped
from gan_jax.run import hosts
from gan_jax.run.environment import PACKAGES
from gan_jax.run.meeting import meet


@contextmanager
def joined(group: HostsConfig) -> Iterator[None]:
    """Joins the other processes of a run, if there are any; whatever ends one of them meanwhile ends all.

    Raises ConfigError if they do not come together. An error in here leaves the process at once, with its exit code:
    Python's own way out would wait for the others.
    """
    if not _join(group):
        yield
        return
    _last_words.be(_LOST, RunError.exit_code)
    over = threading.Event()
    threading.Thread(target=_listen, args=(over, group.silence), daemon=True).start()
    try:
        packages = {name: version(name) for name in PACKAGES} | {"gan-jax": __version__}
        packages |= {"python": platform.python_version(), "pillow": version("pillow")}  # which read the data
        same = {"hosts.count": str(group.count)} | packages
        hosts.must_agree(same, mend="start the same versions with the same --hosts.count on all")
        yield
        hosts.by_first(lambda: None)  # the first has pictures to finish, and leaving is waited for with less patience
    except Stopped:  # on all after the same step
        over.set()
        jax.distributed.shutdown()
        raise
    except GanJaxError as error:
        _leave(str(error), error.exit_code)
    except BaseException as error:
        first_line = [*str(error).splitlines(), type(error).__name__][0]
        if isinstance(error, Exception) and (any(word in str(error) for word in _OF_OTHERS) or _others_are_silent()):
            time.sleep(3 * _BEAT)  # for a host that can still say why it ended, which `_listen` then tells
            _leave(f"{_LOST} ({first_line[:160]})", RunError.exit_code)
        traceback.print_exc()
        _leave(f"{type(error).__name__}: {first_line}", 130 if isinstance(error, KeyboardInterrupt) else 1)
    else:
        over.set()
        jax.distributed.shutdown()


_OF_OTHERS = ("Gloo", "NCCL", "coordination", "UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED")
"""What is in most errors that other hosts are the cause of."""

_LOST = (
    "another process of the run has died, or lost touch with this one; started again on all, the same command goes on "
    "from the last checkpoint"
)


def _join(group: HostsConfig) -> bool:
    """Whether there are others, with whom this process is one from now on."""
    by_hand = group.coordinator is not None and group.count != 1
    if not by_hand and (group.count == 1 or not _many(os.environ)):
        return False
    where = f"at {group.coordinator}" if by_hand else "as their surroundings say"
    _last_words.be(
        f"hosts: not all processes came together {where} within {group.patience} s; start each with the same "
        "--hosts.count, and an --hosts.index that no other has",
        ConfigError.exit_code,
    )
    jax.config.update("jax_enable_preemption_service", False)  # signals are ours, and reach all hosts
    screen.tell(f"waiting for the other processes {where}, {group.patience} s at most", sys.stderr)
    if by_hand:
        meet(group)
        if group.index:
            _await_coordinator(group)
    try:
        jax.distributed.initialize(
            group.coordinator if by_hand else None,
            group.count if by_hand else None,
            group.index if by_hand else None,
            cluster_detection_method="deactivate" if by_hand else None,
            initialization_timeout=group.patience,
            heartbeat_timeout_seconds=group.silence,
        )
    except Exception as error:  # of every kind, by what JAX finds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        mend = "; is its port in use?" if "RPC server" in reason else "; or say --hosts.count 1"
        raise ConfigError(f"hosts: processes cannot meet {where}: {reason}{mend}") from None
    if not hosts.several():  # a TPU that has one host only
        _last_words.forget()
        jax.distributed.shutdown()
    return hosts.several()


def _many(environment: Mapping[str, str]) -> bool:
    """Whether the surroundings say that this may be one process of several; which one, JAX finds out from them."""
    several = lambda name: int(environment.get(name) or 1) > 1
    if "SLURM_STEP_NODELIST" in environment or "OMPI_COMM_WORLD_SIZE" in environment:
        return several("SLURM_NTASKS") or several("OMPI_COMM_WORLD_SIZE")
    indexed_job = "KUBERNETES_SERVICE_HOST" in environment and "JOB_COMPLETION_INDEX" in environment
    on_tpu = find_spec("libtpu") is not None and any(map(Path.exists, map(Path, ("/dev/accel0", "/dev/vfio/0"))))
    return indexed_job or on_tpu


def _await_coordinator(group: HostsConfig) -> None:
    """Raises ConfigError if nobody answers there: JAX itself would only abort."""
    address, _, port = (group.coordinator or "").rpartition(":")
    until = time.monotonic() + group.patience
    while True:
        try:
            socket.create_connection((address.strip("[]"), int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > until:
                raise ConfigError(
                    f"hosts.coordinator: nobody answers at {group.coordinator} within {group.patience} s "
                    f"({error.strerror or error}); is the process of --hosts.index 0 running, and reachable there?"
                ) from None
        time.sleep(0.5)


def _leave(line: str, code: int) -> None:
    """Says why on this host and to all others, and ends the process."""
    _last_words.be(line, code, last=True)
    with suppress(Exception):  # the first host, who keeps what is said, may have gone
        hosts.tell(f"ended/{jax.process_index()}", f"{code} {line}")
        until = time.monotonic() + 5 * _BEAT
        while hosts.is_first() and len(hosts.told("ended/")) < jax.process_count() and time.monotonic() < until:
            time.sleep(_BEAT / 4)  # with it all others end in the middle of what they do
    _last_words.speak()


_BEAT = 1.0
"""Seconds between two signs of life, and between two looks at whether another host has ended."""


def _listen(over: threading.Event, silence: float) -> None:
    """Gives signs of life, and ends this process when another has ended, or gives none.

    The run may wait for the other in a computation of all devices, for ever.
    """
    known: dict[str, tuple[str, float]] = {}  # the last sign of each, and when it came
    try:
        while not over.wait(_BEAT):
            hosts.tell(f"beat/{jax.process_index()}", str(time.time_ns()), again=True)
            for index, said in hosts.told("ended/").items():
                code, line = said.split(" ", 1)
                if int(index) != jax.process_index() and not _last_words.last:
                    _leave(f"host {index} ended the run: {line}", int(code))
            for index, sign in hosts.told("beat/").items() if hosts.is_first() else ():
                if index not in known or known[index][0] != sign:
                    known[index] = (sign, time.monotonic())
                elif time.monotonic() - known[index][1] > silence and not _last_words.last:
                    _leave(f"host {index} gave no sign of life for {silence} s. {_LOST}", RunError.exit_code)
    except Exception:  # the first host has gone
        if not over.is_set() and not _last_words.last:
            _last_words.speak()


def _others_are_silent() -> bool:
    """Whether a host gives no signs of life any more: then what failed here may have failed for that."""
    try:
        before = hosts.told("beat/")
        time.sleep(3 * _BEAT)
        after = hosts.told("beat/")
    except Exception:  # the first host has gone
        return True
    own = str(jax.process_index())
    return any(after.get(index) == sign for index, sign in before.items() if index != own)


class _LastWords:
    """What is said, once, as the process ends by whatever thread, and the exit code."""

    def __init__(self) -> None:
        self.text, self.code, self.last = "", 1, False
        self._lock = threading.Lock()
        # Called by abort() in a thread that is none of Python's: the signal module would have it wait for the main one.
        self._hook = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: self.speak())

    def be(self, text: str, code: int, *, last: bool = False) -> None:
        """Sets them, and sees that an abort says them; what is the last is not changed."""
        if not self.last:
            self.text, self.code, self.last = text, code, last
        ctypes.CDLL(None).signal(signal.SIGABRT, self._hook)

    def forget(self) -> None:
        """Leaves aborts as they were."""
        signal.signal(signal.SIGABRT, signal.SIG_DFL)

    def speak(self) -> None:
        """Does not return."""
        self._lock.acquire()  # for good: who comes second waits for the end
        with suppress(Exception):
            sys.stdout.flush()
        screen.tell(f"gan-jax: {self.text}", sys.stderr)
        os._exit(self.code)


_last_words = _LastWords()
