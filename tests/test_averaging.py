"""The moving average against its recursion."""

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import averaging
from gan_jax.types import Weights


def test_ema_follows_its_recursion_with_a_warm_start():
    update = averaging.ema(0.9)
    average, expected = Weights(jnp.array(0.0), {}), 0.0
    for step in range(200):
        value = float(np.sin(step))
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        average = update(average, Weights(jnp.array(value), {}), jnp.array(step))
    np.testing.assert_allclose(average.params, expected, rtol=1e-5)


def test_zero_decay_is_the_current_weights():
    moved = averaging.ema(0.0)(Weights(jnp.array(1.0), {}), Weights(jnp.array(5.0), {}), jnp.array(3))
    assert moved.params == 5.0


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_impossible_decay_is_refused(decay):
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        averaging.ema(decay)
