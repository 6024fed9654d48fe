"""Two devices compute what one does."""

import dataclasses
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import toys
from gan_jax import init, make_step, parallel, penalties, sample_latents


@pytest.mark.parametrize("stacked", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_two_devices_equal_one_to_rounding_batch_statistics_included(stacked):
    assert len(jax.local_devices()) >= 2
    # SGD: Adam's first update is about lr * sign(gradient), which rounding can turn.
    gan = toys.make(penalty=penalties.r1(1.0))
    batch = toys.batch(size=16)
    lots = batch if stacked == 1 else jax.tree.map(lambda a: np.stack([a] * stacked), batch)
    results = []
    for devices in (jax.local_devices()[:1], jax.local_devices()[:2]):
        mesh = parallel.make_mesh(devices)
        state = parallel.make_state(lambda: init(gan, jax.random.key(0), batch), mesh)
        traces = []
        pure = make_step(gan, discriminator_steps=stacked)
        counted = lambda state, batch, traces=traces, pure=pure: traces.append(1) or pure(state, batch)
        step = parallel.compile_step(counted, mesh, stacked=stacked)
        for _ in range(3):
            state, metrics = step(state, parallel.put_batch(mesh, lots.images, stacked=stacked))
        assert len(traces) == 1, "recompiled after the first step"
        assert all(len(leaf.sharding.device_set) == len(devices) for leaf in jax.tree.leaves(state))
        results.append(jax.device_get((state.generator, state.discriminator, state.average, metrics)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *results)


@pytest.mark.parametrize("stacked", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_several_steps_in_one_program_are_as_many_calls(stacked):
    gan, mesh = toys.make(), parallel.make_mesh()
    batches = [jax.device_get(toys.batch(seed)) for seed in range(3)]
    if stacked > 1:
        batches = [jax.tree.map(lambda a: np.stack([a] * stacked), batch) for batch in batches]
    put = [parallel.put_batch(mesh, batch.images, stacked=stacked) for batch in batches]
    step = make_step(gan, discriminator_steps=stacked)
    one, many = (parallel.compile_step(program, mesh, stacked=stacked) for program in (step, parallel.several(step)))
    begin = lambda: parallel.make_state(lambda: init(gan, jax.random.key(0), toys.batch()), mesh)
    state, seen = begin(), []
    for batch in put:
        state, metrics = one(state, batch)
        seen.append(metrics)
    last, metrics = many(begin(), put)
    # Two programs, which XLA need not fuse alike: the last bit may differ.
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    jax.tree.map(close, metrics, jax.tree.map(lambda *rows: np.stack(rows), *seen))
    jax.tree.map(close, last._replace(key=()), state._replace(key=()))


class Merging(nn.Module):
    """Scores rows of images, then their means: its reshapes merge the batch axis, which explicit axes refuse."""

    @nn.compact
    def __call__(self, inputs, condition=None, *, train=False):
        rows = nn.Dense(1, name="row")(inputs.reshape(-1, 4))
        return jnp.mean(rows.reshape(len(inputs), -1), axis=1)


def explicit(tree, spec):
    """Arrays laid out as JAX's own way of making a mesh has it."""
    return jax.device_put(tree, NamedSharding(jax.make_mesh((2,), ("data",)), spec))


def test_a_mesh_of_explicit_axes_is_as_good_as_any():
    gan, batch = dataclasses.replace(toys.make(), discriminator=Merging()), toys.batch()
    results = []
    for mesh in (jax.make_mesh((2,), ("data",)), parallel.make_mesh()):
        state = parallel.make_state(lambda: init(gan, jax.random.key(0), batch), mesh)
        laid = explicit(state, PartitionSpec()), explicit(batch, PartitionSpec("data"))
        step = parallel.compile_step(make_step(gan), mesh)
        results.append(step(parallel.place(laid[0], mesh), parallel.put_batch(mesh, laid[1].images))[1])
    jax.tree.map(np.testing.assert_array_equal, *results)
    whole = NamedSharding(jax.make_mesh((2,), ("data",)), PartitionSpec())
    _, metrics = jax.jit(jax.sharding.auto_axes(make_step(gan), out_sharding=whole))(*laid)
    np.testing.assert_allclose(metrics["d/loss"], results[0]["d/loss"], rtol=1e-5)


def test_a_place_folded_into_the_key_gives_each_device_latents_of_its_own():
    gan, mesh = toys.make(), parallel.make_mesh()
    part = PartitionSpec("data")

    def own(key, images):
        return sample_latents(gan, jax.random.fold_in(key, jax.lax.axis_index("data")), len(images))

    apart = jax.shard_map(own, mesh=mesh, in_specs=(PartitionSpec(), part), out_specs=part)
    latents = jax.jit(apart)(jax.random.key(0), toys.batch().images)
    assert len(np.unique(latents[:, 0])) == 8


def test_each_device_holds_its_share_of_a_batch():
    mesh = parallel.make_mesh(jax.local_devices()[:2])
    laid = parallel.put_batch(mesh, toys.batch(size=8).images)
    assert [shard.data.shape[0] for shard in laid.images.addressable_shards] == [4, 4]
