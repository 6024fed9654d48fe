"""How fast a run was, said once there is something to say."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from gan_jax import flops, parallel
from gan_jax.config import MLP, Config, DataConfig, PenaltyConfig
from gan_jax.config.build import build_gan, load_data
from gan_jax.run import record, speed
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import WAYS, train
from gan_jax.run.speed import LEAST_SECONDS, Pace, PeakMemory, Reach, Speed
from gan_jax.run.tracking.trackers import Trackers
from gan_jax.run.training import step_flops


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
    assert timed.in_all(Reach(devices=2, flops=1e9 / 8, rate=100e9), peak=3_000_000_000) == (
        "400 images/s; 200 a device; 2.5 s per 1,000 images; 50% of the time waiting for data; "
        "25 GFLOP/s a device, 25% of what its large matrix products reach; 3.0 GB of device memory at the peak"
    )
    alone = timed.in_all(Reach(devices=1, flops=1e9 / 8, rate=100e9), peak=None)
    assert "a device;" not in alone.split("GFLOP")[0]
    assert "memory" not in alone


def test_trackers_are_told_what_the_devices_could_do_and_hold():
    reach = Reach(devices=2, flops=0.5e9, rate=100e9)
    told = Pace(80.0, 0.25).scalars(reach, peak=3_000_000_000)
    assert told == {
        "speed/images_per_second": 80.0,
        "speed/images_per_second_per_device": 40.0,
        "speed/seconds_per_1000_images": 12.5,
        "speed/share_waiting_for_data": 0.25,
        "speed/gflops_per_second_per_device": 20.0,
        "speed/model_flops_utilisation": 0.2,
        "speed/peak_device_memory_gb": 3.0,
    }
    assert Pace(80.0, 0.25).scalars(reach, peak=None).keys() == told.keys() - {"speed/peak_device_memory_gb"}


def test_what_measuring_took_of_a_device_is_not_the_run_s():
    stats = {"peak_bytes_in_use": 100}
    peak = PeakMemory(SimpleNamespace(memory_stats=lambda: stats))
    assert peak.bytes() == 100
    with peak.measuring():
        stats["peak_bytes_in_use"] = 800
    assert peak.bytes() == 100
    stats["peak_bytes_in_use"] = 900
    assert peak.bytes() == 900
    assert PeakMemory(SimpleNamespace(memory_stats=lambda: None)).bytes() is None


@pytest.mark.parametrize("way", ["jit", "pmap"])
def test_a_run_shows_trackers_its_speed_and_keeps_it_out_of_its_rows(tmp_path, monkeypatch, clock, capsys, way):
    config = Config(
        data=DataConfig(name="digits"),
        model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
        penalty=PenaltyConfig(lecam=0.1),  # of a mean over devices
        steps=3,
        parallel=way,
        track="tensorboard",
    )
    shown = Shown()
    monkeypatch.setattr(record, "trackers_of", lambda *_, say, **__: Trackers({"shown": lambda: shown}, say))
    monkeypatch.setattr(record, "matrix_product_rate", lambda device: 1e9)
    data = load_data(config)
    gan = build_gan(config, len(data.classes), WAYS[way].mean())
    work = step_flops(config, build_gan(config, len(data.classes)))
    told = (config, gan, data, None, RunFolder(tmp_path), parallel.make_mesh())
    kept = record.Record(*told, start=0, flops=lambda: work)
    for step in (1, 2):
        kept.row(step, {"d/loss": 1.0, "g/loss": 1.0}, waiting=0.0)
        clock(2)
    kept.speed()
    kept.close()
    first, second = shown.rows
    assert first.keys() == {"d/loss", "g/loss"}  # what came before it was compiled
    assert second["speed/gflops_per_second_per_device"] == pytest.approx(work / 2 / 2 / 1e9)
    assert second["speed/model_flops_utilisation"] == pytest.approx(work / 2 / 2 / 1e9)
    assert "speed" not in RunFolder(tmp_path).metrics.read_text()
    assert "of what its large matrix products reach" in capsys.readouterr().out


@pytest.mark.parametrize(("way", "per_call"), [("jit", 1), ("jit", 2), ("pmap", 1)])
def test_a_run_counts_the_work_of_a_step_on_all_its_devices(tmp_path, monkeypatch, way, per_call):
    config = Config(
        data=DataConfig(name="digits"),
        model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
        steps=4,
        batch_size=8,
        parallel=way,
        steps_per_call=per_call,
    )
    asked = []
    monkeypatch.setattr(record.Record, "speed", lambda self: asked.append(self._flops()))
    train(config, tmp_path / "run")
    one_by_one = dataclasses.replace(config, parallel="jit", steps_per_call=1)
    assert asked == [step_flops(one_by_one, build_gan(one_by_one, 10)) / 8]


class Shown:
    """Keeps the rows that it is shown."""

    def __init__(self):
        self.rows = []

    def row(self, step, values):
        self.rows.append(values)

    def picture(self, step, name, pixels):
        pass

    flush = close = lambda self: None


def test_what_has_been_compiled_is_counted_without_being_traced_again():
    traced = []

    def program(a, b):
        traced.append(1)
        return jnp.sin(a @ b)

    a, b = jnp.ones((2, 3)), jnp.ones((3, 5))
    compiled = jax.jit(program)
    compiled(a, b)
    assert flops.count(compiled, a, b) == 2 * 2 * 3 * 5
    assert len(traced) == 1
    assert flops.count(program, a, b) == 2 * 2 * 3 * 5
