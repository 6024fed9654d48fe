"""Buckets that take their time to answer."""

import re
import time

import pytest
from google_storage import Object, in_place_of_googles

from gan_jax import storage

pytest.importorskip("gcsfs")


@pytest.fixture
def store():
    with in_place_of_googles() as store:
        store.buckets["slow"] = {"file": Object(b"content", 1)}
        yield store


def read(name):
    path = storage.place(f"gs://slow/{name}")
    with storage.reached(path):
        return path.read_bytes()


def test_who_waits_long_is_told_once_what_for(store, monkeypatch, capsys):
    monkeypatch.setattr(storage, "PATIENCE", 0.1)
    monkeypatch.setattr(storage, "_waits", storage._Waits())
    assert read("file") == b"content"
    assert capsys.readouterr().err == ""
    store.refuses = lambda *_: time.sleep(0.4)
    assert read("file") == b"content"
    assert capsys.readouterr().err == "still waiting for gs://slow\n"


def test_a_bucket_that_answers_nothing_is_told_before_it_is_given_up(store, monkeypatch, capsys):
    monkeypatch.setattr(storage, "PATIENCE", 0.1)
    monkeypatch.setattr(storage, "_waits", storage._Waits())
    monkeypatch.setattr("gcsfs.retry.asyncio.sleep", short := Short())
    store.refuses = lambda *_: time.sleep(0.1) or 503
    with pytest.raises(OSError, match="try later"):
        read("file")
    assert short.asked > 1
    assert re.fullmatch(r"still waiting for gs://slow\n", capsys.readouterr().err)


class Short:
    """Sleeps a hundredth, and counts."""

    def __init__(self):
        self.asked = 0

    async def __call__(self, seconds):
        self.asked += 1
