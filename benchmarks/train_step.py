"""Images per second of one train step (both networks updated), gan_jax beside the peers, in one run.

    python benchmarks/train_step.py                 # needs pip install -e '.[benchmark]'

Each side runs in a process of its own, in turn (A B A B ...), so that the machine's moods meet both. A side
is handed a fresh NumPy batch each step, and its step counts as done once its losses are known. All is
float32, non-saturating loss, latents of 100; Adam(1e-4) with Keras's defaults for the article's pair,
Adam(2e-4, beta1 0.5) for DCGAN. gan_jax also averages the generator, as always.

Run it on an idle machine: OpenMP threads, which PyTorch uses, spin while they wait, and lose several times their speed
when another program wants the cores.
"""

import argparse
import datetime
import importlib
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from needed import require

LATENT = 100
SHAPES = {"article": (64, 28, 28, 1), "dcgan": (32, 64, 64, 3)}
"""Batch of each network, `[B, H, W, C]`."""

Side = tuple[Callable[[np.ndarray], Any], dict[str, int]]
"""A step of uint8 images, which returns when it is done; and the parameters that gradients move."""


def with_gan_jax(network: str) -> Side:
    """The step as a run of gan_jax compiles it: donated state, batch laid over all devices."""
    import jax
    import optax

    from gan_jax import GAN, Batch, init, make_step, parallel
    from gan_jax.models import article, dcgan

    pairs = {
        "article": (article.Generator(), article.Discriminator()),
        "dcgan": (dcgan.Generator(64), dcgan.Discriminator()),
    }
    adam = {"article": optax.adam(1e-4, eps=1e-7), "dcgan": optax.adam(2e-4, b1=0.5)}[network]
    gan = GAN(*pairs[network], adam, adam, latent_size=LATENT)
    mesh = parallel.make_mesh()
    example = Batch(np.zeros(SHAPES[network], np.uint8))
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example), mesh)
    compiled = parallel.compile_step(make_step(gan), mesh)
    count = lambda player: sum(leaf.size for leaf in jax.tree.leaves(player.weights.params))
    counts = {"generator": count(state.generator), "discriminator": count(state.discriminator)}

    def step(images: np.ndarray) -> Any:
        nonlocal state
        state, metrics = compiled(state, parallel.put_batch(mesh, images))
        return jax.device_get(metrics)

    return step, counts


def with_keras() -> Side:
    """The article's program: train_on_batch of the discriminator twice, then of the combined model, mended.

    The mends: a last layer that ends at 28x28, a discriminator that is compiled, and frozen inside the combined model,
    and fakes that are the generator's images. As there, the generator is trained on the latents of those.
    """
    os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "tensorflow", "3"
    import keras
    from keras import layers

    adam = lambda: keras.optimizers.Adam(1e-4)
    leaky = lambda: layers.LeakyReLU(negative_slope=0.01)
    up = lambda features, stride, activation=None: layers.Conv2DTranspose(
        features, 5, stride, padding="same", activation=activation
    )
    down = lambda: [layers.Conv2D(128, 5, 2, padding="same"), leaky(), layers.Dropout(0.3)]
    generator = keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(7 * 7 * 128, activation="relu"),
            layers.Reshape((7, 7, 128)),
            up(128, 1),
            leaky(),
            up(128, 2),
            leaky(),
            up(1, 2, "tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((28, 28, 1)), *down(), *down(), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    size = lambda model: sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    counts = {"generator": size(generator), "discriminator": size(discriminator)}
    discriminator.compile(loss="binary_crossentropy", optimizer=adam())
    ones, zeros = np.ones((64, 1), np.float32), np.zeros((64, 1), np.float32)
    noise = lambda: np.random.normal(size=(64, LATENT)).astype(np.float32)
    # Keras 3 reads `trainable` when it traces, at the first call: the discriminator's own training is traced
    # while it is True, the combined model's while it is False.
    discriminator.train_on_batch(generator.predict(noise(), verbose=0), zeros)
    discriminator.trainable = False
    combined = keras.Sequential([generator, discriminator])
    combined.compile(loss="binary_crossentropy", optimizer=adam())
    combined.train_on_batch(noise(), ones)

    def step(images: np.ndarray) -> Any:
        latents = noise()
        fake = generator.predict(latents, verbose=0)
        real = discriminator.train_on_batch(images / np.float32(127.5) - 1, ones)
        made = discriminator.train_on_batch(fake, zeros)
        return real, made, combined.train_on_batch(latents, ones)

    _check_each_update_moves_its_own(step, discriminator, combined, generator, noise(), ones)
    return step, counts


def _check_each_update_moves_its_own(
    step: Callable[[np.ndarray], Any],
    discriminator: Any,
    combined: Any,
    generator: Any,
    noise: np.ndarray,
    ones: np.ndarray,
) -> None:
    """The comparison is void if the peer does other work; raises SystemExit then."""
    snapshot = lambda model: [weight.numpy() for weight in model.weights]
    moved = lambda a, b: any(not np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    step(np.zeros(SHAPES["article"], np.uint8))
    d, g = snapshot(discriminator), snapshot(generator)
    combined.train_on_batch(noise, ones)
    if moved(d, snapshot(discriminator)) or not moved(g, snapshot(generator)):
        sys.exit("the Keras program's combined model does not train the generator alone")
    discriminator.train_on_batch(np.ones(SHAPES["article"], np.float32), ones)
    if not moved(d, snapshot(discriminator)):
        sys.exit("the Keras program's discriminator does not train")


def with_torch() -> Side:
    """The same DCGAN in PyTorch eager, no gradient computed that no optimizer reads."""
    import torch
    from torch import nn
    from torch.nn.functional import softplus

    class Project(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(LATENT, 4 * 4 * 512, bias=False)

        def forward(self, latents: Any) -> Any:
            return self.dense(latents).reshape(-1, 512, 4, 4)

    widths = (512, 256, 128, 64)
    norm = lambda width: [nn.BatchNorm2d(width), nn.ReLU()]
    up = lambda a, b: [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), *norm(b)]
    stages = [up(a, b) for a, b in itertools.pairwise(widths)]
    last = [nn.ConvTranspose2d(64, 3, 4, 2, 1), nn.Tanh()]
    generator = nn.Sequential(Project(), *norm(512), *[layer for stage in stages for layer in stage], *last)
    down = [
        [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
        for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True)
    ]
    first = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    discriminator = nn.Sequential(
        *first, *[layer for stage in down for layer in stage], nn.Flatten(), nn.Linear(4 * 4 * 512, 1)
    )
    size = lambda model: sum(p.numel() for p in model.parameters())
    counts = {"generator": size(generator), "discriminator": size(discriminator)}
    adam = lambda model: torch.optim.Adam(model.parameters(), 2e-4, (0.5, 0.999))
    g_adam, d_adam = adam(generator), adam(discriminator)

    def step(images: np.ndarray) -> Any:
        real = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            fake = generator(torch.randn(len(real), LATENT))
        d_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
        d_adam.zero_grad()
        d_loss.backward()
        d_adam.step()
        discriminator.requires_grad_(False)
        g_loss = softplus(-discriminator(generator(torch.randn(len(real), LATENT)))).mean()
        g_adam.zero_grad()
        g_loss.backward()
        g_adam.step()
        discriminator.requires_grad_(True)
        return d_loss.item(), g_loss.item()

    return step, counts


SIDES: dict[str, dict[str, Callable[[], Side]]] = {
    "article": {"gan_jax": lambda: with_gan_jax("article"), "Keras": with_keras},
    "dcgan": {"gan_jax": lambda: with_gan_jax("dcgan"), "PyTorch eager": with_torch},
}
PACKAGES = {
    "gan_jax": {"gan_jax": "gan-jax", "jax": "jax"},
    "Keras": {"keras": "keras", "tensorflow": "tensorflow-cpu"},
    "PyTorch eager": {"torch": "torch"},
}
"""What each side imports, and the distribution that it comes in."""


def measure(network: str, side: str, seconds: float) -> dict[str, Any]:
    """One round of one side: median images/s over `seconds`, after ten steps that do not count."""
    step, counts = SIDES[network][side]()
    rng = np.random.default_rng(0)
    batch, *shape = SHAPES[network]
    data = rng.integers(0, 256, (512, *shape), np.uint8)
    times: list[float] = []
    for _ in range(10):
        step(data[rng.integers(0, len(data), batch)])
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        images = data[rng.integers(0, len(data), batch)]
        begun = time.perf_counter()
        step(images)
        times.append(time.perf_counter() - begun)
    versions = {name: _version(name, package) for name, package in PACKAGES[side].items()}
    return {"speed": batch / statistics.median(times), "counts": counts, "versions": versions}


def _version(name: str, package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # TensorFlow comes under several names
        return str(importlib.import_module(name).__version__)


def compare(network: str, rounds: int, seconds: float, peer_python: str) -> dict[str, list[dict[str, Any]]]:
    """What `measure` found, in each round of each side.

    Raises SystemExit if a side fails, or if the first round shows that the networks differ in size.
    """
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES[network]}
    for _ in range(rounds):
        for side, found in results.items():
            python = sys.executable if side == "gan_jax" else peer_python
            command = [python, __file__, "--side", network, side, "--seconds", str(seconds)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"{network}: the side {side} failed")
            found.append(json.loads(done.stdout.splitlines()[-1]))
        counts = {side: found[0]["counts"] for side, found in results.items()}
        if any(count != counts["gan_jax"] for count in counts.values()):
            sys.exit(f"{network}: not the same network: {counts}")
    return results


def report(results: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
    """Parameter counts and the table, in Markdown."""
    counts, rows = ["Parameters:", ""], []
    for network, sides in results.items():
        batch, height, width, channels = SHAPES[network]
        speeds = {side: [result["speed"] for result in found] for side, found in sides.items()}
        ours = statistics.median(speeds["gan_jax"])
        for side, found in speeds.items():
            size = sides[side][0]["counts"]
            counts.append(f"- {network}, {side}: {size['generator']:,} in G, {size['discriminator']:,} in D")
            median = statistics.median(found)
            ratio = "" if side == "gan_jax" else f"{ours / median:.2f}"
            title = f"{network} {height}x{width}x{channels}, batch {batch}"
            rows.append(f"| {title} | {side} | {median:.0f} ({min(found):.0f}-{max(found):.0f}) | {ratio} |")
    head = ["| network | side | images/s: median (min-max) of rounds | gan_jax / peer |", "|---|---|---|---|"]
    return "\n".join([*counts, "", *head, *rows])


def main() -> None:
    """Runs all rounds and prints the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="processes for each side (default 5)")
    parser.add_argument("--seconds", type=float, default=8, help="timed seconds in each (default 8)")
    parser.add_argument("--only", choices=list(SIDES), help="one network instead of all")
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        metavar="PATH",
        help="interpreter for the peers, if they live in another environment",
    )
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(*options.side, options.seconds)))
        return
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    if shutil.which(options.peer_python) is None:
        parser.error(f"--peer-python: {options.peer_python} is not a program")
    networks = [options.only] if options.only else list(SIDES)
    for side in {side for network in networks for side in SIDES[network]}:
        require(sys.executable if side == "gan_jax" else options.peer_python, PACKAGES[side])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if load > 0.5:
        print(f"the machine is busy (load {load:.1f}): do not quote what follows", file=sys.stderr)
    how = (options.rounds, options.seconds, options.peer_python)
    results = {network: compare(network, *how) for network in networks}
    versions: dict[str, str] = {}
    for sides in results.values():
        for found in sides.values():
            versions |= found[0]["versions"]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, load before {load:.1f};")
    print(f"Python {platform.python_version()}, {listed}; {options.rounds} rounds of {options.seconds:g} s\n")
    print(report(results))


if __name__ == "__main__":
    main()
