"""Milliseconds of every convolution of the recipes and of both its gradients, gan_jax beside PyTorch eager in one run.

    python benchmarks/layers.py                         # needs pip install -e '.[benchmark]'
    python benchmarks/layers.py --formulations --only StyleGAN2

"down" is the convolution, "up" its adjoint in the image, "taps" that in the kernel: for a layer that shrinks images the
result, the image's gradient and the kernel's; for one that enlarges them the first two change places. Each is compiled
alone, so that nothing is shared with its neighbours, as it may be in a step. gan_jax's own time is that of the
formulation which its layers choose here; with `--formulations` a column names the others' times.

Each side runs in a process of its own, in turn (A B A B ...), so that the machine's moods meet both; within a process
the formulations of an operator take turns, too. Run it on an idle machine, as `train_step.py` says.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from needed import require
from peers.shapes import SHAPES, Shape

SIDES = {"gan_jax": {"gan_jax": "gan-jax", "jax": "jax"}, "PyTorch": {"torch": "torch"}}
"""What each side imports, and the distribution that it comes in."""

CHOSEN = "chosen"
Operators = dict[str, dict[str, Callable[[], Any]]]
"""For "down", "up" and "taps": each formulation's name, and what runs it to its end."""


def with_gan_jax(shape: Shape, batch: int, formulations: bool) -> Operators:
    """The layers' own choice, and every other formulation that fits, compiled."""
    import jax

    from gan_jax.layers import convolution, grouped
    from gan_jax.layers import formulations as dense

    small = -(-shape.size // shape.stride)
    shapes = {
        "large": (batch, shape.size, shape.size, shape.large),
        "small": (batch, small, small, shape.small),
        "kernel": (shape.kernel, shape.kernel, shape.large // shape.groups, shape.small),
    }
    keys = jax.random.split(jax.random.key(0), 3)
    arrays = {name: jax.random.normal(key, s) for key, (name, s) in zip(keys, shapes.items(), strict=True)}
    if shape.groups > 1:
        settings: tuple[Any, ...] = (shape.groups, shape.kernel)
        down, up, taps = grouped._filter, grouped._adjoint, grouped._taps
        others: dict[str, list[Any]] = {
            "down": [partial(f, groups=shape.groups) for f in (grouped.by_xla, grouped.by_blocks, grouped.by_products)],
            "up": [],
            "taps": [partial(grouped.taps_by_xla, groups=shape.groups, k=shape.kernel)],
        }
    else:
        geometry = dense.Geometry.same((shape.size,) * 2, (small,) * 2, shape.kernel, shape.stride)
        settings = (geometry,)
        down, up, taps = convolution._down, convolution._up, convolution._taps
        fitting = {
            "down": [dense.down_by_xla],
            "up": [dense.up_by_dilation, dense.up_by_product, dense.up_by_phases],
            "taps": [dense.taps_by_xla, dense.taps_in_slices],
        }
        if geometry.tiles in (2, 3):
            fitting["down"].append(dense.down_by_winograd)
            fitting["up"].append(dense.up_by_winograd)
            fitting["taps"].append(dense.taps_by_winograd)
        if (shape.kernel, shape.stride) == (1, 1):
            fitting["down"].append(dense.down_by_product)
            fitting["taps"].append(dense.taps_by_product)
        others = {name: [partial(f, geometry=geometry) for f in found] for name, found in fitting.items()}
    order = {"down": ("large", "kernel"), "up": ("small", "kernel"), "taps": ("large", "small")}

    def runs(operator: Any, names: tuple[str, str]) -> Callable[[], Any]:
        compiled = jax.jit(operator)
        return lambda: compiled(*(arrays[name] for name in names)).block_until_ready()

    chosen = {"down": down, "up": up, "taps": taps}
    return {
        name: {CHOSEN: runs(lambda a, b, own=chosen[name]: own(a, b, *settings), names)}
        | {f.func.__name__: runs(f, names) for f in others[name] if formulations}
        for name, names in order.items()
    }


def with_torch(shape: Shape, batch: int, formulations: bool) -> Operators:
    """PyTorch's only one."""
    from peers.operators import operators

    del formulations
    return {name: {CHOSEN: run} for name, run in operators(shape, batch).items()}


def measure(side: str, shapes: list[Shape], batch: int, repeats: int, formulations: bool) -> dict[str, Any]:
    """Of every shape and operator, the median milliseconds of each formulation."""
    begin = with_gan_jax if side == "gan_jax" else with_torch
    times = [
        {operator: _take_turns(runs, repeats) for operator, runs in begin(shape, batch, formulations).items()}
        for shape in shapes
    ]
    return {"times": times, "versions": {name: version(package) for name, package in SIDES[side].items()}}


def _take_turns(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 2):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            if turn > 1:
                times[name].append(time.perf_counter() - begun)
    return {name: 1e3 * statistics.median(found) for name, found in times.items()}


def compare(options: argparse.Namespace, shapes: list[Shape]) -> dict[str, list[dict[str, Any]]]:
    """What `measure` found, in each round of each side. Raises SystemExit if a side fails."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side, found in results.items():
            python = sys.executable if side == "gan_jax" else options.peer_python
            asked = [side, shapes, options.batch, options.repeats, options.formulations]
            done = subprocess.run([python, __file__, "--side", json.dumps(asked)], stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"the side {side} failed")
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return results


def report(shapes: list[Shape], results: dict[str, list[dict[str, Any]]]) -> str:
    """The table, in Markdown."""
    rows = [
        "| layer | operator | gan_jax, ms | PyTorch, ms | PyTorch / gan_jax | others, ms |",
        "|---|---|---|---|---|---|",
    ]
    for i, shape in enumerate(shapes):
        for operator in ("down", "up", "taps"):
            rounds = {side: [one["times"][i][operator] for one in found] for side, found in results.items()}
            median = lambda side, name, rounds=rounds: statistics.median(one[name] for one in rounds[side])
            ours, theirs = median("gan_jax", CHOSEN), median("PyTorch", CHOSEN)
            names = [name for name in rounds["gan_jax"][0] if name != CHOSEN]
            others = ", ".join(f"{name} {median('gan_jax', name):.1f}" for name in names)
            rows.append(f"| {shape} | {operator} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.2f} | {others} |")
    return "\n".join(rows)


def main() -> None:
    """Runs all rounds and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="processes for each side (default 3)")
    parser.add_argument("--repeats", type=int, default=15, help="timed calls of each operator in each (default 15)")
    parser.add_argument("--batch", type=int, default=32, help="images (default 32)")
    parser.add_argument("--only", choices=sorted({shape.network for shape in SHAPES}), help="one network's layers")
    parser.add_argument("--formulations", action="store_true", help="measure those that the layers do not choose, too")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for PyTorch")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side, asked, *how = json.loads(options.side)
        print(json.dumps(measure(side, [Shape(*shape) for shape in asked], *how)))
        return
    if min(options.rounds, options.repeats, options.batch) < 1:
        parser.error("--rounds, --repeats and --batch are at least 1")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    require(sys.executable, SIDES["gan_jax"])
    require(options.peer_python, SIDES["PyTorch"])
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    shapes = [shape for shape in SHAPES if options.only in (None, shape.network)]
    results = compare(options, shapes)
    listed = ", ".join(f"{k} {v}" for found in results.values() for k, v in found[0]["versions"].items())
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f};")
    print(f"Python {platform.python_version()}, {listed}; batch {options.batch}, {options.rounds} rounds\n")
    print(report(shapes, results))


if __name__ == "__main__":
    main()
