"""Moving averages of a generator's weights: what one samples from."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from gan_jax.network import is_float, wide
from gan_jax.types import Scalar, Weights

Averaging = Callable[[Weights, Weights, Int[Array, ""]], Weights]
"""`(average, current, step) -> average`, applied after every update of the generator; step counts from 0.

Averages are float32 where weights are narrower: at a decay of 0.999 a step moves them by less than bfloat16 can tell.
`generate` draws with them as they are; networks compute in dtypes of their own. Counters and keys among the statistics
are the current ones.
"""


def begin(weights: Weights) -> Weights:
    """The average of no step yet: a copy of these weights, in buffers of its own."""
    return jax.tree.map(lambda leaf: wide(jnp.copy(leaf)) if is_float(leaf) else jnp.copy(leaf), weights)


def ema(decay: float) -> Averaging:
    """Exponential moving average: average <- d · average + (1 - d) · current.

    d = min(decay, (1 + step) / (10 + step)) lets the random start be forgotten, as TensorFlow's does. Yazıcı et al.
    2019 (arXiv:1806.04498) brought it to GANs. Raises ValueError unless 0 <= decay < 1.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"the decay of an average is in [0, 1), not {decay}")

    def update(average: Weights, current: Weights, step: Int[Array, ""]) -> Weights:
        d = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
        return _move(average, current, 1 - d)

    return update


def half_life(
    images: float | Callable[[Int[Array, ""]], Scalar], batch_size: int, *, ramp: float | None = 0.05
) -> Averaging:
    """Exponential moving average that forgets half of itself in so many images, whatever the batch size.

    `images` may be a schedule, from the step to a half-life: R3GAN's grows from 0 (then with a ramp of None).

    d = 0.5^(batch_size / h) with h = min(images, ramp · images seen before this step): at the first step the
    average becomes the current weights, and later its half-life is at most `ramp` of the run so far; None is no ramp.
    This is how the published trainer of StyleGAN2-ADA (Karras et al. 2020, arXiv:2006.06676) counts. Raises
    ValueError unless images, batch_size and ramp are above 0.
    """
    checked = {"batch size": batch_size, "ramp": 1.0 if ramp is None else ramp}
    for name, value in (checked if callable(images) else checked | {"half-life": images}).items():
        if not value > 0:
            raise ValueError(f"the {name} of an average is above 0, not {value}")

    def update(average: Weights, current: Weights, step: Int[Array, ""]) -> Weights:
        seen = jnp.asarray(step, jnp.float32) * batch_size
        life = jnp.asarray(images(step) if callable(images) else images, jnp.float32)
        life = life if ramp is None else jnp.minimum(life, ramp * seen)
        return _move(average, current, -jnp.expm1(-np.log(2) * batch_size / jnp.maximum(life, 1e-8)))

    return update


def power(exponent: float) -> Averaging:
    """Power-function average: the weights of step t count in proportion to t^exponent, at every moment of the run.

    d = (1 - 1 / t)^(exponent + 1) with t = step + 1, so that step t weighs (t^(γ+1) - (t-1)^(γ+1)) / T^(γ+1) at
    step T. Karras et al. 2024 (arXiv:2312.02696), section 3.1. An exponent of 0 is the plain mean of all steps; see
    `exponent_of` for the paper's other parameter. Raises ValueError unless exponent >= 0.
    """
    if not exponent >= 0:
        raise ValueError(f"the exponent of a power-function average is 0 or more, not {exponent}")

    def update(average: Weights, current: Weights, step: Int[Array, ""]) -> Weights:
        t = jnp.asarray(step, jnp.float32) + 1
        # Not 1 - (1 - 1/t)^(γ+1): in float32, 1 - 1e-6 has lost 3 % of the 1e-6.
        return _move(average, current, -jnp.expm1((exponent + 1) * jnp.log1p(-1 / t)))

    return update


def exponent_of(deviation: float) -> float:
    """The exponent γ of a power-function average whose width is `deviation`, as a fraction of the run's length.

    Solves σ² = (γ + 1) / ((γ + 2)² (γ + 3)): Karras et al. 2024 (arXiv:2312.02696), section 3.1. A deviation of 0.05
    gives 16.97, 0.10 gives 6.94. Raises ValueError unless 0 < deviation <= 12^-½ (0.2887: γ = 0).
    """
    if not 0 < deviation <= 12**-0.5:
        raise ValueError(f"the relative deviation of an average is in (0, 0.2887], not {deviation}")
    inverse = deviation**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return max(0.0, float(np.max(roots.real)))


def _move(average: Weights, current: Weights, share: Scalar) -> Weights:
    """From `average` a `share` of the way to `current`: 0 stays, 1 arrives."""

    def move(a: Array, c: Array) -> Array:
        # One product less than d · average + (1 - d) · current, and no bias where 1 - d rounds.
        return jnp.where(share < 1, a + share * (c - a), c).astype(a.dtype) if is_float(c) else c

    return jax.tree.map(move, average, current)
