"""Train steps compared: sides that agree first, then take turns (A B C A B C ...), each in a process of its own."""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import machine
import numpy as np
from needed import require
from peers.agreement import disagreement
from peers.setups import PRECISIONS, SETUPS, Case, Running

OURS = "gan_jax"
AHEAD = 10
"""Most steps that are handed to a GPU before the clock waits for them, as a train loop does."""

BREATH = 0.5
"""Seconds that they take at most, where one does not take longer; on a CPU each is waited for."""

HEAD = """\
| network | side | images/s: median (min-max) of rounds | gan_jax / peer | peak memory, GB | utilisation |
|---|---|---|---|---|---|"""


def framework(side: str) -> str:
    """That of "PyTorch eager" is "PyTorch"."""
    return side.split()[0]


def perform(task: str, case: Case, side: str, folder: Path, seconds: float) -> Any:
    """What a process of one side is started for: "weights", "check" or "measure"."""
    if side == OURS and task != "measure":
        from peers import ours

        counts = ours.draw_weights(case, folder)
        if task == "check" and framework(case.setup.peers[0]) == "PyTorch":
            ours.check(case, folder)
        return counts
    if task == "check":
        return _peer(case).check(case, folder)
    return measure(case, begin(case, side, folder), seconds) | {"versions": machine.versions(framework(side))}


def begin(case: Case, side: str, folder: Path) -> Running:
    """A side, at its start."""
    if side == OURS:
        from peers import ours

        return ours.begin(case)
    return _peer(case).begin(case, folder, **({"compiled": side.endswith("compiled")} if "PyTorch" in side else {}))


def _peer(case: Case) -> Any:
    if framework(case.setup.peers[0]) == "Keras":
        from peers import article

        return article
    from peers import side

    return side


def measure(case: Case, running: Running, seconds: float) -> dict[str, Any]:
    """One round of one side: median images/s over `seconds`, after three steps that do not count."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, case.images(8 * case.batch), np.uint8)
    batch = lambda: data[rng.integers(0, len(data), case.batch)]
    for _ in range(3):
        begun = time.perf_counter()
        running.step(batch())
        running.wait()
    last = time.perf_counter() - begun
    ahead = 1 if running.device == "CPU" else max(1, min(AHEAD, int(BREATH / last)))
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        batches = [batch() for _ in range(ahead)]
        begun = time.perf_counter()
        for images in batches:
            running.step(images)
        running.wait()
        times.append((time.perf_counter() - begun) / len(batches))
    peak = running.peak() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    speed = case.batch / statistics.median(times)
    return {"speed": speed, "peak": peak, "device": running.device, "flops": running.flops, "rate": running.rate()}


class Turns:
    """Both sides of a comparison: where each lives, and the device that both compute on."""

    def __init__(self, options: argparse.Namespace, gpu: bool) -> None:
        self._options = options
        self._environment = machine.environment(gpu)

    def run(self, task: str, case: Case, side: str, folder: Path) -> Any:
        """What one process of one side found; None if it failed."""
        python = sys.executable if side == OURS else self._options.peer_python
        asked = json.dumps([task, case, side, str(folder), self._options.seconds])
        command = [python, __file__, asked]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=self._environment)
        return None if done.returncode else json.loads(done.stdout.splitlines()[-1])

    def agree(self, case: Case, folder: Path) -> tuple[dict[str, int], dict[str, float]]:
        """Parameters of each network, and how far the sides are apart; leaves the weights in the folder.

        Raises SystemExit if networks or gradients differ, or if a side fails.
        """
        sides = (OURS, case.setup.peers[0])
        counts = {side: self.run("check", case, side, folder) for side in sides}
        if None in counts.values() or len({str(count) for count in counts.values()}) > 1:
            sys.exit(f"{case.network}: not the same network, or a side failed: {counts}")
        return counts[OURS], disagreement(folder) if (folder / "both.npz").exists() else {}

    def take(self, case: Case, folder: Path) -> dict[str, list[dict[str, Any]]]:
        """What `measure` found, in each round of each side; nothing of a side that has failed."""
        peers = [side for side in case.setup.peers if not (self._options.eager_only and side.endswith("compiled"))]
        rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in (OURS, *peers)}
        for turn in range(self._options.rounds):
            for side, found in rounds.items():
                one = self.run("measure", case, side, folder) if len(found) == turn else None
                found += [] if one is None else [one]
        return rounds


def rows(case: Case, rounds: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The table's, one for each side."""
    speeds = {side: [one["speed"] for one in found] for side, found in rounds.items()}
    ours = statistics.median(speeds[OURS]) if speeds[OURS] else float("nan")
    flops, rate = _work(rounds)
    made = []
    for side, found in rounds.items():
        title = f"| {case.network} 1/{case.divisor}, batch {case.batch}, {case.precision} | {side} "
        if not found:
            made.append(title + "| failed, see above | | | |")
            continue
        median, peak = statistics.median(speeds[side]), max(one["peak"] for one in found)
        ratio = "" if side == OURS else f"{ours / median:.2f}"
        used = f"{flops * median / case.batch / rate:.1%}"
        speed = f"{median:.1f} ({min(speeds[side]):.1f}-{max(speeds[side]):.1f})"
        made.append(f"{title}| {speed} | {ratio} | {peak / 1e9:.2f} | {used} |")
    return made


def _work(rounds: dict[str, list[dict[str, Any]]]) -> tuple[float, float]:
    """FLOPs of a step, and of a second of products."""
    if not rounds[OURS]:
        return float("nan"), float("nan")
    return rounds[OURS][0]["flops"], statistics.median(found["rate"] for found in rounds[OURS])


def words(agreed: dict[str, float]) -> str:
    """The differences, in a line."""
    apart = ", ".join(f"{name} {found:.1e}" for name, found in agreed.items())
    return "as many parameters" + (f", and in float32 differs by: {apart}" if apart else "")


def options_of(networks: Sequence[str], description: str, *, rounds: int, seconds: float) -> argparse.Namespace:
    """The command line of a comparison of these networks."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("networks", nargs="*", metavar="network", help=f"{', '.join(networks)} (default: all)")
    add("--width-divisor", type=int, help="part of the widths (default: 1 on a GPU; on a CPU 8, of small networks 1)")
    add("--batch", type=int, help="images a step (default: as published on a GPU, 32 or 64 on a CPU)")
    add("--precision", nargs="+", choices=PRECISIONS, help="default: all on a GPU, of Keras tf32; float32 on a CPU")
    add("--rounds", type=int, default=rounds, help=f"processes for each side (default {rounds})")
    add("--seconds", type=float, default=seconds, help=f"timed seconds in each (default {seconds:g})")
    add("--eager-only", action="store_true", help="leave the compiled peer, which takes minutes, out")
    add("--only", choices=("agreement", "times"), help="one part instead of both")
    add("--rows", action="store_true", help="print the table's rows alone, each network's when it is done")
    add("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for the peers")
    options = parser.parse_args()
    if unknown := set(options.networks) - set(networks):
        parser.error(f"no network named {', '.join(sorted(unknown))}; there are {', '.join(networks)}")
    if options.rounds < 1 or (options.batch or 4) < 4 or (options.batch or 4) % 4:
        parser.error("--rounds is at least 1, --batch a multiple of 4")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    options.networks = options.networks or list(networks)
    return options


def compare(options: argparse.Namespace) -> None:
    """Runs all parts and rounds, and prints the report, in Markdown."""
    pythons = {OURS: sys.executable}
    pythons |= {framework(SETUPS[network].peers[0]): options.peer_python for network in options.networks}
    for name, python in pythons.items():
        require(python, machine.FRAMEWORKS[name])
    load, gpu = machine.load(), machine.have_gpu(pythons)
    turns = Turns(options, gpu)
    notes, table, found = [], [], []
    for network in options.networks:
        usual = SETUPS[network].precisions if gpu else ["float32"]
        cases = [_case(network, precision, options, gpu) for precision in options.precision or usual]
        for part in _parts(cases, turns, options.only):
            notes, table, found = notes + part.notes, table + part.rows, found + part.measured
            if options.rows:
                print(*part.rows, sep="\n", flush=True)
    if options.rows:
        return
    versions = {name: number for one in found for name, number in one["versions"].items()}
    how = f"{options.rounds} rounds of {options.seconds:g} s"
    print(machine.heading([one["device"] for one in found], versions, load, how))
    print(*notes, "", HEAD, *table, sep="\n")


def _case(network: str, precision: str, options: argparse.Namespace, gpu: bool) -> Case:
    setup = SETUPS[network]
    batch = options.batch or (setup.batch if gpu else setup.batch_on_cpu)
    return Case(network, options.width_divisor or (1 if gpu else setup.divisor_on_cpu), batch, precision)


class Part(NamedTuple):
    """What there is to say of one part of a comparison."""

    notes: list[str]
    rows: list[str]
    measured: list[dict[str, Any]]


def _parts(cases: Sequence[Case], turns: Turns, only: str | None) -> Iterator[Part]:
    """The agreement, and the times in each precision, of one network."""
    case = cases[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if only == "times":
            turns.run("weights", case, OURS, folder)
        else:
            counts, agreed = turns.agree(case, folder)
            sizes = f"{counts['generator']:,} parameters in G, {counts['discriminator']:,} in D"
            note = f"- {case.network}: {sizes}; the other side has {words(agreed)}"
            row = f"| {case.network} 1/{case.divisor}, float32 | {OURS} beside {case.setup.peers[0]} "
            yield Part([note], [row + f"| agree: {words(agreed)} | | | |"] if only else [], [])
        for case in cases if only != "agreement" else []:
            rounds = turns.take(case, folder)
            flops, rate = _work(rounds)
            work = f"{flops / 1e9:.2f} GFLOP a step, matrix products run at {rate / 1e9:.0f} GFLOP/s"
            note = f"- {case.network}, {case.precision}: {work}"
            yield Part([note], rows(case, rounds), [one for found in rounds.values() for one in found])


if __name__ == "__main__":
    task, case, side, folder, seconds = json.loads(sys.argv[1])
    print(json.dumps(perform(task, Case(*case), side, Path(folder), seconds)))
