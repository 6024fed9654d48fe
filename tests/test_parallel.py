"""Two devices compute what one does."""

import jax
import numpy as np
import pytest

import toys
from gan_jax import init, make_step, parallel, penalties


@pytest.mark.parametrize("stacked", [1, 2])
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


def test_each_device_holds_its_share_of_a_batch():
    mesh = parallel.make_mesh(jax.local_devices()[:2])
    laid = parallel.put_batch(mesh, toys.batch(size=8).images)
    assert [shard.data.shape[0] for shard in laid.images.addressable_shards] == [4, 4]
