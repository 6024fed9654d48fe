"""Processes that were started by hand: all come together, or all are told at once what is wrong."""

import socket
import threading
import time

import pytest

from gan_jax.config.hosts import HostsConfig
from gan_jax.errors import ConfigError
from gan_jax.run import meeting


@pytest.fixture
def address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def met(*groups):
    """What each process learns: None, or a line."""
    told = {}

    def come(number, group):
        try:
            told[number] = meeting.meet(group)
        except ConfigError as error:
            told[number] = str(error)

    threads = [threading.Thread(target=come, args=numbered) for numbered in enumerate(groups)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return [told[number] for number in range(len(groups))]


def at(address, index, count=2, patience=10):
    return HostsConfig(coordinator=address, count=count, index=index, patience=patience)


def test_all_come_together_in_any_order_and_may_again(address):
    for order in ([0, 1, 2], [2, 1, 0]):
        assert met(*(at(address, index, count=3) for index in order)) == [None] * 3


@pytest.mark.parametrize("indices", [[0, 0], [0, 1, 1], [1, 0, 0]])
def test_two_of_one_index_are_told_on_all(address, indices, monkeypatch):
    monkeypatch.setattr(meeting, "LINGER", 0.5)
    told = met(*(at(address, index, count=3) for index in indices))
    twice = max(indices, key=indices.count)
    assert set(told) == {f"hosts.index: two processes have {twice}; give each its own, from 0 to 2"}


def test_another_count_is_told_on_all(address, monkeypatch):
    monkeypatch.setattr(meeting, "LINGER", 0.5)
    told = met(at(address, 0, count=3), at(address, 1, count=4))
    assert set(told) == {"hosts.count: host 0 has 3, host 1 has 4; start all with the same --hosts.count"}


def test_who_has_not_come_is_told_on_all(address):
    told = met(at(address, 0, count=4, patience=1), at(address, 2, count=4, patience=1))
    (line,) = set(told)
    assert line.startswith(f"hosts: not all processes came to {address} within 1 s: no --hosts.index 1, 3; start each")


def test_what_is_wrong_is_told_to_one_that_comes_later_too(address):
    late = threading.Timer(0.5, lambda: told.append(met(at(address, 2, count=3))[0]))
    told = []
    late.start()
    first = met(at(address, 0, count=3), at(address, 1, count=2))
    late.join()
    assert told == [first[0]] == [first[1]]
    assert told[0].startswith("hosts.count: host 0 has 3, host 1 has 2")


def test_one_that_was_started_again_meanwhile_is_no_second_one(address):
    first = threading.Thread(target=meeting.meet, args=(at(address, 0, count=3),))
    first.start()
    killed = join(address)
    killed.sendall(b'{"gan_jax": "here", "index": 1, "count": 3, "name": "killed"}')
    time.sleep(0.1)
    killed.close()
    assert met(at(address, 1, count=3), at(address, 2, count=3)) == [None, None]
    first.join(timeout=20)
    assert not first.is_alive()


def join(address):
    host, _, port = address.rpartition(":")
    for _ in range(100):
        try:
            return socket.create_connection((host, int(port)))
        except OSError:
            time.sleep(0.02)
    raise AssertionError("nobody listens")


def test_strangers_are_no_processes_of_the_run(address):
    first = threading.Thread(target=meeting.meet, args=(at(address, 0),))
    first.start()
    said = [b"GET / HTTP/1.1\r\n\r\n", b"[]", 4000 * b"[", b'{"gan_jax": "here", "index": [1], "count": 2}', b""]
    strangers = [join(address) for _ in said]
    for stranger, words in zip(strangers, said, strict=True):
        stranger.sendall(words)
    assert met(at(address, 1)) == [None]
    first.join(timeout=20)
    for stranger in strangers:
        stranger.close()


@pytest.mark.parametrize("index", [0, 1])
def test_a_run_that_has_begun_there_is_left_alone(address, index, monkeypatch):
    """What answers is none that waits: JAX's service, or another program."""
    monkeypatch.setattr(meeting, "LINGER", 0.3)
    port = int(address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.sendall(b"\0\0\6\4\0\0\0\0\0")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        (line,) = met(at(address, index))
        assert f"what answers at {address} waits for no others: a run that has begun or another program" in line
        server.shutdown(socket.SHUT_RDWR)


def test_a_name_that_nobody_knows_is_told_where_the_first_should_listen(address, monkeypatch):
    monkeypatch.setattr(meeting, "NAMING", 0.3)
    port = address.rpartition(":")[2]
    resolve = socket.getaddrinfo

    def unknown(host, *more, **named):
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    (line,) = met(at(f"nowhere.invalid:{port}", 0))
    assert line == (
        "hosts.coordinator: nobody knows nowhere.invalid here (Name or service not known); the process of "
        "--hosts.index 0 has to be found there: name its machine as all of them know it"
    )


def test_an_address_of_another_machine_is_told_where_the_first_should_listen(address, monkeypatch):
    monkeypatch.setattr(meeting, "LINGER", 0.3)
    port = address.rpartition(":")[2]

    def refused(*_, **__):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)
    (line,) = met(at(f"192.0.2.1:{port}", 0))
    assert line.startswith(f"hosts.coordinator: the process of --hosts.index 0 listens at port {port} here and is not")


def test_a_coordinator_that_never_comes_is_told_the_others(address):
    (line,) = met(at(address, 1, patience=1))
    assert line.startswith(f"hosts.coordinator: nobody answers at {address} within 1 s (Connection refused); is the")
