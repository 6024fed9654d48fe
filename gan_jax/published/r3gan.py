"""Generators that the code of R3GAN's authors pickled (brownvc/R3GAN): `models/r3gan.py` here.

They tell no arguments of their constructor: widths, groups and blocks are read off the shapes of their tensors. The
authors compute in bfloat16 at the higher resolutions; here "precision" is float32, nearer to what the weights say.
"""

import itertools
from collections.abc import Collection, Iterator
from typing import Any

from gan_jax.config import R3GAN, Config, DataConfig
from gan_jax.config.checks import check
from gan_jax.errors import DataError
from gan_jax.published.layouts import Network, Place, as_it_is, convolution, count, dense, maps, pointwise
from gan_jax.published.modules import Published


def recognised(published: Published) -> bool:
    """Whether this is one."""
    return "Model.MainLayers.0.Layers.0.Basis" in published.tensors


def described(published: Published, data: str) -> Network:
    """What it is here; `data` is what its images are called. Raises ConfigError, DataError for what ours cannot be."""
    blocks = [*itertools.takewhile(bool, (_blocks(published, stage) for stage in itertools.count()))]
    stages = len(blocks)
    widths = tuple(_sides(published, stage, 1)[1] for stage in range(stages))
    classes = count(published, "c_dim")
    width = _sides(published, 0, 1)[1]
    config = Config(
        conditional=classes > 0,
        data=DataConfig(name="pictures", path=data, size=4 << stages >> 1, channels=3),
        model=R3GAN(latent_size=count(published, "z_dim"), generator_width=width, discriminator_width=width),
    )
    ours: Any = check(config).model.networks(config.data, classes)[0]
    found = {
        "WidthPerStage": (widths, ours.widths),
        "BlocksPerStage": (tuple(blocks), (ours.blocks,) * stages),
        "ExpansionFactor": ({_sides(published, i, 1)[0] / widths[i] for i in range(stages)}, {ours.expansion}),
        "channels of a group": ({_sides(published, i, 2)[1] for i in range(stages)}, {ours.group_channels}),
    }
    for name, (theirs, own) in found.items():
        if theirs != own:
            raise DataError(f"{name}: {_plain(theirs)}; model r3gan of width {width} has {_plain(own)}, as in config E")
    return Network(config, classes, dict(_places(widths, blocks[0], classes)), ("Resampler.Kernel",))


def _places(widths: tuple[int, ...], blocks: int, classes: int) -> Iterator[tuple[str, Place]]:
    first = "Model.MainLayers.0.Layers.0."
    yield "params.basis", Place(f"{first}Basis", maps)
    yield "params.scale.kernel", Place(f"{first}LinearLayer.weight", dense)
    if classes:
        yield "params.embed.kernel", Place("Model.EmbeddingLayer.weight", dense)
    for i, width in enumerate(widths):
        join = f"Model.MainLayers.{i}.Layers.0.LinearLayer.Layer.weight"
        if i and widths[i - 1] != width:
            yield (
                f"params.to_{4 << i}.kernel",
                Place(join, pointwise),
            )
        for j in range(blocks):
            theirs, own = _layers(i, j), f"params.block_{4 << i}_{j}"
            yield f"{own}.widen.kernel", Place(f"{theirs}.LinearLayer1.Layer.weight", pointwise)
            yield f"{own}.widen.bias", Place(f"{theirs}.NonLinearity1.Bias", as_it_is)
            yield f"{own}.mix.kernel", Place(f"{theirs}.LinearLayer2.Layer.weight", convolution)
            yield f"{own}.mix.bias", Place(f"{theirs}.NonLinearity2.Bias", as_it_is)
            yield f"{own}.narrow.kernel", Place(f"{theirs}.LinearLayer3.Layer.weight", pointwise)
    yield "params.pixels.kernel", Place("Model.AggregationLayer.Layer.weight", pointwise)


def _layers(stage: int, block: int) -> str:
    return f"Model.MainLayers.{stage}.Layers.{block + 1}"


def _blocks(published: Published, stage: int) -> int:
    there = (f"{_layers(stage, j)}.LinearLayer1.Layer.weight" in published.tensors for j in itertools.count())
    return sum(itertools.takewhile(bool, there))


def _sides(published: Published, stage: int, layer: int) -> tuple[int, int]:
    """Outputs and inputs of a stage's first block's convolution, inputs of a group. Raises DataError without any."""
    name = f"{_layers(stage, 0)}.LinearLayer{layer}.Layer.weight"
    shape = published.tensors[name].shape if name in published.tensors else ()
    if len(shape) != 4 or 0 in shape:
        raise DataError(f"{name}: expected a kernel [outputs, inputs, k, k], found {list(shape) or 'none'}")
    return shape[0], shape[1]


def _plain(found: Collection[float]) -> str:
    return ", ".join(f"{number:g}" for number in found)
