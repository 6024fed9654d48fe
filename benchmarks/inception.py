"""Images per second of the FID's InceptionV3, resize included, gan_jax beside torch-fidelity, in one run.

    python benchmarks/inception.py                  # needs pip install -e '.[benchmark]'

Each side runs in a process of its own, in turn (A B A B ...), so that the machine's moods meet both. A side is handed
a fresh batch of uint8 images in NumPy each step, and its step counts as done once it has the 2,048 features and the
logits that FID and Inception Score are computed from. Both have the same random weights, float32, and must agree on
a batch that both see.

Run it on an idle machine: OpenMP threads, which PyTorch uses, spin while they wait, and lose several times their speed
when another program wants the cores.
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
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from needed import require

SHAPE = (32, 32, 32, 3)
"""Batch of images, `[B, H, W, C]`."""

Features = dict[str, np.ndarray]
Extract = Callable[[np.ndarray], Features]


def with_gan_jax(folder: Path) -> Extract:
    """The compiled function that scores call."""
    import jax

    from gan_jax.metrics import inception

    with np.load(folder / "weights.npz") as arrays:
        variables = jax.device_put(inception.params_from_torch(dict(arrays)))

    @jax.jit
    def extract(variables: Any, images: Any) -> dict[str, Any]:
        found = inception.features(variables, images)
        return {"2048": found.pool, "logits_unbiased": found.logits_unbiased}

    return lambda images: jax.device_get(extract(variables, images))


def with_torch_fidelity(folder: Path) -> Extract:
    """Its feature extractor, as its metrics call it on a CPU."""
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    names, file = ["2048", "logits_unbiased"], folder / "weights.pth"
    with np.load(folder / "weights.npz") as arrays:
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, file)
    network = FeatureExtractorInceptionV3("inception", names, feature_extractor_weights_path=str(file))

    def extract(images: np.ndarray) -> Features:
        with torch.no_grad():
            found = network(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
        return {name: part.numpy() for name, part in zip(names, found, strict=True)}

    return extract


SIDES = {"gan_jax": with_gan_jax, "torch-fidelity": with_torch_fidelity}
PACKAGES = {
    "gan_jax": {"gan_jax": "gan-jax", "jax": "jax", "flax": "flax"},
    "torch-fidelity": {"torch_fidelity": "torch-fidelity", "torch": "torch"},
}
"""What each side imports, and the distribution that it comes in."""


def write_weights(path: Path) -> None:
    """Random arrays under the names of the published file, so drawn that activations keep their size."""
    from gan_jax.metrics import inception

    rng = np.random.default_rng(0)
    arrays = {}
    for name, shape in inception.torch_shapes().items():
        if name.endswith("running_var"):
            array = rng.uniform(0.5, 2, shape)
        elif name.endswith("bn.weight"):
            array = rng.uniform(0.5, 1.5, shape)
        elif len(shape) == 4:
            array = rng.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5
        else:
            array = rng.normal(size=shape) * (0.02 if len(shape) == 2 else 0.3)
        arrays[name] = array.astype(np.float32)
    np.savez(path, **arrays)


def measure(side: str, folder: Path, seconds: float) -> dict[str, Any]:
    """One round of one side: median images/s over `seconds`, after two steps that do not count.

    Leaves the features of the first batch in the folder.
    """
    extract = SIDES[side](folder)
    data = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), np.uint8)
    np.savez(folder / f"{side}.npz", **extract(data[0]))
    extract(data[1])
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        extract(data[len(times) % len(data)])
        times.append(time.perf_counter() - begun)
    versions = {name: version(package) for name, package in PACKAGES[side].items()}
    return {"speed": SHAPE[0] / statistics.median(times), "versions": versions}


def compare(rounds: int, seconds: float, peer_python: str, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What `measure` found, in each round of each side. Raises SystemExit if a side fails."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, found in results.items():
            python = sys.executable if side == "gan_jax" else peer_python
            command = [python, __file__, "--side", side, str(folder), "--seconds", str(seconds)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"the side {side} failed")
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return results


def disagreement(folder: Path) -> dict[str, float]:
    """Largest difference between the sides' features of one batch, over the largest feature.

    Raises SystemExit if it is not rounding: the comparison is void if the peer is another network.
    """
    found = {}
    with np.load(folder / "gan_jax.npz") as ours, np.load(folder / "torch-fidelity.npz") as theirs:
        for name in ours:
            found[name] = float(np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max())
    if not max(found.values()) < 1e-4:
        sys.exit(f"not the same network: {found}")
    return found


def report(results: dict[str, list[dict[str, Any]]]) -> str:
    """The table, in Markdown."""
    batch, height, width, channels = SHAPE
    speeds = {side: [result["speed"] for result in found] for side, found in results.items()}
    ours = statistics.median(speeds["gan_jax"])
    rows = ["| images | side | images/s: median (min-max) of rounds | gan_jax / peer |", "|---|---|---|---|"]
    for side, found in speeds.items():
        median = statistics.median(found)
        ratio = "" if side == "gan_jax" else f"{ours / median:.2f}"
        title = f"{height}x{width}x{channels}, batch {batch}"
        rows.append(f"| {title} | {side} | {median:.1f} ({min(found):.1f}-{max(found):.1f}) | {ratio} |")
    return "\n".join(rows)


def main() -> None:
    """Runs all rounds and prints the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="processes for each side (default 5)")
    parser.add_argument("--seconds", type=float, default=20, help="timed seconds in each (default 20)")
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        metavar="PATH",
        help="interpreter for torch-fidelity, if it lives in another environment",
    )
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side, folder = options.side
        print(json.dumps(measure(side, Path(folder), options.seconds)))
        return
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    for side, packages in PACKAGES.items():
        require(sys.executable if side == "gan_jax" else options.peer_python, packages)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        write_weights(Path(name) / "weights.npz")
        results = compare(options.rounds, options.seconds, options.peer_python, Path(name))
        differences = disagreement(Path(name))
    versions = {name: number for found in results.values() for name, number in found[0]["versions"].items()}
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f};")
    print(f"Python {platform.python_version()}, {listed};")
    print(f"{options.rounds} rounds of {options.seconds:g} s\n")
    print("Largest difference over largest value:")
    print(", ".join(f"{name} {found:.1e}" for name, found in differences.items()) + "\n")
    print(report(results))


if __name__ == "__main__":
    main()
