"""The program of one device, for `jax.pmap`: a second way to many devices, with the first one's numbers to rounding.

    mesh = parallel.make_mesh()
    state = per_device.make_state(lambda: init(gan, key, batch), mesh)
    step = per_device.compile_step(per_device.make_step(gan), mesh)
    state, metrics = step(state, per_device.put_batch(mesh, images))
    average = per_device.first(state).average

Arrays have an axis of this process's devices in front: states and metrics are whole on each, and of a batch each has a
run of images; of several processes each gives `parallel.own_rows`. `make_step` also is for an axis of one's own, of
`jax.pmap` or of `jax.shard_map` with `check_vma=False`.

That a device counts with the whole batch is the work of values that the GAN is given (`spread`), and of a key:

- gradients, statistics and metrics are means over the devices, so that rules that adapt learn from the whole batch;
- losses are shown the logits of all devices;
- networks with a field `axis_name` are told the axis: batch normalisation, and the deviation of a group, go over it;
- the key is the device's share (`shares`): it draws the latents, noise and augmentations that its images have in the
  whole batch.

Whatever else looks across images sees the device's own: a network without that field normalises over these; an
augmentation that mixes images mixes these; `penalties.lecam` and `latent_penalties.path_length` take the mean of these,
unless made with `mean=per_device.mean("data")`; and a lazy penalty must divide their number.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from gan_jax import gan as heart
from gan_jax import parallel, shares
from gan_jax.gan import GAN, GANState, Step
from gan_jax.losses import LogitLoss
from gan_jax.models.composed import Composed
from gan_jax.network import is_float
from gan_jax.recomputation import InParts, Recomputed
from gan_jax.replay import newest
from gan_jax.types import Batch, Condition, Logits, Metrics, Network, Scalar

AXIS = "data"
"""The name of the axis of devices, where it has no other."""


def make_step(gan: GAN, *, discriminator_steps: int = 1, axis_name: str = AXIS) -> Step:
    """`gan.make_step` for one of the devices along an axis: from a state that is whole, and the device's images.

    Call it where the axis has that name. Every device returns the same state and metrics.
    """

    def step(state: GANState, batch: Batch) -> tuple[GANState, Metrics]:
        on_device = heart.make_step(spread(gan, axis_name), discriminator_steps=discriminator_steps)
        key = shares.run(state.key, lax.axis_index(axis_name), lax.axis_size(axis_name))
        moved, metrics = on_device(state._replace(key=key), batch)
        return moved._replace(key=state.key), metrics

    step.axis_name = axis_name  # type: ignore[attr-defined]
    return step


def spread(gan: GAN, axis_name: str = AXIS) -> GAN:
    """The same GAN for the devices along an axis, which share a batch.

    Make and train it where the axis has that name; `init` and `generate` take the GAN as it was. Raises ValueError for
    a GAN that replays generated images: each device would keep its own, and call them the state that all share.
    """
    if gan.replay is not newest:
        raise ValueError("replay: each device would have a past of its own; take replay.newest, or jit over a mesh")
    return replace(
        gan,
        generator=_told(gan.generator, axis_name),
        discriminator=_told(gan.discriminator, axis_name),
        loss=gan.loss._replace(
            discriminator=_of_all(gan.loss.discriminator, axis_name),
            generator=_of_all(gan.loss.generator, axis_name),
        ),
        differentiate=_averaged(gan.differentiate, axis_name),
    )


def mean(axis_name: str = AXIS) -> Callable[[Array], Scalar]:
    """The mean of values over a batch that is spread over an axis, for rules that ask for one."""
    return lambda values: lax.pmean(jnp.mean(values), axis_name)


def make_state(make: Callable[[], GANState], mesh: Mesh) -> GANState:
    """Makes a state, `[devices, ...]`, whole on each; its buffers are distinct, so that a step may consume them."""
    return place(jax.jit(make)(), mesh)


def place(state: GANState, mesh: Mesh) -> GANState:
    """Copies a state without an axis of devices, such as one read from disk, to each of them."""
    each = _one_each(mesh)
    copies = lambda leaf: jnp.broadcast_to(leaf[None], (each.mesh.size, *leaf.shape))
    whole = jax.device_put(state, NamedSharding(each.mesh, PartitionSpec()))
    return jax.jit(partial(jax.tree.map, copies), out_shardings=each)(whole)


def first(tree: Any) -> Any:
    """A state or metrics as the first device has them, without the axis of devices."""
    return jax.tree.map(lambda leaf: leaf.addressable_shards[0].data[0], tree)


def on_mesh(state: GANState, mesh: Mesh) -> GANState:
    """A copy without the axis of devices, as checkpoints and programs over the mesh take it."""
    return parallel.place(first(state), mesh)


def compile_step(step: Step, mesh: Mesh, *, stacked: int = 1) -> Step:
    """Compiles what `make_step` made for the devices of a mesh; the state that it is given is consumed.

    Raises TypeError for any other step, by which each device would train a GAN of its own.
    """
    del stacked  # the axis of devices is the first in any case
    if getattr(step, "axis_name", None) != AXIS:
        raise TypeError(f"expected a step of per_device.make_step, for the axis {AXIS!r}; other steps are parallel's")
    return jax.pmap(step, AXIS, devices=list(mesh.devices.flat), donate_argnums=0)


def put_batch(mesh: Mesh, images: np.ndarray, condition: Condition = None, *, stacked: int = 1) -> Batch:
    """Lays a batch over the devices: `[devices, B / devices, ...]`, or `[devices, k, B / devices, ...]` of k stacked.

    Raises ValueError where the devices do not divide the batch.
    """
    each, axis = _one_each(mesh), int(stacked > 1)
    count = each.mesh.size
    if (size := images.shape[axis]) % count:
        raise ValueError(f"a batch of {size} cannot be shared by {count} devices; choose a multiple of {count}")

    def deal(array: np.ndarray) -> Array:
        runs = array.reshape(*array.shape[:axis], count, -1, *array.shape[axis + 1 :])
        return jax.device_put(np.moveaxis(runs, axis, 0), each)

    return Batch(deal(images), jax.tree.map(deal, condition))


def _told(network: Network, axis_name: str) -> Network:
    """The network that knows the axis, if it can be told; parts of a batch are parts of that of all devices."""
    match network:
        case Recomputed(within):
            return Recomputed(_told(within, axis_name))
        case Composed(within, keep):
            return Composed(_told(within, axis_name), keep)
        case InParts(within, images):
            return InParts(_told(within, axis_name), max(1, images // lax.axis_size(axis_name)))
        case nn.Module() if hasattr(network, "axis_name"):
            return network.clone(axis_name=axis_name)
    return network


def _of_all(loss: LogitLoss, axis_name: str) -> LogitLoss:
    gathered = lambda logits: lax.all_gather(logits, axis_name, tiled=True)

    def of_all(real_logits: Logits, fake_logits: Logits) -> Scalar:
        return loss(gathered(real_logits), gathered(fake_logits))

    return of_all


def _averaged(differentiate: Callable[..., Any], axis_name: str) -> Callable[..., Any]:
    """Values and gradients whose floats are means over the axis.

    The gradient of a device is that of the sum of all devices' objectives by the device's own parameters, as what is
    summed over an axis is transposed into such a sum: the mean of these is the gradient of the objectives' mean.
    """
    average = lambda leaf: lax.pmean(leaf, axis_name) if is_float(leaf) else leaf
    return lambda objective: lambda *at: jax.tree.map(average, differentiate(objective)(*at))


def _one_each(mesh: Mesh) -> NamedSharding:
    return NamedSharding(Mesh(np.asarray(mesh.local_devices), (AXIS,)), PartitionSpec(AXIS))
