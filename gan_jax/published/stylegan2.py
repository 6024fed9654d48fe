"""Generators that NVlabs/stylegan2-ada-pytorch pickled: `models/stylegan2.py` here.

What they are is read off their attributes, not off their constructor's arguments, whose defaults differ between
versions of that code. It computes in float16 at the higher resolutions; here "precision" is float32, which its
`force_fp32` compares with, and "clamp" is theirs. Noise is what they call "const".
"""

from collections.abc import Iterator
from typing import Any

from gan_jax.config import Config, DataConfig, StyleGAN2
from gan_jax.config.checks import check
from gan_jax.errors import DataError
from gan_jax.models.stylegan2 import CLAMP
from gan_jax.published.layouts import (
    Network,
    Place,
    as_it_is,
    convolution,
    count,
    dense,
    maps,
    noise,
    require,
    turned,
)
from gan_jax.published.modules import Published

_CONSTANT = "synthesis.b4.const"


def recognised(published: Published) -> bool:
    """Whether this is one."""
    return _CONSTANT in published.tensors


def described(published: Published, data: str) -> Network:
    """What it is here; `data` is what its images are called. Raises ConfigError, DataError for what ours cannot be."""
    size, classes, latent_size = (count(published, name) for name in ("img_resolution", "c_dim", "z_dim"))
    last = published.tensors.get(f"synthesis.b{size}.torgb.weight")
    if last is None or last.ndim != 4:
        raise DataError(f"synthesis.b{size}.torgb.weight: expected a kernel of the last image, found none")
    limit = None if published.fields.get("synthesis.b4.conv1.conv_clamp") is None else CLAMP
    config = Config(
        conditional=classes > 0,
        data=DataConfig(name="pictures", path=data, size=size, channels=count(published, "img_channels")),
        model=StyleGAN2(
            latent_size=latent_size,
            generator_width=last.shape[1],
            discriminator_width=last.shape[1],
            clamp=limit is not None,
        ),
    )
    ours: Any = check(config).model.networks(config.data, classes)[0]
    require(published, dict(_attributes(size, classes, latent_size, ours.mapping_layers, limit)))
    return Network(config, classes, dict(_places(size, classes, ours.mapping_layers)), ("resample_filter",))


def _attributes(
    size: int, classes: int, latent_size: int, mapping_layers: int, limit: float | None
) -> Iterator[tuple[str, object]]:
    """What their attributes must be, for ours to draw the same."""
    yield "w_dim", latent_size
    yield "mapping.num_layers", mapping_layers
    for layer in _mapping(mapping_layers):
        yield f"{layer}.activation", "lrelu"
        yield f"{layer}.bias_gain", 0.01  # the multiplier of its learning rate
    affine = ["mapping.embed"] * bool(classes)
    for pixels, layers in _blocks(size).items():
        yield f"synthesis.b{pixels}.architecture", "skip"
        for layer in (*layers, f"synthesis.b{pixels}.torgb"):
            yield f"{layer}.conv_clamp", limit
            affine.append(f"{layer}.affine")
        for layer in layers:
            yield f"{layer}.activation", "lrelu"
            yield f"{layer}.use_noise", True
    for layer in affine:
        yield f"{layer}.activation", "linear"
        yield f"{layer}.bias_gain", 1


def _places(size: int, classes: int, mapping_layers: int) -> Iterator[tuple[str, Place]]:
    yield "params.constant", Place(_CONSTANT, maps)
    yield "mean_style.mean", Place("mapping.w_avg", as_it_is)
    if classes:
        yield from _dense("params.mapping.embed", "mapping.embed")
    for i, layer in enumerate(_mapping(mapping_layers)):
        yield from _dense(f"params.mapping.layer_{i}", layer)
    for pixels, layers in _blocks(size).items():
        for layer in layers:
            enlarges = layer.endswith("conv0")
            own = f"layer_{pixels}_up" if enlarges else f"layer_{pixels}"
            yield f"params.{own}.convolution.kernel", Place(f"{layer}.weight", turned if enlarges else convolution)
            yield f"params.{own}.convolution.bias", Place(f"{layer}.bias", as_it_is)
            yield from _dense(f"params.{own}.convolution.scales", f"{layer}.affine")
            yield f"params.{own}.strength", Place(f"{layer}.noise_strength", as_it_is)
            yield f"noise.{own}.fixed", Place(f"{layer}.noise_const", noise)
        image, drawn = f"params.image_{pixels}", f"synthesis.b{pixels}.torgb"
        yield f"{image}.kernel", Place(f"{drawn}.weight", convolution)
        yield f"{image}.bias", Place(f"{drawn}.bias", as_it_is)
        yield from _dense(f"{image}.scales", f"{drawn}.affine")


def _dense(own: str, theirs: str) -> Iterator[tuple[str, Place]]:
    yield f"{own}.kernel", Place(f"{theirs}.weight", dense)
    yield f"{own}.bias", Place(f"{theirs}.bias", as_it_is)


def _mapping(layers: int) -> list[str]:
    return [f"mapping.fc{i}" for i in range(layers)]


def _blocks(size: int) -> dict[int, list[str]]:
    """The styled layers of each resolution, by its pixels."""
    larger = [8 << i for i in range(size.bit_length() - 3)]
    return {4: ["synthesis.b4.conv1"]} | {p: [f"synthesis.b{p}.conv0", f"synthesis.b{p}.conv1"] for p in larger}
