"""Stable Diffusion's autoencoders as `diffusers` saves AutoencoderKL: `models/autoencoder_kl.py` here.

A file is safetensors, such as diffusion_pytorch_model.safetensors of stabilityai/sd-vae-ft-mse; how large the networks
are is read off its shapes. Older files name the layers of attention otherwise, which is told by their names, too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_jax.config import AutoencoderKL, Config, DataConfig, Reconstruction
from gan_jax.config.checks import check
from gan_jax.errors import DataError
from gan_jax.models.autoencoder import width_of
from gan_jax.published import tensors
from gan_jax.published.layouts import Network, Place, as_it_is, dense, layer
from gan_jax.published.modules import Published

OLDER = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What layers of attention were called before, and are now."""

SIZE = 256
"""Pixels on a side of images that the published ones were trained on."""


def read(path: str | Path) -> Published:
    """The tensors of a file. Raises DataError as `tensors.read` does."""
    return Published("", {_newer(name): tensor for name, tensor in tensors.read(path).items()}, {})


def recognised(published: Published) -> bool:
    """Whether this is one."""
    return {"encoder.conv_in.weight", "decoder.conv_in.weight"} <= published.tensors.keys()


def described(published: Published, data: str) -> Network:
    """What it is here; `data` is what its images are called. Raises ConfigError, DataError for what ours cannot be."""
    names = published.tensors.keys()
    stages = len({name.split(".")[2] for name in names if name.startswith("encoder.down_blocks.")})
    blocks = len({name.split(".")[4] for name in names if name.startswith("encoder.down_blocks.0.resnets.")})
    (width, channels), (_, code) = (_sides(published, f"{coder}.conv_in.weight") for coder in ("encoder", "decoder"))
    if stages not in (3, 4) or width % 32:
        raise DataError(
            f"it has {stages} stages, from {width} channels on; ours are 3 or 4, of multiples of 32 for as many groups"
        )
    smaller: Any = 1 << stages >> 1
    config = Config(
        data=DataConfig(name="pictures", path=data, size=SIZE, channels=channels),
        model=AutoencoderKL(generator_width=width, code=code, smaller=smaller, blocks=blocks),
        task=Reconstruction(),
    )
    return Network(check(config), 0, dict(_places(stages, blocks, width)))


def _places(stages: int, blocks: int, width: int) -> Iterator[tuple[str, Place]]:
    for coder, first, last, moments in (
        ("encoder", "image", "code", "quant_conv"),
        ("decoder", "code", "pixels", "post_quant_conv"),
    ):
        yield from layer(f"{coder}.{first}", f"{coder}.conv_in")
        yield from _middle(f"{coder}.middle", f"{coder}.mid_block")
        yield from _norm(f"{coder}.norm", f"{coder}.conv_norm_out")
        yield from layer(f"{coder}.{last}", f"{coder}.conv_out")
        yield from layer(f"{coder}.moments", moments)
    widths = [width_of(width, stage) for stage in range(stages)]
    before = {"encoder": [widths[0], *widths], "decoder": [*widths[1:], widths[-1]]}
    for stage in range(stages):
        down, up = f"encoder.down_blocks.{stage}", f"decoder.up_blocks.{stages - 1 - stage}"
        for coder, theirs, count in (("encoder", down, blocks), ("decoder", up, blocks + 1)):
            changes = before[coder][stage] != widths[stage]
            for i in range(count):
                yield from _block(f"{coder}.block_{stage}_{i}", f"{theirs}.resnets.{i}", changes=changes and not i)
        if stage < stages - 1:
            yield from layer(f"encoder.down_{stage}", f"{down}.downsamplers.0.conv")
        if stage:
            yield from layer(f"decoder.up_{stage}", f"{up}.upsamplers.0.conv")


def _middle(ours: str, theirs: str) -> Iterator[tuple[str, Place]]:
    for i in range(2):
        yield from _block(f"{ours}.block_{i}", f"{theirs}.resnets.{i}", changes=False)
    attention = f"{theirs}.attentions.0"
    yield from _norm(f"{ours}.attention.norm", f"{attention}.group_norm")
    for own, name in {"query": "to_q", "key": "to_k", "value": "to_v", "out": "to_out.0"}.items():
        yield f"params.{ours}.attention.{own}.kernel", Place(f"{attention}.{name}.weight", dense)
        yield f"params.{ours}.attention.{own}.bias", Place(f"{attention}.{name}.bias", as_it_is)


def _block(ours: str, theirs: str, *, changes: bool) -> Iterator[tuple[str, Place]]:
    for i in range(2):
        yield from _norm(f"{ours}.norm_{i}", f"{theirs}.norm{i + 1}")
        yield from layer(f"{ours}.layer_{i}", f"{theirs}.conv{i + 1}")
    if changes:
        yield from layer(f"{ours}.short", f"{theirs}.conv_shortcut")


def _norm(ours: str, theirs: str) -> Iterator[tuple[str, Place]]:
    yield f"params.{ours}.scale", Place(f"{theirs}.weight", as_it_is)
    yield f"params.{ours}.bias", Place(f"{theirs}.bias", as_it_is)


def _newer(name: str) -> str:
    return ".".join(OLDER.get(part, part) for part in name.split("."))


def _sides(published: Published, name: str) -> tuple[int, int]:
    """Outputs and inputs of a convolution. Raises DataError for what is none."""
    if len(shape := published.tensors[name].shape) != 4 or 0 in shape:
        raise DataError(f"{name}: expected a kernel [outputs, inputs, k, k], found {list(shape)}")
    return shape[0], shape[1]
