"""A generator as one program: StableHLO with its weights inside, for any batch, that JAX alone runs (`jax.export`).

One artefact is for CPU, CUDA and TPU. Where a convolution is computed in another way on a CPU
(`layers/formulations.py`), both ways are in it behind the number of the platform, and what compiles it keeps the one.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import export
from jaxtyping import Array, UInt8

from gan_jax.config import Config
from gan_jax.config.translators import Translator
from gan_jax.data.scaling import Scaling
from gan_jax.errors import ConfigError
from gan_jax.gan import GAN, generate
from gan_jax.memory import in_words
from gan_jax.types import Images, Labels, Latents, Weights

Masks = UInt8[Array, "batch height width"]  # the numbers of classes

PLATFORMS = ("cpu", "cuda", "tpu")

SMALLEST = 8
"""Pixels on a side of what a translator is given, from where all of them can mirror its borders."""


LARGEST = 2**31 - 2**20
"""Bytes of weights: the file is a flatbuffer, which ends at 2 GB."""


class TooLargeError(ConfigError):
    """A generator whose weights no such file can hold."""


class Program(NamedTuple):
    """What `jax.export.deserialize` reads, and what it takes and gives: `(name, dtype, shape)`, B, h and w free."""

    content: bytes
    takes: list[tuple[str, str, str]]
    gives: tuple[str, str, str]


def sampler(gan: GAN, weights: Weights, *, labels: bool, scaling: Scaling | None = None) -> Program:
    """`(latents [B, L]) -> images [B, H, W, C]` in [-1, 1], float32; with labels `(latents, labels int32 [B])`.

    Data of floats come in their own range, of which `scaling` knows. Text is a distribution over its alphabet at each
    place, `[B, 1, T, V]`. Raises TooLargeError.
    """
    _check(weights)
    (batch,) = export.symbolic_shape("B")
    given = {"latents": jax.ShapeDtypeStruct((batch, gan.latent_size), jnp.float32)}
    given |= {"labels": jax.ShapeDtypeStruct((batch,), jnp.int32)} if labels else {}

    def draw(latents: Latents, labels: Labels | None = None) -> Images:
        images = generate(gan, weights, latents, labels)
        if scaling is None:
            return images
        scale, mean = (jnp.asarray(values, jnp.float32)[None, None, None] for values in (scaling.scale, scaling.mean))
        return images * scale + mean

    return _program(draw, given)


def translator(config: Config, gan: GAN, weights: Weights) -> Program:
    """`(pictures [B, h, w, C]) -> images [B, H, W, C]`, both in [-1, 1], for sides that are multiples of some pixels.

    A task with holes takes `known [B, h, w, 1]`, too: 1 where a pixel is known, else 0. One of masks gives classes
    `[B, H, W]`, uint8, the likeliest of each pixel. Raises TooLargeError.
    """
    _check(weights)
    model, task = config.model, config.task.build()
    assert isinstance(model, Translator)
    step = model.step(config.data)
    least = -(-SMALLEST // step)
    sides = export.symbolic_shape(f"B, {step}*h, {step}*w", constraints=[f"h >= {least}", f"w >= {least}"])
    given = {"pictures": jax.ShapeDtypeStruct((*sides, config.data.image_channels), jnp.float32)}
    given |= {"known": jax.ShapeDtypeStruct((*sides, 1), jnp.float32)} if task.has_holes else {}

    def translate(pictures: Images, known: Images | None = None) -> Images | Masks:
        known = jnp.ones((*pictures.shape[:3], 1)) if known is None else known
        latents = jnp.zeros((pictures.shape[0], gan.latent_size))
        made = generate(gan, weights, latents, task.given(pictures, known))
        return jnp.argmax(made, axis=-1).astype(jnp.uint8) if config.task.of_masks else task.shown(made)

    return _program(translate, given, "classes" if config.task.of_masks else "images")


def _check(weights: Weights) -> None:
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(weights))
    if size > LARGEST:
        raise TooLargeError(f"weights of {in_words(size)} do not fit into one file, which ends at 2 GB")


def _program(
    function: Callable[..., Images | Masks], given: dict[str, jax.ShapeDtypeStruct], gives: str = "images"
) -> Program:
    exported = export.export(jax.jit(function), platforms=PLATFORMS)(*given.values())
    takes = [(name, *_written(aval)) for name, aval in zip(given, exported.in_avals, strict=True)]
    return Program(bytes(exported.serialize()), takes, (gives, *_written(exported.out_avals[0])))


def _written(aval: jax.core.ShapedArray) -> tuple[str, str]:
    return str(aval.dtype), f"[{', '.join(map(str, aval.shape))}]"
