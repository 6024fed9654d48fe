"""Latents of pictures, from a run that has trained an autoencoder: `gan-jax encode`."""

import io
import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gan_jax.config import Config, NoTask
from gan_jax.config.build import load_data
from gan_jax.config.schema import to_json, with_values
from gan_jax.config.translators import Autoencoder
from gan_jax.data.dataset import Dataset
from gan_jax.data.decoder import Decoder
from gan_jax.data.reading import in_blocks
from gan_jax.errors import RunError
from gan_jax.images import to_float
from gan_jax.memory import require_memory
from gan_jax.network import evaluate
from gan_jax.run.checkpoints import to_arrays
from gan_jax.run.decoding import AT_ONCE, in_parts
from gan_jax.run.files import write_atomically
from gan_jax.run.sampling import open_run
from gan_jax.sizes import shown
from gan_jax.types import Weights


def encode(run: str, out: Path, *, moved: Mapping[str, str], best: bool) -> list[str]:
    """Writes the latents, float32 `[N, h, w, c]`, of what a run was trained on, and returns what to tell.

    They are the means that the averaged encoder says. Labels, the pictures and the averaged decoder lie beside them.
    `moved` may name other pictures by "data.path", or where named data are now by "data.data_dir". Raises ConfigError,
    DataError, RunError.
    """
    config, _, state, notes, _, _, remarks = open_run(run, best=best)
    model = config.model
    assert isinstance(model, Autoencoder)
    data = _pictures(config, moved)
    if "data.path" not in moved:
        data.must_be(notes["fingerprint"], notes["images"])
    needed = 3 * len(data) * int(np.prod(data.images.shape[1:]))
    require_memory(needed, f"{data.name}: {len(data):,} pictures and their latents", "encode fewer")
    network, _ = model.coders(config.data)
    weights = Weights(state.average.params["encoder"], {})
    mean = jax.jit(lambda weights, pictures: evaluate(network, weights, to_float(pictures), None)[0])
    latents = np.concatenate([in_parts(partial(mean, weights), block, AT_ONCE) for block in in_blocks(data.images)])
    if not np.isfinite(latents).all():
        raise RunError("the encoder says what is not finite; an earlier checkpoint may do better")
    kept = Decoder(to_json(config), run, int(state.step), to_arrays(Weights(state.average.params["decoder"], {})))
    arrays = {"images": latents, "pictures": np.asarray(data.images[:])} | kept.arrays()
    if data.labels is not None:
        arrays |= {"labels": data.labels, "classes": np.array(data.classes)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(out, buffer.getvalue())
    shape = "x".join(map(str, latents.shape[1:]))
    return [
        *remarks,
        f"{len(data):,} latents {shape} of {data.name}, by the averaged weights of step {kept.step}: {out}",
        "Try next:",
        f"  gan-jax train mnist_latent --data.path {shlex.quote(str(out))} --data.size {shown(latents.shape[1:3])} "
        f"--data.channels {latents.shape[-1]}",
    ]


def _pictures(config: Config, moved: Mapping[str, str]) -> Dataset:
    """What is encoded: what is trained on, or all of the pictures that are named, brought to the same size."""
    if "data.path" not in moved:
        return load_data(with_values(config, dict(moved)))
    size, channels = config.data.image_size, config.data.image_channels
    alike = {"data.size": size[0] if size[0] == size[1] else shown(size), "data.channels": channels}
    return load_data(replace(with_values(config, alike | dict(moved)), task=NoTask(), batch_size=1))
