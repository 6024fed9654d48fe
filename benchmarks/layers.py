"""Milliseconds of every convolution of the recipes and of both its gradients, gan_jax beside PyTorch eager in one run.

    python benchmarks/layers.py                         # needs pip install -e '.[benchmark]'
    python benchmarks/layers.py --formulations --only StyleGAN2

"down" is the convolution, "up" its adjoint in the image, "taps" that in the kernel: for a layer that shrinks images the
result, the image's gradient and the kernel's; for one that enlarges them the first two change places. Each is compiled
alone, so that nothing is shared with its neighbours, as it may be in a step. gan_jax's own time is that of the
formulation which its layers choose here; with `--formulations` a column names the others' times. All but DCGAN's and
the article's are at an eighth of the papers' widths on a CPU, and at the papers' on a GPU, where ten calls are begun
before the clock waits for them.

Each side runs in a process of its own, in turn (A B A B ...), so that the machine's moods meet both; within a process
the formulations of an operator take turns, too. Run it on an idle machine, as `train_step.py` says.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import machine
from comparison import AHEAD
from needed import require
from peers.setups import PRECISIONS, Precision
from peers.shapes import SHAPES, WHOLE, Shape

SIDES = ("gan_jax", "PyTorch")

CHOSEN = "chosen"
Operators = dict[str, dict[str, Callable[[], Any]]]
"""For "down", "up" and "taps": each formulation's name, and what begins it."""


def with_gan_jax(shape: Shape, batch: int, precision: Precision, formulations: bool) -> Operators:
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
    jax.config.update("jax_default_matmul_precision", precision.products)
    keys = jax.random.split(jax.random.key(0), 3)
    draw = lambda key, shape: jax.random.normal(key, shape, precision.dtype)
    arrays = {name: draw(key, s) for key, (name, s) in zip(keys, shapes.items(), strict=True)}
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
            "taps": [dense.taps_by_xla, dense.taps_in_slices, dense.taps_by_rows_in_slices],
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
        return lambda: compiled(*(arrays[name] for name in names))

    chosen = {"down": down, "up": up, "taps": taps}
    return {
        name: {CHOSEN: runs(lambda a, b, own=chosen[name]: own(a, b, *settings), names)}
        | {f.func.__name__: runs(f, names) for f in others[name] if formulations}
        for name, names in order.items()
    }


def with_torch(shape: Shape, batch: int, precision: Precision, formulations: bool) -> Operators:
    """PyTorch's only one."""
    from peers.operators import operators

    del formulations
    return {name: {CHOSEN: run} for name, run in operators(shape, batch, precision).items()}


def measure(side: str, shapes: list[Shape], batch: int, precision: str, repeats: int, others: bool) -> dict[str, Any]:
    """Of every shape and operator, the median milliseconds of each formulation."""
    if side == "gan_jax":
        import jax

        begin, wait, device = with_gan_jax, jax.block_until_ready, jax.local_devices()[0].device_kind
    else:
        import torch
        from peers.operators import wait

        begin, device = with_torch, torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    calls = 1 if device == "cpu" else AHEAD
    times = [
        {name: _take_turns(runs, wait, calls, repeats) for name, runs in operators.items()}
        for operators in (begin(shape, batch, PRECISIONS[precision], others) for shape in shapes)
    ]
    return {"times": times, "versions": machine.versions(side), "device": device}


def _take_turns(
    runs: dict[str, Callable[[], Any]], wait: Callable[[Any], Any], calls: int, repeats: int
) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 2):
        for name, run in runs.items():
            begun = time.perf_counter()
            wait([run() for _ in range(calls)])
            if turn > 1:
                times[name].append((time.perf_counter() - begun) / calls)
    return {name: 1e3 * statistics.median(found) for name, found in times.items()}


def compare(options: argparse.Namespace, shapes: list[Shape], gpu: bool) -> dict[str, list[dict[str, Any]]]:
    """What `measure` found, in each round of each side. Raises SystemExit if a side fails."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(options.rounds):
        for side, found in results.items():
            python = sys.executable if side == "gan_jax" else options.peer_python
            asked = [side, shapes, options.batch, options.precision, options.repeats, options.formulations]
            command = [python, __file__, "--side", json.dumps(asked)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=machine.environment(gpu))
            if done.returncode:
                sys.exit(f"the side {side} failed")
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return results


HEAD = """\
| layer | operator | gan_jax, ms | PyTorch, ms | PyTorch / gan_jax | others, ms |
|---|---|---|---|---|---|"""


class Timed(NamedTuple):
    """Of one operator of a layer, in milliseconds."""

    layer: Shape
    operator: str
    ours: float
    theirs: float
    others: str  # formulations that the layer does not choose, with theirs


def medians(shapes: list[Shape], results: dict[str, list[dict[str, Any]]]) -> list[Timed]:
    """Over the rounds of each side."""
    found = []
    for i, shape in enumerate(shapes):
        for operator in ("down", "up", "taps"):
            rounds = {side: [one["times"][i][operator] for one in taken] for side, taken in results.items()}
            median = lambda side, name, rounds=rounds: statistics.median(one[name] for one in rounds[side])
            names = [name for name in rounds["gan_jax"][0] if name != CHOSEN]
            others = ", ".join(f"{name} {median('gan_jax', name):.3g}" for name in names)
            found.append(Timed(shape, operator, median("gan_jax", CHOSEN), median("PyTorch", CHOSEN), others))
    return found


def options_of() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="processes for each side (default 3)")
    add("--repeats", type=int, default=15, help="timed calls of each operator in each (default 15)")
    add("--batch", type=int, default=32, help="images (default 32)")
    add("--precision", choices=PRECISIONS, default="float32", help="as models.py says (default float32)")
    add("--only", choices=sorted({shape.network for shape in SHAPES}), help="one network's layers")
    add("--formulations", action="store_true", help="measure those that the layers do not choose, too")
    add("--rows", action="store_true", help="print rows alone, in the shape of models.py's table")
    add("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for PyTorch")
    add("--side", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.rounds, options.repeats, options.batch) < 1:
        parser.error("--rounds, --repeats and --batch are at least 1")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    return options


def main() -> None:
    """Runs all rounds and prints the table."""
    options = options_of()
    if options.side:
        side, asked, *how = json.loads(options.side)
        print(json.dumps(measure(side, [Shape(*shape) for shape in asked], *how)))
        return
    pythons = {"gan_jax": sys.executable, "PyTorch": options.peer_python}
    for name, python in pythons.items():
        require(python, machine.FRAMEWORKS[name])
    load, gpu = machine.load(), machine.have_gpu(pythons)
    shapes = [shape for shape in SHAPES if options.only in (None, shape.network)]
    shapes = [shape.widened(8) if gpu and shape.network not in WHOLE else shape for shape in shapes]
    results = compare(options, shapes, gpu)
    if not options.rows:
        found = [rounds[0] for rounds in results.values()]
        versions = {name: number for one in found for name, number in one["versions"].items()}
        how = f"{options.precision}, batch {options.batch}, {options.rounds} rounds"
        print(machine.heading([one["device"] for one in found], versions, load, how))
        print(HEAD)
    for layer, operator, ours, theirs, others in medians(shapes, results):
        faster = f"{theirs / ours:.2f}"
        if options.rows:
            told = f"{ours:.3g} ms beside {theirs:.3g} ms" + (f"; {others}" if others else "")
            print(
                f"| {layer}: {operator}, {options.precision} | gan_jax beside PyTorch eager | {told} | {faster} | | |"
            )
        else:
            print(f"| {layer} | {operator} | {ours:.3g} | {theirs:.3g} | {faster} | {others} |")


if __name__ == "__main__":
    main()
