"""How fast a run is, beside what its devices can do. For people: no row of metrics.jsonl has a clock in it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.layers.convolution import convolution
from gan_jax.memory import in_words

LEAST_SECONDS = 1.0
"""Of training, in which an accident of a moment counts little."""


class Reach(NamedTuple):
    """What the devices of a run are asked to do, and what one of them could."""

    devices: int
    flops: float  # an image, of a step as it is written
    rate: float  # FLOP/s of one device's own matrix product

    def flops_a_device(self, images: float) -> float:
        """FLOP/s of each device, where all of them together take so many images a second."""
        return self.flops * images / self.devices


class Pace(NamedTuple):
    """What was reached since the last look."""

    images: float  # a second, by all devices together
    waiting: float  # share of the time that the loop waited for data

    def scalars(self, reach: Reach, peak: int | None) -> dict[str, float]:
        """For trackers; `peak` is that of a device's memory in bytes, where the device tells it."""
        reached = reach.flops_a_device(self.images)
        told = {
            "speed/images_per_second": self.images,
            "speed/images_per_second_per_device": self.images / reach.devices,
            "speed/seconds_per_1000_images": 1000 / self.images,
            "speed/share_waiting_for_data": self.waiting,
            "speed/gflops_per_second_per_device": reached / 1e9,
            "speed/model_flops_utilisation": reached / reach.rate,
        }
        return told if peak is None else told | {"speed/peak_device_memory_gb": peak / 1e9}

    def __str__(self) -> str:
        waits = f" ({self.waiting:.0%} waiting for data)" if self.waiting >= 0.01 else ""
        return f"{self.images:,.0f} images/s{waits}"


class Speed:
    """Counts images and seconds of training, without what comes between: compilation, grids, scores."""

    def __init__(self, images_per_step: int) -> None:
        self.images_per_step = images_per_step
        self._step: int | None = None
        self._ticked = 0.0
        self.images, self.seconds, self.waited = 0, 0.0, 0.0

    def resume(self, step: int) -> None:
        """Starts the clock anew at a step: what came before was no training. Before the first look it stands."""
        if self._step is not None:
            self._step, self._ticked = step, time.monotonic()

    def look(self, step: int, waiting: float) -> Pace | None:
        """The pace since the last look, with the share of it that was spent waiting; None at the first look."""
        before, then = self._step, self._ticked
        self._step, self._ticked = step, time.monotonic()
        if before is None or step == before:
            return None
        images, seconds = (step - before) * self.images_per_step, max(self._ticked - then, 1e-9)
        self.images, self.seconds, self.waited = (
            self.images + images,
            self.seconds + seconds,
            self.waited + waiting * seconds,
        )
        return Pace(images / seconds, waiting)

    @property
    def tells(self) -> bool:
        """Whether it has been long enough to say how fast a run is."""
        return self.seconds >= LEAST_SECONDS

    def in_all(self, reach: Reach, peak: int | None) -> str:
        """A line that sums up, beside what the devices can do; `peak` as of `Pace.scalars`."""
        each = self.images / self.seconds
        parts = [f"{each:,.0f} images/s"]
        parts += [f"{each / reach.devices:,.0f} a device"] if reach.devices > 1 else []
        parts += [
            f"{1000 / each:.3g} s per 1,000 images",
            f"{self.waited / self.seconds:.0%} of the time waiting for data",
        ]
        reached = reach.flops_a_device(each)
        share = f"{reached / reach.rate:.0%} of what its large matrix products reach"
        parts.append(f"{reached / 1e9:,.0f} GFLOP/s a device, {share}")
        parts += [] if peak is None else [f"{in_words(peak)} of device memory at the peak"]
        return "; ".join(parts)


class PeakMemory:
    """The most that a run has held of a device's memory, without what measuring the device's rate took."""

    def __init__(self, device: jax.Device) -> None:
        self._device = device
        self._before: int | None = None
        self._measured = 0

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Around what does not belong to the run."""
        self._before = self._told()
        yield
        self._measured = self._told() or 0

    def bytes(self) -> int | None:
        """None where the device does not count, as a CPU. What a device says is the peak since the process began."""
        told = self._told()
        return self._before if told is not None and told <= self._measured else told

    def _told(self) -> int | None:
        return (self._device.memory_stats() or {}).get("peak_bytes_in_use")


@cache
def matrix_product_rate(device: jax.Device) -> float:
    """FLOP/s of a product of square float32 matrices on one device, in JAX's precision for these, the best of five.

    Measured once a process.
    """
    side = 1024 if device.platform == "cpu" else 8192
    a = jax.device_put(jnp.ones((side, side)), device)
    return _best_rate(lambda a: a @ a, a, flops=2 * side**3)


def convolution_rate(device: jax.Device) -> float:
    """The same of a convolution of 64 channels with kernels of 3x3, as our networks compute it."""
    images = 16 if device.platform == "cpu" else 1024
    x = jax.device_put(jnp.ones((images, 32, 32, 64)), device)
    return _best_rate(lambda x: convolution(x, jnp.ones((3, 3, 64, 64))), x, flops=2 * images * 32**2 * 9 * 64**2)


def _best_rate(compute: Callable[[Array], Array], given: Array, *, flops: int) -> float:
    """FLOP/s of the fastest of five runs of a program of so many."""
    program = jax.jit(compute)
    program(given).block_until_ready()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        program(given).block_until_ready()
        times.append(time.perf_counter() - begun)
    return flops / min(times)


def time_left(seconds: float, done: int, left: int) -> str:
    """The end of a line of progress, "  0:01:05 left", where so many steps took the seconds; before the first ""."""
    if not done:
        return ""
    minutes, rest = divmod(round(seconds / done * left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"  {hours}:{minutes:02d}:{rest:02d} left"
