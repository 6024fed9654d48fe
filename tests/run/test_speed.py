"""How fast a run was, said once there is something to say."""

from types import SimpleNamespace

import pytest

from gan_jax.run import speed
from gan_jax.run.speed import LEAST_SECONDS, Speed


@pytest.fixture
def clock(monkeypatch):
    """`clock(seconds)`: time goes by."""
    now = [100.0]
    monkeypatch.setattr(speed, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_what_comes_between_is_no_training_and_a_moment_says_nothing(clock):
    timed = Speed(images_per_step=8)
    assert timed.look(1, 0.0) is None  # before, all was compiled
    clock(LEAST_SECONDS / 2)
    pace = timed.look(11, 0.25)
    assert (pace.images, str(pace)) == (160.0, "160 images/s (25% waiting for data)")
    assert not timed.tells
    clock(1000)  # scores
    timed.resume(11)
    clock(LEAST_SECONDS / 2)
    assert str(timed.look(31, 0.0)) == "320 images/s"
    assert timed.tells


def test_all_of_it_beside_what_a_device_can_do(clock):
    timed = Speed(images_per_step=8)
    timed.look(0, 0.0)
    clock(2)
    timed.look(100, 0.5)
    assert timed.in_all(devices=2, flops=1e9, rate=100e9).startswith(
        "400 images/s; 200 a device; 2.5 s per 1,000; 50% of the time waiting for data; "
        "25 GFLOP/s a device, 25% of its matrix products"
    )
    assert "a device;" not in timed.in_all(devices=1, flops=1e9, rate=100e9).split("GFLOP")[0]
