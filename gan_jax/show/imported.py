"""`gan-jax import`: what others have published becomes such a folder as `gan-jax export` writes."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from flax.traverse_util import flatten_dict, unflatten_dict

from gan_jax.config.checks import check
from gan_jax.errors import ConfigError, DataError
from gan_jax.memory import in_words, require_memory
from gan_jax.metrics import torch_file
from gan_jax.published import autoencoder_kl, modules, r3gan, sngan, stylegan2
from gan_jax.published.layouts import Network, arranged, named
from gan_jax.published.modules import Published
from gan_jax.run.files import write_atomically
from gan_jax.run.training import abstract_state
from gan_jax.show import exported
from gan_jax.types import Weights


class Imported(NamedTuple):
    """A generator that others have published, as it is here."""

    published: Published
    network: Network
    weights: Weights


def read(file: Path) -> Imported:
    """Reads what others saved, in any of four ways; executes nothing of it. Raises DataError for another file."""
    if file.is_file():
        needed = 3 * file.stat().st_size
        require_memory(needed, f"{file}: its networks", "import them on a machine with more", error=DataError)
    published = _published(file)
    try:
        network = _described(published, f"{file.stem}'s images")
        state = abstract_state(check(network.config), network.classes)
        template = flatten_dict(exported.variables(state.generator.weights), sep=".")
        arrays = arranged(published, network, {name: leaf.shape for name, leaf in template.items()})
    except (ConfigError, DataError) as error:
        raise DataError(f"{file}: {str(error).splitlines()[0]}") from None
    found = unflatten_dict(arrays, sep=".")
    return Imported(published, network, Weights(found.pop("params"), found))


def import_(file: Path, out: Path) -> list[str]:
    """Writes the folder, and returns what to tell. Raises as `read` does."""
    published, network, weights = read(file)
    notes = {"classes": [str(i) for i in range(network.classes)], "counts": [1] * network.classes or None}
    which = "raw" if published.called in ("G", sngan.ENTRY) else "averaged"
    fields = exported.fields(network.config, notes, step=0, which=which)
    with file.open("rb") as theirs:
        fields["imported"] = {"file": file.name, "sha256": hashlib.file_digest(theirs, "sha256").hexdigest()}
    for name, content in exported.packed(weights, fields).items():
        write_atomically(out / name, content)
    size, which = in_words(os.path.getsize(out / exported.WEIGHTS)), f"the {which} weights of {file.name}"
    if network.config.task.given:
        return [f"{which}, in {out}: {size}; gan-jax encode {out} PICTURES --out latents.npz makes codes by them"]
    return [f"{which}, in {out}: {size}; gan-jax sample {out} draws from them"]


def _published(file: Path) -> Published:
    if file.suffix == ".safetensors":
        return autoencoder_kl.read(file)
    return sngan.read(file) if file.is_file() and torch_file.is_one(file) else modules.read(file)


def _described(published: Published, data: str) -> Network:
    for model in (r3gan, stylegan2, sngan, autoencoder_kl):
        if model.recognised(published):
            return model.described(published, data)
    there = named(set(published.tensors)) or "no tensors"
    raise DataError(
        "no generator of R3GAN or StyleGAN2-ADA, nor mimicry's of SNGAN, nor an AutoencoderKL of diffusers: it has "
        f"{there}"
    )
