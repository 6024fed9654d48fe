"""Layers on meshes of explicit axes, and exported for batches of any size: the same answers."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.sharding import NamedSharding, PartitionSpec

from gan_jax.layers.attention import SelfAttention
from gan_jax.layers.conditioning import join_image, join_latent
from gan_jax.layers.convolution import Convolution, TransposedConvolution, convolution
from gan_jax.layers.equalised import EqualisedConvolution
from gan_jax.layers.grouped import GroupedConvolution
from gan_jax.layers.minibatch import minibatch_deviation
from gan_jax.layers.modulated import ModulatedConvolution
from gan_jax.layers.normalisation import ConditionalBatchNorm
from gan_jax.layers.resampling import (
    blur,
    downsample,
    downsampling_convolution,
    interpolate,
    upsample,
    upsampling_convolution,
)
from gan_jax.layers.residual import DoublingBlock, HalvingBlock
from gan_jax.layers.sequence import SequenceConvolution
from gan_jax.layers.spectral import SpectralConvolution


class Layer(nn.Module):
    """What `apply` does to maps, whose means over pixels serve as vectors."""

    apply_to: object

    @nn.compact
    def __call__(self, x):
        return self.apply_to(x, jnp.mean(x, (1, 2)))


modulated = lambda operator: lambda x, means: ModulatedConvolution(3, 3, operator)(x, means)
LAYERS = {
    "convolution": lambda x, _: Convolution(3, 3)(x),
    "convolution of one tap": lambda x, _: Convolution(3, 1)(x),
    "strided": lambda x, _: Convolution(3, 4, 2)(x),
    "transposed": lambda x, _: TransposedConvolution(3, 4, 2)(x),
    "transposed, of stride 1": lambda x, _: TransposedConvolution(3, 3, 1)(x),
    "grouped": lambda x, _: GroupedConvolution(4, 3, 2)(x),
    "equalised": lambda x, _: EqualisedConvolution(3, 3)(x),
    "spectral": lambda x, _: SpectralConvolution(3, 3)(x),
    "modulated": modulated(convolution),
    "modulated up": modulated(upsampling_convolution),
    "modulated down": modulated(downsampling_convolution),
    "upsample": lambda x, _: upsample(x),
    "downsample": lambda x, _: downsample(x),
    "interpolate": lambda x, _: interpolate(x),
    "blur": lambda x, _: blur(x, (1, 2)),
    "attention": lambda x, _: SelfAttention(Convolution)(x),
    "doubling": lambda x, _: DoublingBlock(3, Convolution, lambda name: lambda x, told, train: x)(x, None, train=True),
    "halving": lambda x, _: HalvingBlock(3, Convolution)(x),
    "normalised": lambda x, means: ConditionalBatchNorm()(x, means, train=True),
    "joined image": lambda x, means: join_image(x, means, 8),
    "joined image, repeated": lambda x, _: join_image(x, x[:, ::2, ::2], 0),
    "joined latent": lambda x, means: join_latent(means, x, 0),
    "along a sequence": lambda x, _: SequenceConvolution(3, 5)(x[:, 0]),
    "deviation": lambda x, _: minibatch_deviation(x, 2),
    "deviation over devices": lambda x, _: minibatch_deviation(x, 4),
}
MAPS = jax.random.normal(jax.random.key(0), (4, 4, 4, 8))


def value_and_gradients(layer, variables, x):
    def loss(variables, x):
        y, _ = layer.apply(variables, x, mutable=["spectral", "batch_stats"])
        return jnp.sum(jnp.sin(y)), y

    return jax.value_and_grad(loss, (0, 1), has_aux=True)(variables, x)


def agree(found, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), found, expected)


@pytest.fixture(scope="module", params=LAYERS)
def layer(request):
    """A layer, its variables, and its value and gradients on one device."""
    made = Layer(LAYERS[request.param])
    variables = jax.jit(made.init)(jax.random.key(1), MAPS)
    return request.param, made, variables, jax.jit(partial(value_and_gradients, made))(variables, MAPS)


def test_explicit_meshes_change_no_value_and_keep_the_batch_split(layer):
    _, made, variables, expected = layer
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Explicit,))
    whole, split = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
    with jax.set_mesh(mesh):
        found = jax.jit(partial(value_and_gradients, made))(
            jax.device_put(variables, whole), jax.device_put(MAPS, split)
        )
    agree(found, expected)
    (_, y), (_, slope) = found
    assert y.sharding.spec[0] == slope.sharding.spec[0] == "data"


def test_one_export_serves_batches_of_any_size(layer):
    name, made, variables, expected = layer
    # Groups must be known to divide the batch.
    (batch,) = export.symbolic_shape("4 * b" if name.startswith("deviation") else "b")
    shape = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
    exported = export.export(jax.jit(partial(value_and_gradients, made)), platforms=["cpu"])(
        jax.tree.map(shape, variables), jax.ShapeDtypeStruct((batch, *MAPS.shape[1:]), MAPS.dtype)
    )
    agree(exported.call(variables, MAPS), expected)
    assert exported.call(variables, jnp.concatenate([MAPS, MAPS]))[0][1].shape[0] == 8
