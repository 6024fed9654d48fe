"""The same program on many devices: one mesh, arrays laid over it, and the step compiled for it.

A mesh has an axis "data"; `jax.make_mesh((4,), ("data",))` is one. Its axes are explicit: a program over them says how
each of its reshapes is laid out, and networks do not. The arrays here are laid over the same devices with axes of
which the compiler takes care, `place` and `put_batch` bring others there, and they do not mix with a mesh that
`jax.set_mesh` has set. A jit of one's own over explicit axes takes `jax.sharding.auto_axes(step, out_sharding=
NamedSharding(mesh, PartitionSpec()))` for the step.

`jax.pmap`, and `jax.shard_map` with `check_vma=False`, write the program of one device instead, which sees its share of
the batch alone; `per_device` has the step for these.
"""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from gan_jax.gan import GANState, Step
from gan_jax.gan import make_step as make_step  # the whole batch's, as `per_device` has that of one device
from gan_jax.types import Batch, Condition, Metrics, Scalar


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh of one axis, "data", over `devices`: by default all, those of other processes of the run included."""
    if devices is None:  # those of a process side by side: it reads one run of a batch's rows
        devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    return Mesh(np.asarray(devices), ("data",))


def replicated(mesh: Mesh) -> NamedSharding:
    """Every device holds the whole array: for states and metrics."""
    return NamedSharding(_automatic(mesh), PartitionSpec())


def split_batch(mesh: Mesh, *, stacked: int = 1) -> NamedSharding:
    """Every device holds its share of the batch axis, which is second if batches are stacked for k > 1."""
    return NamedSharding(_automatic(mesh), PartitionSpec("data") if stacked == 1 else PartitionSpec(None, "data"))


def make_state(make: Callable[[], GANState], mesh: Mesh) -> GANState:
    """Makes a state on the devices, whole on each; its buffers are distinct, so that a step may consume them."""
    return jax.jit(make, out_shardings=replicated(mesh))()


def place(state: GANState, mesh: Mesh) -> GANState:
    """Copies a state, such as one read from disk, to the devices; a step may consume the copy."""
    everywhere = replicated(mesh)
    laid = jax.device_put(state, everywhere) if jax.process_count() == 1 else whole(mesh, state)
    return jax.jit(lambda state: jax.tree.map(jnp.copy, state), out_shardings=everywhere)(laid)


def spread(mesh: Mesh, rows: Any) -> Any:
    """Lays arrays of which every process holds all rows over the mesh, each device's share on that device."""
    lay = lambda a: jax.make_array_from_callback(np.shape(a), split_batch(mesh), np.asarray(a).__getitem__)
    return jax.tree.map(lay, rows)


def whole(mesh: Mesh, tree: Any) -> Any:
    """Copies arrays, and keys, that every process holds to every device."""

    def lay(leaf: Any) -> Any:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(lay(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        return jax.make_array_from_callback(np.shape(leaf), replicated(mesh), np.asarray(leaf).__getitem__)

    return jax.tree.map(lay, tree)


def first(tree: Any) -> Any:
    """What this process holds of a state or of metrics, whole on every device: for programs that it runs by itself."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree) if jax.process_count() > 1 else tree


def on_mesh(state: GANState, mesh: Mesh) -> GANState:
    """The state, as it is: programs over the mesh take it so."""
    del mesh
    return state


def compile_step(step: Step, mesh: Mesh, *, stacked: int = 1) -> Step:
    """Compiles a step for a mesh; the state that it is given is consumed, its memory used for the new one.

    The meaning does not change with the number of devices: batch statistics and losses see the whole batch.
    """
    whole = replicated(mesh)
    return jax.jit(
        step,
        in_shardings=(whole, split_batch(mesh, stacked=stacked)),
        out_shardings=(whole, whole),
        donate_argnums=0,
    )


def own_rows(mesh: Mesh, batch_size: int) -> slice:
    """The rows of a batch that lie on this process's devices, and that it alone has to read.

    Raises ValueError if its devices do not lie side by side in the mesh, as they do in that of `make_mesh`.
    """
    devices = list(mesh.devices.flat)
    own = [place for place, device in enumerate(devices) if device.process_index == jax.process_index()]
    if own != list(range(own[0], own[-1] + 1)):
        raise ValueError(f"process {jax.process_index()} has devices {own} of the mesh, not one run; use make_mesh()")
    each = batch_size // len(devices)
    return slice(own[0] * each, (own[-1] + 1) * each)


def several(step: Step) -> Callable[[GANState, Sequence[Batch]], tuple[GANState, Metrics]]:
    """As many steps as there are batches in one program, to be compiled in place of the step; metrics are `[steps]`.

    A call of a program costs the host some time, which a small network on a fast device does not take. Not for CPUs,
    on which convolutions in a loop are slow (docs/design.md).
    """

    @wraps(step)
    def steps(state: GANState, batches: Sequence[Batch]) -> tuple[GANState, Metrics]:
        return jax.lax.scan(step, state, jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches))

    return steps


def mean() -> Callable[[Array], Scalar]:
    """The mean of values over a batch, which one program sees whole; `per_device` has another."""
    return jnp.mean


def put_batch(mesh: Mesh, images: np.ndarray, condition: Condition = None, *, stacked: int = 1) -> Batch:
    """Lays a batch over the mesh, each device's share on that device; of several processes each gives `own_rows`.

    Raises ValueError where the devices do not divide the batch, TypeError for a batch in place of its images.
    """
    if not isinstance(mesh, Mesh) or isinstance(images, Batch):
        raise TypeError(
            f"expected put_batch(mesh, images, condition), got a {type(mesh).__name__} and a {type(images).__name__}"
        )
    own = len(mesh.local_devices)
    if (size := images.shape[int(stacked > 1)]) % own:
        raise ValueError(f"a batch of {size} cannot be shared by {own} devices; choose a multiple of {own}")
    put = partial(jax.make_array_from_process_local_data, split_batch(mesh, stacked=stacked))
    return Batch(put(images), jax.tree.map(put, condition))


def _automatic(mesh: Mesh) -> Mesh:
    return Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * mesh.devices.ndim)
