"""Milliseconds of a train step on 1, 2, 4 and 8 virtual devices, in one process or two: what the machinery costs.

    python benchmarks/scaling.py

The devices are shares of one CPU, and share one batch, so that the work is the same whatever their number. Ideal is
the time of one device in one process, compiled by the same way; what is above it is the price of dealing out, of
collectives (between processes by gloo, over the loopback address) and of pieces too small for the CPU to be good at.
"mlp" is so small that nearly all is machinery; "r3gan" has penalties, and some work to do. No batch statistics are in
either, so that both ways compute the same. Of "jit" batches are laid over a mesh of all devices, and the compiler
finds the collectives; under "pmap" each device has its own copy of the state and its share of the batch, and the
gradients are averaged over them.

Every case runs in processes of its own; two steps are in flight at most, since virtual devices may wait for each other
for ever when they are handed more. A time is that of ten steps, divided by ten.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import machine
import numpy as np
from needed import require

BATCH, CHUNK, IN_FLIGHT = 64, 10, 2
PIXELS = {"mlp": 8, "r3gan": 16}

Step = Callable[[np.ndarray], Any]
"""Hands a process's share of a batch to its devices; gives the metrics that it will have."""


class Case(NamedTuple):
    """One network, one way to compile its step, and the devices of all processes together."""

    network: str
    way: str
    devices: int
    processes: int


def build(network: str) -> Any:
    """The GAN."""
    import optax

    from gan_jax import GAN, losses, penalties
    from gan_jax.models import mlp, r3gan

    adam = lambda: optax.adam(2e-4, b1=0.5)
    if network == "mlp":
        return GAN(mlp.Generator(8, width=32), mlp.Discriminator(16, dropout=0.0), adam(), adam(), latent_size=16)
    widths = (32, 32, 32)
    pair = r3gan.Generator(16, channels=1, widths=widths), r3gan.Discriminator(widths=widths)
    penalty = penalties.total(penalties.r1(1.0), penalties.r2(1.0))
    return GAN(*pair, adam(), adam(), latent_size=16, loss=losses.relativistic, penalty=penalty)


def by_jit(gan: Any, example: Any) -> Step:
    """One program over a mesh of the devices of all processes."""
    import jax

    from gan_jax import Batch, init, make_step, parallel

    mesh = parallel.make_mesh(jax.devices())
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example), mesh)
    compiled, split = parallel.compile_step(make_step(gan), mesh), parallel.split_batch(mesh)

    def step(images: np.ndarray) -> Any:
        nonlocal state
        state, metrics = compiled(state, Batch(jax.make_array_from_process_local_data(split, images)))
        return metrics

    return step


def by_pmap(gan: Any, example: Any) -> Step:
    """The same program on every device, with a state of its own."""
    import jax

    from gan_jax import Batch, init, parallel, per_device

    mesh = parallel.make_mesh(jax.devices())
    state = per_device.make_state(lambda: init(gan, jax.random.key(0), example), mesh)
    compiled, here = per_device.compile_step(per_device.make_step(gan), mesh), jax.local_device_count()

    def step(images: np.ndarray) -> Any:
        nonlocal state
        state, metrics = compiled(state, Batch(images.reshape(here, -1, *images.shape[1:])))
        return metrics

    return step


WAYS = {"jit": by_jit, "pmap": by_pmap}


def measure(case: Case, index: int, port: int, chunks: int) -> list[float]:
    """Milliseconds of a step, ten at a time, after ten that do not count."""
    import jax

    from gan_jax import Batch

    if case.processes > 1:
        jax.distributed.initialize(f"127.0.0.1:{port}", case.processes, index)
    size = PIXELS[case.network]
    images = np.random.default_rng(index).integers(0, 256, (BATCH // case.processes, size, size, 1), np.uint8)
    step = WAYS[case.way](build(case.network), Batch(images))
    times, flying = [], deque[Any]()
    for _ in range(chunks + 1):
        begun = time.perf_counter()
        for _ in range(CHUNK):
            flying.append(step(images))
            if len(flying) > IN_FLIGHT:
                jax.block_until_ready(flying.popleft())
        while flying:
            jax.block_until_ready(flying.popleft())
        times.append(1e3 * (time.perf_counter() - begun) / CHUNK)
    return times[1:]


def run(case: Case, chunks: int) -> list[float] | None:
    """What the first process of a case found; None if one of them failed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={case.devices // case.processes}"
    # NPROC: virtual devices need a thread each.
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags, "NPROC": "32"}
    command = lambda index: [sys.executable, __file__, "--case", json.dumps([case, index, port, chunks])]
    begin = lambda index: subprocess.Popen(command(index), stdout=subprocess.PIPE, text=True, env=environment)
    started = [begin(index) for index in range(case.processes)]
    try:
        told = [process.communicate(timeout=300)[0] for process in started]
    except subprocess.TimeoutExpired:
        told = []
    for process in started:
        process.kill()
        process.wait()
    return json.loads(told[0].splitlines()[-1]) if told and not any(p.returncode for p in started) else None


def row(case: Case, times: list[float] | None, ideal: float | None) -> str:
    """The table's, in Markdown."""
    title = f"| {case.network}, batch {BATCH} | {case.way} | {case.processes} | {case.devices} "
    if times is None:
        return title + "| failed, see above | | |"
    median = statistics.median(times)
    beside = f"{ideal:.2f} | {median / ideal:.2f}" if ideal else "|"
    return f"{title}| {median:.2f} ({min(times):.2f}-{max(times):.2f}) | {beside} |"


def main() -> None:
    """Runs all cases and prints the table, row by row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PIXELS, help="one network instead of both")
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4, 8], help="in all (default 1 2 4 8)")
    parser.add_argument("--chunks", type=int, default=10, help="how often ten steps are timed (default 10)")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        case, *how = json.loads(options.case)
        print(json.dumps(measure(Case(*case), *how)))
        return
    if options.chunks < 1 or any(count < 1 or BATCH % count for count in options.devices):
        parser.error(f"--chunks is at least 1, and --devices divide {BATCH}")
    require(sys.executable, machine.FRAMEWORKS["gan_jax"])
    load = machine.load()
    how = f"{options.chunks} times {CHUNK} steps"
    print(machine.heading(["virtual devices"], machine.versions("gan_jax"), load, how))
    print("| network | way | processes | devices | ms a step: median (min-max) | ideal | times the ideal |")
    print("|---|---|---|---|---|---|---|")
    for network in [options.only] if options.only else PIXELS:
        for way in WAYS:
            ideal = None
            for processes in (1, 2):
                for devices in sorted(count for count in options.devices if count % processes == 0):
                    case = Case(network, way, devices, processes)
                    times = run(case, options.chunks)
                    ideal = statistics.median(times) if times and devices == processes == 1 else ideal
                    print(row(case, times, ideal), flush=True)


if __name__ == "__main__":
    main()
