"""Spectral normalisation against the singular value decomposition."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.layers.spectral import SpectralConvolution, SpectralDense

KEY = jax.random.key(0)
MAPS = jax.random.normal(KEY, (2, 6, 6, 3))


def settle(module, variables, inputs, passes=60):
    """The variables after so many training passes."""
    for _ in range(passes):
        _, moved = module.apply(variables, inputs, mutable=["spectral"])
        variables = variables | moved
    return variables


def largest(kernel):
    return np.linalg.svd(np.asarray(kernel).reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@pytest.mark.parametrize(
    ("module", "inputs"),
    [(SpectralConvolution(5, 3), MAPS), (SpectralDense(4), MAPS.reshape(2, -1))],
    ids=["conv", "dense"],
)
def test_after_some_passes_the_kernel_has_a_norm_of_one(module, inputs):
    variables = settle(module, module.init(KEY, inputs), inputs)
    kernel = variables["params"]["kernel"]
    plain = {"params": {"kernel": kernel / largest(kernel), "bias": variables["params"]["bias"]}}
    layer = nn.Conv(5, (3, 3)) if isinstance(module, SpectralConvolution) else nn.Dense(4)
    np.testing.assert_allclose(module.apply(variables, inputs), layer.apply(plain, inputs), atol=2e-5)


def test_the_scale_of_the_kernel_does_not_matter():
    module = SpectralDense(4, use_bias=False)
    variables = module.init(KEY, MAPS.reshape(2, -1))
    scaled = variables | {"params": jax.tree.map(lambda leaf: 7 * leaf, variables["params"])}
    first, second = (module.apply(v, MAPS.reshape(2, -1)) for v in (variables, scaled))
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_a_training_pass_moves_the_vector_towards_the_singular_one_and_evaluation_does_not():
    module, inputs = SpectralDense(4), MAPS.reshape(2, -1)
    variables = module.init(KEY, inputs)
    _, untouched = module.apply(variables, inputs, mutable=[])
    assert untouched == {}
    u = settle(module, variables, inputs)["spectral"]["u"]
    _, _, right = np.linalg.svd(np.asarray(variables["params"]["kernel"]))
    np.testing.assert_allclose(abs(float(u @ right[0])), 1, rtol=1e-4)
    np.testing.assert_allclose(jnp.linalg.norm(u), 1, rtol=1e-5)


def test_gradients_are_those_of_the_paper_with_its_vectors_held_fixed():
    """∂/∂W of <W / σ, E> is (E - <W / σ, E> u vᵀ) / σ (equation 12 there)."""
    module, inputs = SpectralDense(4, use_bias=False), jnp.eye(6)
    variables = settle(module, module.init(KEY, inputs), inputs)
    kernel, direction = variables["params"]["kernel"], jax.random.normal(jax.random.key(1), (6, 4))
    value = lambda kernel: jnp.sum(module.apply(variables | {"params": {"kernel": kernel}}, inputs) * direction)
    left, sigma, right = np.linalg.svd(np.asarray(kernel))
    expected = (direction - value(kernel) * np.outer(left[:, 0], right[0])) / sigma[0]
    np.testing.assert_allclose(jax.grad(value)(kernel), expected, atol=1e-4)


def test_bfloat16_computes_in_it_and_keeps_float32_parameters():
    module = SpectralConvolution(5, 3, dtype=jnp.bfloat16)
    variables = module.init(KEY, MAPS)
    assert module.apply(variables, MAPS).dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
