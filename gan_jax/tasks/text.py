"""Text as a GAN has it: images one pixel high, whose channels are an alphabet's characters.

Of real text a pixel is one-hot; what a generator makes is a distribution over the alphabet (Gulrajani et al. 2017,
arXiv:1704.00028, appendix). As images, `[B, 1, T, V]`, they go through steps, penalties and averages as all images do.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from gan_jax.types import Batch

Numbers = UInt8[Array, "... 1 characters 1"]
Distributions = Float[Array, "... 1 characters symbols"]  # non-negative, of sum 1


def one_hot(numbers: Numbers, symbols: int) -> Distributions:
    """Numbers in [0, symbols), uint8, as distributions that are certain; of a number beyond, NaN."""
    certain = jax.nn.one_hot(numbers[..., 0], symbols)
    return jnp.where(numbers.astype(jnp.int32) < symbols, certain, jnp.nan)  # 256 is no byte


def likeliest(distributions: Distributions) -> Numbers:
    """The number of the largest share at each place, uint8; of equals the lowest. Numbers stay what they are."""
    if distributions.dtype == jnp.uint8:
        return distributions
    return jnp.argmax(distributions, axis=-1, keepdims=True).astype(jnp.uint8)


def spelled_out(step: Callable[..., Any], symbols: int) -> Callable[..., Any]:
    """A step that is given numbers, as they are read, and takes them one-hot: so that these are never stored."""
    return lambda state, batch: step(state, Batch(one_hot(batch.images, symbols), batch.condition))
