"""Images per second of one train step of R3GAN, SNGAN and StyleGAN2, gan_jax beside the same in PyTorch, in one run.

    python benchmarks/models.py r3gan sngan stylegan2       # needs pip install -e '.[benchmark]'

The networks are those for CIFAR-10, unconditional, at the papers' widths on a GPU and at an eighth of them on a CPU. A
step is one update of the discriminator and one of the generator on the same real images, by Adam, and the generator's
moving average: R3GAN with the relativistic loss, R1 and R2; SNGAN with the hinge loss, one update of D for one of G
(the paper makes five); StyleGAN2 with the non-saturating loss and R1 on a part of the batch, a sixteenth where the
batch allows it, in every step (`penalties.lazy`). No augmentation. The peers (`benchmarks/peers`) are written for this
comparison from the papers, in PyTorch's own operators: channels last, fused Adam, cuDNN's search for algorithms.

Before anything is timed, both sides are given the same weights and one batch, and must have the same number of
parameters, and logits, images and gradients of both players' whole losses, penalties included, that agree in float32.
Then each side runs in a process of its own, in turn (A B C A B C ...), so that the machine's moods meet all. A side is
handed a fresh NumPy batch each step, and its step counts as done once its losses are known.

"compiled" is torch.compile in its default mode over each player's whole loss, networks and penalties. Slopes for R1 and
R2 are taken by torch.func.grad, in the eager side too: torch.compile traces it into the one graph that is then
differentiated, whereas it cannot differentiate what autograd.grad leaves behind (no double backward). Eager is no
faster with autograd.grad (R3GAN and StyleGAN2 on a CPU, 2026-11-24). If a compiled peer fails, the table says so. The
first compilation takes minutes; PyTorch keeps it for the next process.

float32 allows TF32 on GPUs, on both sides. bfloat16 is that of maps from 8x8 pixels up (SNGAN: of all), with float32
parameters. Memory is the largest resident size of the process on a CPU, start and compilation included, and the most
that arrays took at once on a GPU. FLOPs are those that XLA counts in gan_jax's compiled step; it counts the body of a
loop once, and on a CPU grouped convolutions (R3GAN) are loops, so that there the table has none. Utilisation is
those FLOPs over the time, and over the rate of a large matrix product in JAX, in the same precision and process.

Run it on an idle machine: OpenMP threads, which PyTorch uses, spin while they wait, and lose several times their speed
when another program wants the cores.
"""

import argparse
import datetime
import json
import math
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from needed import require
from peers import ours
from peers.setups import CHECKED, PLAYERS, SETUPS, Case

SIDES = ("gan_jax", "PyTorch eager", "PyTorch compiled")
PACKAGES = {"gan_jax": {"gan_jax": "gan-jax", "jax": "jax", "flax": "flax"}, "PyTorch": {"torch": "torch"}}
"""What each side imports, and the distribution that it comes in."""


def check_torch(case: Case, folder: Path) -> dict[str, int]:
    """Leaves PyTorch's answers in the folder; counts parameters."""
    from peers import side

    with np.load(folder / "weights.npz") as file:
        arrays = dict(file)
    networks, counts = side.build(case.network, case.latent, case.divisor, "float32", arrays)
    found = side.agreement(_rules(case, CHECKED), networks, arrays)
    with np.load(folder / "gan_jax.npz") as ours:
        found |= {f"ours:{side.torch_name(n)}": a for n, a in ours.items()}
        found = {n.replace("/", "."): a for n, a in found.items()}
        turned = {
            n: side.to_torch(a, found[n[5:]].shape) for n, a in found.items() if _is_gradient(n) and n[5:] in found
        }
    np.savez(folder / "both.npz", **(found | turned))
    return counts


def _is_gradient(name: str) -> bool:
    return name.startswith(("ours:generator.", "ours:discriminator."))


def _rules(case: Case, batch: int) -> Any:
    from peers.update import Rules

    setup = SETUPS[case.network]
    return Rules(setup.loss, setup.learning_rate, setup.beta2, setup.r1, setup.r2, case.every(batch))


def disagreement(folder: Path) -> dict[str, float]:
    """‖ours - theirs‖ / ‖theirs‖ of logits, images, and of each player's gradient; and of its worst parameter.

    The worst is over those whose gradient is not itself rounding: a thousandth of the whole or more. Raises SystemExit
    if the differences are not rounding: the comparison is void if the peer is another network.
    """
    with np.load(folder / "both.npz") as file:
        both = dict(file)
    theirs = {name: array.astype(np.float64) for name, array in both.items() if not name.startswith("ours:")}
    ours = {name[5:]: array.astype(np.float64) for name, array in both.items() if name.startswith("ours:")}
    if ours.keys() != theirs.keys():
        sys.exit(f"not the same parameters: {sorted(ours.keys() ^ theirs.keys())}")
    norm = lambda arrays: math.sqrt(sum(float(np.square(array).sum()) for array in arrays))
    apart = lambda names: norm([ours[n] - theirs[n] for n in names]) / norm([theirs[n] for n in names])
    found = {name: apart([name]) for name in ("logits", "images")}
    for player in PLAYERS:
        names = [name for name in theirs if name.startswith(f"{player}.")]
        whole = norm([theirs[n] for n in names])
        found[f"gradient of {player}"] = apart(names)
        found["its worst parameter" if player == "generator" else "worst parameter of discriminator"] = max(
            apart([n]) for n in names if norm([theirs[n]]) > 1e-3 * whole
        )
    # Rectifiers: where a map is within rounding of zero the two sides may take different slopes.
    if any(not value < (1e-2 if "gradient" in name or "parameter" in name else 1e-4) for name, value in found.items()):
        sys.exit(f"not the same network: {found}")
    return found


def measure(case: Case, side: str, folder: Path, seconds: float) -> dict[str, Any]:
    """One round of one side: median images/s over `seconds`, after three steps that do not count."""
    found = ours.begin(case) if side == "gan_jax" else _begin_torch(case, side, folder)
    step = found.pop("step")
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (8 * case.batch, 32, 32, 3), np.uint8)
    batch = lambda: data[rng.integers(0, len(data), case.batch)]
    for _ in range(3):
        step(batch())
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        images = batch()
        begun = time.perf_counter()
        step(images)
        times.append(time.perf_counter() - begun)
    peak = found.pop("peak")() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rate = found.pop("rate", lambda: None)()
    return found | {"speed": case.batch / statistics.median(times), "peak": peak, "rate": rate}


def _begin_torch(case: Case, side: str, folder: Path) -> dict[str, Any]:
    from peers import side as torch_side

    with np.load(folder / "weights.npz") as file:
        arrays = dict(file)
    networks, _ = torch_side.build(case.network, case.latent, case.divisor, case.precision, arrays)
    step = torch_side.step(_rules(case, case.batch), networks, case.latent, side == "PyTorch compiled")
    return {"step": step, "peak": torch_side.peak_memory, "device": torch_side.device_name()}


def run_side(task: str, case: Case, side: str, folder: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    """What one process of one side found; None if it failed."""
    python = sys.executable if side == "gan_jax" else options.peer_python
    command = [python, __file__, "--side", task, side, str(folder), json.dumps(case), "--seconds", str(options.seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return None if done.returncode else json.loads(done.stdout.splitlines()[-1])


def compare(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """The agreement, and what `measure` found in each round of each side.

    Raises SystemExit if the networks or their gradients differ, or if a side other than the compiled one fails.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = {side: run_side("check", case, side, folder, options) for side in SIDES[:2]}
        if None in counts.values() or counts[SIDES[0]] != counts[SIDES[1]]:
            sys.exit(f"{case.network}: not the same network, or a side failed: {counts}")
        agreed = disagreement(folder)
        rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in options.sides}
        failed = set()
        for _ in range(options.rounds):
            for side in options.sides:
                found = None if side in failed else run_side("measure", case, side, folder, options)
                if found is not None:
                    rounds[side].append(found)
                elif side != "PyTorch compiled":
                    sys.exit(f"{case.network}: the side {side} failed")
                else:
                    failed.add(side)
    return {"case": case, "counts": counts["gan_jax"], "agreed": agreed, "rounds": rounds}


def report(results: list[dict[str, Any]]) -> str:
    """Counts, agreement, and the table, in Markdown."""
    notes = ["Parameters, and the largest of the relative differences in float32:", ""]
    rows = [
        "| network | side | images/s: median (min-max) of rounds | gan_jax / peer | peak memory, GB | utilisation |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        case, counts, rounds = result["case"], result["counts"], result["rounds"]
        sizes = f"{counts['generator']:,} in G, {counts['discriminator']:,} in D"
        agreed = ", ".join(f"{name} {found:.1e}" for name, found in result["agreed"].items())
        ours = statistics.median(found["speed"] for found in rounds["gan_jax"])
        flops = rounds["gan_jax"][0]["flops"]
        rate = statistics.median(found["rate"] for found in rounds["gan_jax"])
        looped = case.network == "r3gan" and not rounds["gan_jax"][0]["device"]
        counted = "XLA cannot count the FLOPs" if looped else f"XLA counts {flops / 1e9:.2f} GFLOP a step"
        notes.append(f"- {case.network}: {sizes}; {agreed}; {counted}, ")
        notes[-1] += f"matrix products run at {rate / 1e9:.0f} GFLOP/s"
        for side, found in rounds.items():
            title = f"| {case.network} 1/{case.divisor}, batch {case.batch}, {case.precision} | {side} "
            if not found:
                rows.append(title + "| failed, see above | | | |")
                continue
            speeds = [one["speed"] for one in found]
            median, peak = statistics.median(speeds), max(one["peak"] for one in found)
            ratio = "" if side == "gan_jax" else f"{ours / median:.2f}"
            used = "-" if looped else f"{flops * median / case.batch / rate:.1%}"
            speed = f"{median:.1f} ({min(speeds):.1f}-{max(speeds):.1f})"
            rows.append(f"{title}| {speed} | {ratio} | {peak / 1e9:.2f} | {used} |")
    return "\n".join([*notes, "", *rows])


def main() -> None:
    """Runs all rounds and prints the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="network", help=f"{', '.join(SETUPS)} (default: all)")
    parser.add_argument(
        "--width-divisor", type=int, help="part of the papers' widths (default: 1 on a GPU, 8 on a CPU)"
    )
    parser.add_argument("--batch", type=int, help="images a step (default: as published on a GPU, 32 on a CPU)")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each side (default 5)")
    parser.add_argument("--seconds", type=float, default=20, help="timed seconds in each (default 20)")
    parser.add_argument("--eager-only", action="store_true", help="leave the compiled peer, which takes minutes, out")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for the peers")
    parser.add_argument("--side", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        task, side, folder, case = options.side
        print(json.dumps(perform(task, Case(*json.loads(case)), side, Path(folder), options.seconds)))
        return
    if unknown := set(options.networks) - set(SETUPS):
        parser.error(f"no network named {', '.join(sorted(unknown))}; there are {', '.join(SETUPS)}")
    if options.rounds < 1 or (options.batch or 4) < 4 or (options.batch or 4) % 4:
        parser.error("--rounds is at least 1, --batch a multiple of 4")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    require(sys.executable, PACKAGES["gan_jax"])
    require(options.peer_python, PACKAGES["PyTorch"])
    options.sides = SIDES[:2] if options.eager_only else SIDES
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    on_gpu = shutil.which("nvidia-smi") is not None
    results = []
    for network in options.networks or SETUPS:
        batch = options.batch or (SETUPS[network].batch if on_gpu else 32)
        divisor = options.width_divisor or (1 if on_gpu else 8)
        results.append(compare(Case(network, divisor, batch, options.precision), options))
    found = [one for result in results for found in result["rounds"].values() for one in found]
    listed = ", ".join(f"{k} {v}" for k, v in {k: v for one in found for k, v in one["versions"].items()}.items())
    device = ", ".join(sorted({one["device"] for one in found if one["device"]})) or "no GPU"
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, {device}, load before {load:.1f};")
    print(f"Python {platform.python_version()}, {listed}; {options.rounds} rounds of {options.seconds:g} s\n")
    print(report(results))


def perform(task: str, case: Case, side: str, folder: Path, seconds: float) -> dict[str, Any]:
    """What a process of one side is started for."""
    packages = PACKAGES["gan_jax" if side == "gan_jax" else "PyTorch"]
    if task == "check":
        return (ours.check if side == "gan_jax" else check_torch)(case, folder)
    versions = {name: version(package) for name, package in packages.items()}
    return measure(case, side, folder, seconds) | {"versions": versions}


if __name__ == "__main__":
    main()
