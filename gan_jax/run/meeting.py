"""How processes that were started by hand find each other, before JAX makes them one.

Each says at the coordinator's address which of them it is, and learns there whether all have come. JAX's own service
takes a second process of one index for the first one, started again, and ends the others for it; of two that are the
first on one machine each waits for the others alone; and who has not come is not said.
"""

import errno
import json
import selectors
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from gan_jax.config.hosts import HostsConfig
from gan_jax.errors import ConfigError

LINGER = 10.0
"""Seconds in which a run that has just ended may still answer at the address."""

NAMING = 60.0
"""Seconds in which the name of a machine that was started just now may be unknown on that machine itself."""

_MOST_BYTES = 4096


def meet(group: HostsConfig) -> None:
    """Returns once all processes of a run have said who they are; on all, or raises ConfigError on all."""
    name = uuid.uuid4().hex
    me = {"gan_jax": "here", "index": group.index, "count": group.count, "name": name}
    until = time.monotonic() + group.patience
    patience = min(LINGER, group.patience)
    listening: threading.Thread | None = None
    strange_since: float | None = None
    begun = time.monotonic()
    while True:
        if group.index == 0 and listening is None and (listener := _listener(group)):
            listening = threading.Thread(target=_call, args=(listener, group, name, until), daemon=True)
            listening.start()
        try:
            answer = _ask(group, me, until)
        except OSError as error:
            answer, strange_since = {}, None
            lags = NAMING if isinstance(error, socket.gaierror) else LINGER
            if time.monotonic() > (until if group.index else begun + min(lags, group.patience)):
                raise ConfigError(_out_of_reach(group, error)) from None
        except ValueError:
            answer, strange_since = {}, strange_since or time.monotonic()
            if time.monotonic() > strange_since + patience:
                raise ConfigError(
                    f"hosts.coordinator: what answers at {group.coordinator} waits for no others: a run that has begun "
                    "or another program; end it, or take another port on all"
                ) from None
        if "wrong" in answer:
            break
        time.sleep(0.2)
    if listening:
        listening.join(timeout=LINGER)  # the others are told, too
    if answer["wrong"]:
        raise ConfigError(answer["wrong"])


def _address(group: HostsConfig) -> tuple[str, int]:
    host, _, port = (group.coordinator or "").rpartition(":")
    return host.strip("[]"), int(port)


def _listener(group: HostsConfig) -> socket.socket | None:
    """Listens at the coordinator's port for all who come; None where another process does already."""
    port = _address(group)[1]
    for family in (socket.AF_INET6, socket.AF_INET) if socket.has_dualstack_ipv6() else (socket.AF_INET,):
        try:
            return socket.create_server(("", port), family=family, dualstack_ipv6=family == socket.AF_INET6)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            if family == socket.AF_INET:
                raise ConfigError(f"hosts.coordinator: cannot listen at port {port}: {error.strerror}") from None
    return None


def _ask(group: HostsConfig, me: dict[str, Any], until: float) -> dict[str, Any]:
    """What is answered to who says `me`. Raises OSError if nobody does, ValueError if it is no process of ours."""
    with socket.create_connection(_address(group), timeout=5) as connection:
        connection.sendall(json.dumps(me).encode())
        # The first process is the one that says who has not come; its patience may have begun later.
        connection.settimeout(max(until + LINGER - time.monotonic(), 1.0))
        heard = connection.recv(_MOST_BYTES)
    if not heard:
        raise ConnectionResetError(errno.ECONNRESET, "it has gone")
    return _ours(heard)


def _ours(heard: bytes) -> dict[str, Any]:
    try:
        found = json.loads(heard)
    except RecursionError:
        found = None
    kinds = {"gan_jax": str, "index": int, "count": int | None, "name": str, "wrong": str | None}
    if not isinstance(found, dict) or "gan_jax" not in found or not found.keys() <= kinds.keys():
        raise ValueError("another program's")
    if any(not isinstance(value, kinds[key]) for key, value in found.items()):
        raise ValueError("another program's")
    return found


def _out_of_reach(group: HostsConfig, error: OSError) -> str:
    why, (host, port) = error.strerror or error, _address(group)
    if group.index:
        return (
            f"hosts.coordinator: nobody answers at {group.coordinator} within {group.patience} s ({why}); is the "
            "process of --hosts.index 0 running, and reachable there?"
        )
    if isinstance(error, socket.gaierror):
        return (
            f"hosts.coordinator: nobody knows {host} here ({why}); the process of --hosts.index 0 has to be found "
            "there: name its machine as all of them know it"
        )
    return (
        f"hosts.coordinator: the process of --hosts.index 0 listens at port {port} here and is not reached at "
        f"{host} ({why}); name an address of this machine"
    )


def _call(listener: socket.socket, group: HostsConfig, own: str, until: float) -> None:
    """Hears all who come, this process among them, and answers all at once: they are complete, or what is wrong."""
    here: dict[socket.socket, dict[str, Any]] = {}
    wrong_since: float | None = None
    with selectors.DefaultSelector() as ready, ExitStack() as open_ones:
        ready.register(open_ones.enter_context(listener), selectors.EVENT_READ)
        while True:
            for key, _ in ready.select(timeout=0.2):
                if key.fileobj is listener:
                    with suppress(OSError):  # who has gone again
                        connection = open_ones.enter_context(listener.accept()[0])
                        ready.register(connection, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    try:
                        here[key.fileobj] = _ours(key.fileobj.recv(_MOST_BYTES))
                    except (OSError, ValueError):  # gone, as by a kill, or another program's
                        here.pop(key.fileobj, None)
                        ready.unregister(key.fileobj)
                        key.fileobj.close()
            answer, now = _answer(list(here.values()), group, late=time.monotonic() > until), time.monotonic()
            wrong_since = (wrong_since or now) if answer and answer["wrong"] else None
            all_here = {one.get("index") for one in here.values()} >= set(range(group.count or 1))
            # What is wrong is told to those, too, who are a little later: nobody will listen then.
            waits = wrong_since is not None and not all_here and now < min(until, wrong_since + LINGER)
            if answer and not waits and own in {one.get("name") for one in here.values()}:
                break
        # This process comes last: once it is answered it may end.
        for connection in sorted(here, key=lambda one: here[one].get("name") == own):
            with suppress(OSError):
                connection.sendall(json.dumps({"gan_jax": "heard"} | answer).encode())


def _answer(here: Sequence[dict[str, Any]], group: HostsConfig, *, late: bool) -> dict[str, Any] | None:
    """What all are told; None as long as others may come."""
    count = group.count or 1
    for one in here:
        if one.get("count") != count:
            return {
                "wrong": f"hosts.count: host 0 has {count}, host {one.get('index')} has {one.get('count')}; start all "
                "with the same --hosts.count"
            }
    indices = [one.get("index") for one in here]
    if twice := sorted({str(index) for index in indices if indices.count(index) > 1}):
        return {"wrong": f"hosts.index: two processes have {twice[0]}; give each its own, from 0 to {count - 1}"}
    if len(here) == count:
        return {"wrong": None}
    if not late:
        return None
    missing = ", ".join(str(index) for index in range(count) if index not in indices)
    return {
        "wrong": f"hosts: not all processes came to {group.coordinator} within {group.patience} s: no --hosts.index "
        f"{missing}; start each of the {count}, with the same --hosts.count"
    }
