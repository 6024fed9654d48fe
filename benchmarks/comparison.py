"""Train steps compared: sides that agree first, then take turns (A B C A B C ...), each in a process of its own."""

import argparse
import json
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import machine
import numpy as np
from needed import require
from peers.agreement import disagreement
from peers.setups import PRECISIONS, SETUPS, Case, Running
from standing import READY, Standing, in_turn

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
    """What a process of one side is started for: "weights", "check" or "measure".

    One that is to "stand" measures whenever it is sent a line, after one of its own that says that it is ready.
    """
    if side == OURS and task in ("weights", "check"):
        from peers import ours

        counts = ours.draw_weights(case, folder)
        if task == "check" and framework(case.setup.peers[0]) == "PyTorch":
            ours.check(case, folder)
        return counts
    if task == "check":
        return _peer(case).check(case, folder)
    rounds = prepare(case, begin(case, side, folder), seconds)
    told = {"versions": machine.versions(framework(side))}
    if task == "stand":
        print(READY, flush=True)
        for _ in sys.stdin:
            print(json.dumps(rounds() | told), flush=True)
        return None
    return rounds() | told


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


def prepare(case: Case, running: Running, seconds: float) -> Callable[[], dict[str, Any]]:
    """Makes three steps that do not count; what it returns is one round: median images/s over `seconds`."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, case.images(8 * case.batch), np.uint8)
    batch = lambda: data[rng.integers(0, len(data), case.batch)]
    for _ in range(3):
        begun = time.perf_counter()
        running.step(batch())
        running.wait()
    last = time.perf_counter() - begun
    ahead = 1 if running.device == "CPU" else max(1, min(AHEAD, int(BREATH / last)))

    def measure() -> dict[str, Any]:
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

    return measure


class Turns:
    """Both sides of a comparison: where each lives, and the device that both compute on."""

    def __init__(self, options: argparse.Namespace, gpu: bool) -> None:
        self._options = options
        self._environment = machine.environment(gpu)

    def run(self, task: str, case: Case, side: str, folder: Path) -> Any:
        """What one process of one side found; None if it failed."""
        command = self._command(task, case, side, folder)
        environment = machine.environment(False) if task == "weights" else self._environment  # several may draw at once
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
        return None if done.returncode else json.loads(done.stdout.splitlines()[-1])

    def _command(self, task: str, case: Case, side: str, folder: Path) -> list[str]:
        python = sys.executable if side == OURS else self._options.peer_python
        return [python, __file__, json.dumps([task, case, side, str(folder), self._options.seconds])]

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
        rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in self._sides(case)}
        for turn in range(self._options.rounds):
            for side, found in rounds.items():
                one = self.run("measure", case, side, folder) if len(found) == turn else None
                found += [] if one is None else [one]
        return rounds

    def take_together(self, cases: Mapping[Case, Path]) -> dict[Case, dict[str, list[dict[str, Any]]]]:
        """The same of all cases, whose sides stand ready, all at once, while one is measured."""
        named = {
            f"{case.network}, {case.precision}, {side}": (case, side) for case in cases for side in self._sides(case)
        }
        environment = self._environment | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # or the first has it all
        start = lambda case, side: Standing(self._command("stand", case, side, cases[case]), environment)
        processes = {name: start(*one) for name, one in named.items()}
        answers = in_turn(processes, self._options.rounds, self._options.together)
        return {case: {side: answers[name] for name, (one, side) in named.items() if one == case} for case in cases}

    def _sides(self, case: Case) -> list[str]:
        return [OURS, *(one for one in case.setup.peers if not (self._options.eager_only and one.endswith("compiled")))]


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
        ratio = "" if side == OURS or not rounds[OURS] else f"{ours / median:.2f}"
        used = f"{flops * median / case.batch / rate:.1%}" if rounds[OURS] else ""
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
    add(
        "--together",
        type=float,
        metavar="SECONDS",
        help="start all sides of all networks at once, give them so long to get ready, and measure those that are, "
        "one at a time: less time, and more memory",
    )
    add("--rows", action="store_true", help="print the table's rows alone, each network's when it is done")
    add("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for the peers")
    options = parser.parse_args()
    if unknown := set(options.networks) - set(networks):
        parser.error(f"no network named {', '.join(sorted(unknown))}; there are {', '.join(networks)}")
    if options.rounds < 1 or (options.batch or 4) < 4 or (options.batch or 4) % 4:
        parser.error("--rounds is at least 1, --batch a multiple of 4")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    if options.together is not None and options.only != "times":
        parser.error("--together is for --only times")
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
    usual = lambda network: SETUPS[network].precisions if gpu else ["float32"]
    every = {
        network: [_case(network, precision, options, gpu) for precision in options.precision or usual(network)]
        for network in options.networks
    }
    if options.together is not None:
        # What has been started ends with this program, also where it is told to end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        parts = _together([case for cases in every.values() for case in cases], turns)
    else:
        parts = (part for cases in every.values() for part in _parts(cases, turns, options.only))
    for part in parts:
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
            yield _times(case, turns.take(case, folder))


def _together(cases: Sequence[Case], turns: Turns) -> Iterator[Part]:
    """The times of all cases."""
    with tempfile.TemporaryDirectory() as name:
        folders = {case: Path(name) / case.network for case in cases}
        drawn = {folders[case]: case for case in cases}
        for folder in drawn:
            folder.mkdir()
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda folder: turns.run("weights", drawn[folder], OURS, folder), drawn))
        for case, rounds in turns.take_together(folders).items():
            yield _times(case, rounds)


def _times(case: Case, rounds: dict[str, list[dict[str, Any]]]) -> Part:
    flops, rate = _work(rounds)
    work = f"{flops / 1e9:.2f} GFLOP a step, matrix products run at {rate / 1e9:.0f} GFLOP/s"
    notes = [f"- {case.network}, {case.precision}: {work}"] if rounds[OURS] else []
    return Part(notes, rows(case, rounds), [one for found in rounds.values() for one in found])


if __name__ == "__main__":
    task, case, side, folder, seconds = json.loads(sys.argv[1])
    found = perform(task, Case(*case), side, Path(folder), seconds)
    if task != "stand":
        print(json.dumps(found))
