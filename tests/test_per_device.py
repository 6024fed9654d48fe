"""The program of one device computes what the program of all does."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import toys
from gan_jax import GAN, Batch, init, latent_penalties, losses, make_step, parallel, penalties, per_device
from gan_jax.augment import ada
from gan_jax.models import dcgan, r3gan, stylegan2

MEAN = per_device.mean()


def trained_by_jit(gan, batches, devices=1):
    """All that a mesh of so many devices makes of these batches: the state and the metrics."""
    mesh = parallel.make_mesh(jax.local_devices()[:devices])
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), batches[0]), mesh)
    step, seen = parallel.compile_step(make_step(gan), mesh), []
    for batch in batches:
        state, metrics = step(state, parallel.put_batch(mesh, *batch))
        seen.append(metrics)
    return jax.device_get((state._replace(key=()), seen))


def trained_by_pmap(gan, batches):
    """The same of `jax.pmap` over all devices, which are seen to agree to the last bit."""
    mesh = parallel.make_mesh()
    state = per_device.make_state(lambda: init(gan, jax.random.key(0), batches[0]), mesh)
    step, seen = per_device.compile_step(per_device.make_step(gan), mesh), []
    for batch in batches:
        state, metrics = step(state, per_device.put_batch(mesh, *batch))
        seen.append(metrics)
    for leaf in jax.tree.leaves((state._replace(key=()), seen)):
        np.testing.assert_array_equal(leaf, np.broadcast_to(leaf[:1], leaf.shape))
    return jax.device_get((per_device.first(state)._replace(key=()), per_device.first(seen)))


def agree(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=2e-5), a, b)


def coupled(mean=jnp.mean, **rules):
    """A toy whose images meet in its statistics, its loss and its penalty; with labels and dropout."""
    rules = {"penalty": penalties.lecam(0.5, decay=0.5, mean=mean)} | rules
    return toys.make(classes=3, loss=losses.relativistic_average, **rules)


BATCHES = [jax.device_get(toys.batch(seed, size=16, classes=3)) for seed in range(3)]


@pytest.fixture(scope="module")
def of_one_device():
    return trained_by_jit(coupled(), BATCHES)


def test_pmap_equals_one_device_to_rounding(of_one_device):
    agree(trained_by_pmap(coupled(MEAN), BATCHES), of_one_device)


def test_an_axis_of_ones_own_will_do(of_one_device):
    """Four devices as rows of an array."""
    gan = coupled(per_device.mean("rows"))
    step = jax.jit(jax.vmap(per_device.make_step(gan, axis_name="rows"), (None, 0), axis_name="rows"))
    state, seen = init(gan, jax.random.key(0), BATCHES[0]), []
    for batch in BATCHES:
        states, metrics = step(state, jax.tree.map(lambda rows: rows.reshape(4, 4, *rows.shape[1:]), batch))
        state = jax.tree.map(lambda leaf: leaf[3], states)
        seen.append({name: value[0] for name, value in metrics.items()})
    agree((state._replace(key=()), seen), of_one_device)


class Unaware(NamedTuple):
    """A network that cannot be told an axis."""

    init: Callable[..., Any]
    apply: Callable[..., Any]


def test_what_knows_no_axis_sees_each_devices_own_images(of_one_device):
    """Statistics of a network without that field move the loss, LeCam's own mean its penalty alone."""
    discriminator = toys.Discriminator(3)
    untold = dataclasses.replace(coupled(MEAN), discriminator=Unaware(discriminator.init, discriminator.apply))
    _, whole = of_one_device
    for gan, alike in ((untold, set()), (coupled(), {"d/loss", "d/real_logit", "d/fake_logit"})):
        _, seen = trained_by_pmap(gan, BATCHES[:1])
        close = lambda name, seen=seen: np.isclose(seen[0][name], whole[0][name], rtol=1e-4)
        assert {name for name in ("d/loss", "d/real_logit", "d/fake_logit", "d/penalty") if close(name)} == alike


def test_a_lazy_penalty_asks_for_a_share_that_it_divides():
    gan = toys.make(penalty=penalties.lazy(penalties.r1(1.0), 16))
    mesh = parallel.make_mesh()
    state = per_device.make_state(lambda: init(gan, jax.random.key(0), toys.batch(size=16)), mesh)
    step = per_device.compile_step(per_device.make_step(gan), mesh)
    with pytest.raises(ValueError, match="one in 16 images needs a batch that 16 divides"):
        step(state, per_device.put_batch(mesh, toys.batch(size=16).images))


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="a batch of 3 cannot be shared by 2 devices; choose a multiple of 2"):
        per_device.put_batch(parallel.make_mesh(jax.local_devices()[:2]), np.zeros((3, 4, 4, 1), np.uint8))


def small_dcgan(mean):
    del mean
    return GAN(dcgan.Generator(16, 1, 4), dcgan.Discriminator(4), *[optax.sgd(0.02)] * 2, latent_size=4)


def small_r3gan(mean):
    del mean
    fields = {"widths": (8, 8), "blocks": 1, "group_channels": 4}
    networks = r3gan.Generator(8, 1, **fields), r3gan.Discriminator(**fields)
    penalty = penalties.lazy(penalties.total(penalties.r1(1.0), penalties.r2(1.0)), 2)
    return GAN(*networks, *[optax.sgd(0.02)] * 2, latent_size=4, loss=losses.relativistic, penalty=penalty)


def small_stylegan2(mean):
    generator = stylegan2.Generator(8, 1, 4, style_size=4, mapping_layers=1)
    return GAN(
        generator,
        stylegan2.Discriminator(4, group=4),
        *[optax.sgd(0.02)] * 2,
        latent_size=4,
        penalty=penalties.total(penalties.lazy(penalties.r1(1.0), 2), penalties.lecam(0.3, decay=0.5, mean=mean)),
        latent_penalty=latent_penalties.lazy(latent_penalties.path_length(2.0, decay=0.5, mean=mean), 2),
        augment=ada.adaptive(16, target=-0.5, kimg=0.3, start=0.4),
    )


@pytest.mark.slow  # three programs of whole networks
@pytest.mark.parametrize("make", [small_dcgan, small_r3gan, small_stylegan2])
def test_pmap_a_mesh_and_one_device_agree_for_published_networks(make):
    size = 16 if make is small_dcgan else 8
    batches = [Batch(np.random.default_rng(i).integers(0, 256, (16, size, size, 1), np.uint8)) for i in range(4)]
    one = trained_by_jit(make(jnp.mean), batches)
    agree(trained_by_jit(make(jnp.mean), batches, len(jax.local_devices())), one)
    agree(trained_by_pmap(make(MEAN), batches), one)


@pytest.mark.slow  # the same, with JAX begun anew
def test_four_devices_agree_as_two_do():
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=4"  # the last of two holds
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow", "-k", "pmap", __file__]
    subprocess.run(command, env=os.environ | {"XLA_FLAGS": flags}, check=True)
