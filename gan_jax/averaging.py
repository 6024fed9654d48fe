"""Moving averages of a generator's weights: what one samples from."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gan_jax.types import Weights

Averaging = Callable[[Weights, Weights, Int[Array, ""]], Weights]
"""`(average, current, step) -> average`, applied after every update of the generator; step counts from 0."""


def ema(decay: float) -> Averaging:
    """Exponential moving average: average <- d · average + (1 - d) · current.

    d = min(decay, (1 + step) / (10 + step)) lets the random start be forgotten, as TensorFlow's does. Yazıcı et al.
    2019 (arXiv:1806.04498) brought it to GANs. Raises ValueError unless 0 <= decay < 1.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"the decay of an average is in [0, 1), not {decay}")

    def update(average: Weights, current: Weights, step: Int[Array, ""]) -> Weights:
        d = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
        return jax.tree.map(lambda a, c: (d * a + (1 - d) * c).astype(a.dtype), average, current)

    return update
