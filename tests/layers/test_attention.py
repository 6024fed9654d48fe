"""Self-attention against what it says on paper."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.attention import SelfAttention, attention_weights

MAPS = jax.random.normal(jax.random.key(0), (2, 4, 6, 16))


def dense(features, kernel, *, use_bias, name):
    """A 1x1 convolution."""
    assert kernel == 1
    return nn.Dense(features, use_bias=use_bias, name=name)


def test_at_first_it_changes_nothing():
    y, variables = SelfAttention(dense).init_with_output(jax.random.key(1), MAPS)
    np.testing.assert_array_equal(y, MAPS)
    assert variables["params"]["gamma"].shape == ()


def test_every_pixel_adds_a_weighted_mean_of_the_values():
    module = SelfAttention(dense)
    variables = module.init(jax.random.key(1), MAPS)
    params = variables["params"] | {"gamma": jnp.array(0.7)}
    project = lambda name: np.asarray(MAPS @ params[name]["kernel"])
    pooled = lambda name: project(name).reshape(2, 2, 2, 3, 2, -1).max((2, 4)).reshape(2, 6, -1)
    queries, keys, values = project("query").reshape(2, 24, -1), pooled("key"), pooled("value")
    expected = np.empty((2, 24, 16))
    for image in range(2):
        for pixel in range(24):
            products = np.exp(keys[image] @ queries[image, pixel])
            mean = products @ values[image] / products.sum()
            expected[image, pixel] = mean @ np.asarray(params["out"]["kernel"])
    y = module.apply({"params": params}, MAPS)
    np.testing.assert_allclose(y, MAPS + 0.7 * expected.reshape(MAPS.shape), atol=1e-4)


def test_weights_sum_to_one_and_stay_finite():
    weights = attention_weights(1e4 * jnp.ones((1, 3, 2), jnp.bfloat16), jnp.ones((1, 5, 2), jnp.bfloat16))
    np.testing.assert_allclose(weights, 0.2)
    assert weights.dtype == jnp.float32


@pytest.mark.parametrize("shape", [(2, 4, 4, 4), (2, 5, 4, 16)])
def test_maps_that_cannot_be_looked_at_are_refused(shape):
    with pytest.raises(ValueError, match="even sizes and 8 channels or more, not"):
        SelfAttention(dense).init(jax.random.key(0), jnp.zeros(shape))
