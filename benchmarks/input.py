"""Images/s of reading, decoding and batching a zip of pictures, gan_jax beside torch's DataLoader, in one run.

    python benchmarks/input.py photos.zip --size 32        # needs pip install -e '.[benchmark]'

Both sides read the same pictures in the same order, as RGB of `--size` pixels a side, resized by the same filter, and
must give the same sum of all pixels. They work in the loop itself (0 workers), or ahead of it: gan_jax in as many
threads, the DataLoader in as many processes. Each side runs in a process of its own, in turn; imports, listing the
pictures and the first batch do not count. Last, what an epoch in memory gives, and what it takes to decode it once.
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
from needed import require
from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""Of pictures that both sides read."""


def ours(options: argparse.Namespace, order: np.ndarray) -> Iterator[np.ndarray]:
    """Those pictures, in batches uint8 `[B, H, W, 3]`; with -1 workers, from memory."""
    from gan_jax.data import pictures
    from gan_jax.data.reading import read_ahead

    memory = math.inf if options.workers < 0 else 0
    images = pictures.load(options.path, size=options.size, channels=3, memory=memory).images
    read = lambda step: images[order[step * options.batch : (step + 1) * options.batch]]
    with read_ahead(read, 0, len(order) // options.batch, ahead=max(options.workers, 0)) as batches:
        yield from batches


def theirs(options: argparse.Namespace, order: np.ndarray) -> Iterator[np.ndarray]:
    """The same batches out of a DataLoader, through a dataset as people write it."""
    import torch

    class Pictures(torch.utils.data.Dataset):
        def __init__(self) -> None:
            self.names = names_in(options.path)
            self.archive: zipfile.ZipFile | None = None

        def __len__(self) -> int:
            return len(self.names)

        def __getitem__(self, i: int) -> np.ndarray:
            if self.archive is None:  # each worker its own
                self.archive = zipfile.ZipFile(options.path)
            with self.archive.open(self.names[i]) as file:
                return np.asarray(square(Image.open(file).convert("RGB"), options.size))

    yield from torch.utils.data.DataLoader(
        Pictures(),
        batch_size=options.batch,
        sampler=order.tolist(),
        num_workers=options.workers,
        collate_fn=np.stack,
        drop_last=True,
    )


def names_in(path: str) -> list[str]:
    """The pictures of a zip."""
    with zipfile.ZipFile(path) as archive:
        return sorted(name for name in archive.namelist() if name.lower().endswith(SUFFIXES))


def square(picture: Image.Image, size: int) -> Image.Image:
    """Covers a square and is cropped in the middle, as gan_jax does it."""
    if picture.size == (size, size):
        return picture
    side, (width, height) = min(picture.size), picture.size
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    return picture.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Images/s after the first batch, the seconds until then, and the sum of all pixels."""
    order = np.random.default_rng(0).permutation(len(names_in(options.path)))[: options.images]
    begun = time.perf_counter()
    batches = {"gan_jax": ours, "torch": theirs}[options.side](options, order)
    total = int(next(batches).sum(dtype=np.int64))
    first, counted = time.perf_counter(), 0
    for batch in batches:
        total += int(batch.sum(dtype=np.int64))
        counted += len(batch)
    rate = counted / (time.perf_counter() - first)
    return {"rate": rate, "until": first - begun, "total": total, "version": version(options.side.replace("_", "-"))}


def ask(python: str, options: argparse.Namespace, side: str, workers: int) -> Any:
    """What this script answers in a process of its own."""
    numbers = {"size": options.size, "batch": options.batch, "images": options.images, "workers": workers}
    arguments = [options.path, "--side", side, *(f"--{name}={value}" for name, value in numbers.items())]
    done = subprocess.run([python, __file__, *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{side} with {workers} workers failed")
    return json.loads(done.stdout.splitlines()[-1])


def compare(options: argparse.Namespace) -> None:
    """Both sides in turn, and the table."""
    require(sys.executable, ["gan_jax"])
    require(options.peer_python, ["torch", "gan_jax"])
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    pythons = {"gan_jax": sys.executable, "torch": options.peer_python}
    found: dict[tuple[str, int], list[Any]] = {}
    for _ in range(options.rounds):
        for workers in (0, 1, 2):
            for side, python in pythons.items():
                found.setdefault((side, workers), []).append(ask(python, options, side, workers))
    held = ask(sys.executable, options, "gan_jax", -1)
    totals = {each["total"] for results in found.values() for each in results} | {held["total"]}
    if len(totals) > 1:
        sys.exit(f"the two sides read other pixels ({totals}): there is nothing to compare")
    rate = lambda side, workers: statistics.median(each["rate"] for each in found[side, workers])
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f}; Python")
    print(f"{platform.python_version()}, torch {found['torch', 0][0]['version']}, Pillow {version('pillow')};", end=" ")
    print(f"{options.images:,} images of {options.path}, batches of {options.batch}, {options.rounds} rounds\n")
    print(f"| {options.size}x{options.size} | gan_jax images/s | DataLoader images/s | gan_jax / DataLoader |")
    print("|---|---|---|---|")
    for workers in (0, 1, 2):
        a, b = rate("gan_jax", workers), rate("torch", workers)
        print(f"| {workers} workers | {a:,.0f} | {b:,.0f} | {a / b:.2f} |")
    print(f"\nIn memory {held['rate']:,.0f} images/s, after {held['until']:.1f} s of decoding all of them.")


def main() -> None:
    """Runs all rounds and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", help="a zip of pictures")
    parser.add_argument("--size", type=int, default=32, help="pixels on a side (default 32)")
    parser.add_argument("--batch", type=int, default=128, help="images of a batch (default 128)")
    parser.add_argument("--images", type=int, default=50_000, help="that are read by each process (default 50,000)")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each side (default 3)")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH", help="interpreter for the peer")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options)))
    else:
        compare(options)


if __name__ == "__main__":
    main()
