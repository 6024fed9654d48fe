"""Seconds of each score, gan_jax beside torch-fidelity and prdc, on the same features, in one run.

    python benchmarks/metrics.py                 # needs pip install -e '.[benchmark]'

10,000 real and 10,000 generated features of width 2,048, float32, on the CPU. Each side runs in a process of its own,
in turn; compilation and imports do not count. The values must agree, or there is nothing to compare; KID's subsets are
drawn at random on both sides. Last, the peak memory of the nearest neighbours of 50,000 x 2,048 features among
themselves. Run it on an idle machine. Inception's speed is measured by benchmarks/inception.py.
"""

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from needed import require

Work = dict[str, Callable[[], float]]
"""A score's name to a function that computes it once."""

PEERS = {
    "FID": "torch-fidelity",
    "KID": "torch-fidelity",
    "precision, recall": "torch-fidelity",
    "density, coverage": "prdc",
    "Inception Score": "torch-fidelity",
}


def make_features(count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Real features of unequal spread, and generated ones that differ a little."""
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(size=width)).astype(np.float32)
    real = rng.normal(size=(count, width)).astype(np.float32) * spread
    fake = (rng.normal(size=(count, width)).astype(np.float32) * 0.95 + 0.05) * spread
    return real, fake


def ours(real: np.ndarray, fake: np.ndarray) -> Work:
    """The scores by gan_jax."""
    import jax

    from gan_jax.metrics.frechet import frechet_distance
    from gan_jax.metrics.inception_score import inception_score
    from gan_jax.metrics.kernel import kernel_distance
    from gan_jax.metrics.moments import moments
    from gan_jax.metrics.neighbours import density_coverage, precision_recall

    subset = min(1000, len(real))
    return {
        "FID": lambda: frechet_distance(moments(real), moments(fake)),
        "KID": lambda: kernel_distance(real, fake, jax.random.key(0), size=subset)[0],
        "precision, recall": lambda: precision_recall(real, fake)[1],
        "density, coverage": lambda: density_coverage(real, fake)[1],
        "Inception Score": lambda: inception_score(fake[:, :1008])[0],
    }


def theirs(real: np.ndarray, fake: np.ndarray) -> Work:
    """The scores by the peers; KID over as many subsets of the same size, which are not the same subsets."""
    import torch
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    a, b = torch.from_numpy(real), torch.from_numpy(fake)
    statistics_of = metric_fid.fid_features_to_statistics
    kid = {"kid_subsets": 100, "kid_subset_size": min(1000, len(real)), "verbose": False}
    prc = {"save_cpu_ram": False, "verbose": False}
    key = "frechet_inception_distance"
    return {
        "FID": lambda: metric_fid.fid_statistics_to_metric(statistics_of(a), statistics_of(b), verbose=False)[key],
        "KID": lambda: metric_kid.kid_features_to_metric(a, b, **kid)["kernel_inception_distance_mean"],
        "precision, recall": lambda: metric_prc.prc_features_to_metric(b, a, **prc)["recall"],
        "density, coverage": lambda: _coverage(real, fake),
        "Inception Score": lambda: metric_isc.isc_features_to_metric(b[:, :1008], 10, False)["inception_score_mean"],
    }


def _coverage(real: np.ndarray, fake: np.ndarray) -> float:
    import prdc

    return float(prdc.compute_prdc(real, fake, nearest_k=5)["coverage"])


def measure(side: str, count: int, width: int, names: list[str]) -> dict[str, Any]:
    """Seconds and value of each score: the first call does not count."""
    work = {"gan_jax": ours, "peer": theirs}[side](*make_features(count, width))
    found = {}
    for name in names:
        work[name]()
        begun = time.perf_counter()
        value = work[name]()
        found[name] = {"seconds": time.perf_counter() - begun, "value": value}
    packages = ("gan-jax", "jax") if side == "gan_jax" else ("torch", *sorted({PEERS[name] for name in names}))
    return {"found": found, "versions": {name: version(name) for name in packages}}


def measure_memory(count: int, width: int) -> dict[str, float]:
    """Peak memory of the radii, and what the process held before, in GiB."""
    from gan_jax.metrics.neighbours import radii

    features = np.random.default_rng(0).standard_normal((count, width), np.float32)
    radii(features[:100], 3)
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    before, begun = peak(), time.perf_counter()
    radii(features, 3)
    return {"before": before, "peak": peak(), "seconds": time.perf_counter() - begun}


def ask(python: str, *arguments: str) -> Any:
    """What this script answers in a process of its own."""
    done = subprocess.run([python, __file__, *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed; the peers need pip install -e '.[benchmark]'")
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None


def main() -> None:
    """Runs all rounds and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="processes for each side (default 3)")
    parser.add_argument("--count", type=int, default=10_000, help="features of each set (default 10,000)")
    parser.add_argument("--width", type=int, default=2048, help="their width (default 2,048)")
    parser.add_argument("--only", choices=list(PEERS), metavar="SCORE", help=f"one instead of all: {'; '.join(PEERS)}")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for the peers")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = [options.only] if options.only else list(PEERS)
    if options.memory:
        print(json.dumps(measure_memory(options.count, options.width)))
    elif options.side:
        print(json.dumps(measure(options.side, options.count, options.width, names)))
    else:
        compare(options, names)


def compare(options: argparse.Namespace, names: list[str]) -> None:
    """Both sides in turn, and the table."""
    require(sys.executable, ["gan_jax", "jax"])
    require(options.peer_python, ["torch", *(PEERS[name].replace("-", "_") for name in names)])
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    size = ["--count", str(options.count), "--width", str(options.width)]
    size += ["--only", options.only] if options.only else []
    pythons = {"gan_jax": sys.executable, "peer": options.peer_python}
    results: dict[str, list[Any]] = {side: [] for side in pythons}
    for _ in range(options.rounds):
        for side, python in pythons.items():
            results[side].append(ask(python, "--side", side, *size))
    versions = results["gan_jax"][0]["versions"] | results["peer"][0]["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f};")
    print(f"Python {platform.python_version()}, {listed}; {options.rounds} rounds\n")
    print(f"| {options.count:,} x {options.width:,} | gan_jax s | peer s | peer | peer / gan_jax | values differ by |")
    print("|---|---|---|---|---|---|")
    for name in names:
        seconds = [statistics.median(r["found"][name]["seconds"] for r in results[side]) for side in pythons]
        a, b = (results[side][0]["found"][name]["value"] for side in pythons)
        apart, ratio = f"{abs(a - b) / max(abs(b), 1e-12):.1e}", f"{seconds[1] / seconds[0]:.2f}"
        print(f"| {name} | {seconds[0]:.2f} | {seconds[1]:.2f} | {PEERS[name]} | {ratio} | {apart} |")
    if not options.only:
        found = ask(sys.executable, "--memory", "--count", str(5 * options.count), "--width", str(options.width))
        print(
            f"\nRadii of {5 * options.count:,} x {options.width:,} among themselves: {found['peak']:.2f} GiB at the "
            f"peak, {found['before']:.2f} of them before ({found['seconds']:.0f} s)"
        )


if __name__ == "__main__":
    main()
