"""Latents of pictures, by a trained autoencoder: `gan-jax encode`."""

import io
import math
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gan_jax.config import Config, NoTask
from gan_jax.config.build import load_data
from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.config.schema import to_json, with_values
from gan_jax.config.translators import Autoencoder
from gan_jax.data.arrays import DECODER, FILES, IMAGES
from gan_jax.data.dataset import Dataset
from gan_jax.data.decoder import KeptDecoder
from gan_jax.data.reading import in_blocks
from gan_jax.errors import ConfigError, RunError
from gan_jax.images import to_float
from gan_jax.memory import require_memory
from gan_jax.network import evaluate
from gan_jax.run.decoding import at_once, in_parts
from gan_jax.run.files import check_absent, write_atomically
from gan_jax.run.named_arrays import to_arrays
from gan_jax.run.sampling import Source
from gan_jax.screen import tell
from gan_jax.sizes import shown
from gan_jax.types import Weights

SECONDS = 10.0
"""Between lines that say how far it is."""

UNFINISHED = ".encoding"
"""The folder of files that are being written; what a kill left there is removed by the next attempt."""


def encode(source: Source, out: Path, *, moved: Mapping[str, str], size: int | str | None) -> list[str]:
    """Writes the latents, float32 `[N, h, w, c]`, of what an autoencoder was trained on, and returns what to tell.

    They are the means that the encoder says. Labels, the pictures and the decoder lie beside them: in one .npz, which
    has to fit into memory, or in files beside an images.npy, which are written as pictures are read. `moved` may name
    other pictures by "data.path", which are brought to the size, by default that of the training's; or where named
    data are now by "data.data_dir". Raises ConfigError, DataError, RunError.
    """
    check_ending(out, ENDINGS["latents"])
    config, model = source.config, source.config.model
    assert isinstance(model, Autoencoder)
    if out.suffix == ".npz":
        check_absent(out)
    there = [name for name in FILES if out.with_name(name).exists()] if out.name == IMAGES else []
    if there:
        raise ConfigError(f"out: {out.parent} holds {there[0]} already; name a folder without {', '.join(FILES)}")
    data = _pictures(config, moved, size)
    if "data.path" not in moved:
        data.must_be(source.notes["fingerprint"], source.notes["images"])
    if out.suffix == ".npz":
        needed = 3 * len(data) * math.prod(data.images.shape[1:])
        mend = f"write an images.npy: --out {out.with_suffix('') / IMAGES}"
        require_memory(needed, f"{data.name}: {len(data):,} pictures and their latents", mend)
    network, _ = model.coders(config.data)
    coder = source.weights().params
    weights = Weights(coder["encoder"], {})
    mean = jax.jit(lambda weights, pictures: evaluate(network, weights, to_float(pictures), None)[0])
    count = at_once(*data.images.shape[1:3])
    blocks = _encoded(data, lambda pictures: in_parts(partial(mean, weights), pictures, count))
    called = f"{source.called}, {source.run}"
    kept = KeptDecoder(to_json(config), called, to_arrays(Weights(coder["decoder"], {})))
    beside = {} if data.labels is None else {"labels": data.labels, "classes": np.array(data.classes)}
    write = _write_archive if out.suffix == ".npz" else _write_files
    try:
        latent = write(out, len(data), blocks, beside, kept)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or out}: {error.strerror or error}") from None
    shape, side = "x".join(map(str, latent)), shown(latent[:2])
    held = "" if data.test is None else f" ({len(data.test):,} pictures are held out, and not among them)"
    return [
        *source.remarks,
        f"{len(data):,} latents {shape} of {data.name}{held}, by {source.called}: {out}",
        "Try next:",
        f"  gan-jax train {_RECIPES.get(latent, 'mnist_latent')} --data.path {shlex.quote(str(out))} "
        f"--data.size {side} --data.channels {latent[-1]}",
    ]


_RECIPES: dict[tuple[int, ...], str] = {(32, 32, 4): "imagenet256_gat", (8, 8, 8): "cifar10_gat_latent"}
"""Recipes by the shape of the latents that they are for; the one for the rest is the quickest."""


Blocks = Iterator[tuple[np.ndarray, np.ndarray]]
"""Pictures, and their latents."""


def _encoded(data: Dataset, encode: Callable[[np.ndarray], np.ndarray]) -> Blocks:
    done, told = 0, time.monotonic()
    for pictures in in_blocks(data.images):
        latents = encode(pictures)
        if not np.isfinite(latents).all():
            raise RunError("the encoder says what is not finite; an earlier checkpoint may do better")
        yield pictures, latents
        done += len(pictures)
        if time.monotonic() > told + SECONDS:
            tell(f"  {done:,} of {len(data):,} pictures", sys.stderr)
            told = time.monotonic()


def _write_archive(
    out: Path, count: int, blocks: Blocks, beside: Mapping[str, np.ndarray], kept: KeptDecoder
) -> tuple[int, ...]:
    """One .npz, written whole or not at all; returns the shape of a latent."""
    pictures, latents = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    assert len(latents) == count
    buffer = io.BytesIO()
    np.savez(buffer, images=latents, pictures=pictures, **beside, **kept.arrays())  # type: ignore[arg-type]
    write_atomically(out, buffer.getvalue())
    return latents.shape[1:]


def _write_files(
    out: Path, count: int, blocks: Blocks, beside: Mapping[str, np.ndarray], kept: KeptDecoder
) -> tuple[int, ...]:
    """An .npy of each array, and the decoder, in a folder apart until all are whole: the decoder's comes last."""
    unfinished = out.with_name(UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    made: list[np.ndarray] = []
    for block in blocks:
        if not made:
            paths = (unfinished / "pictures.npy", unfinished / IMAGES)
            made = [
                np.lib.format.open_memmap(path, "w+", rows.dtype, (count, *rows.shape[1:]))
                for path, rows in zip(paths, block, strict=True)
            ]
            done = 0
        for array, rows in zip(made, block, strict=True):
            array[done : done + len(rows)] = rows
        done += len(block[0])
    for name, array in beside.items():
        np.save(unfinished / f"{name}.npy", array)
    np.savez(unfinished / DECODER, **kept.arrays())  # type: ignore[arg-type]
    for name in FILES:
        if (unfinished / name).exists():
            (unfinished / name).replace(out.with_name(name))
    unfinished.rmdir()
    return made[1].shape[1:]


def _pictures(config: Config, moved: Mapping[str, str], asked: int | str | None) -> Dataset:
    """What is encoded: what is trained on, or all of the pictures that are named, brought to the same size."""
    if "data.path" not in moved:
        return load_data(with_values(config, dict(moved)))
    size, channels = config.data.image_size, config.data.image_channels
    same = size[0] if size[0] == size[1] else shown(size)
    alike = {"data.size": asked or same, "data.channels": channels}
    return load_data(replace(with_values(config, alike | dict(moved)), task=NoTask(), batch_size=1))
