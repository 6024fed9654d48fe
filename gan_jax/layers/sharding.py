"""Operators on meshes whose axes are explicit (`jax.make_mesh`), where the type of an array says how it is laid out."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec, auto_axes
from jaxtyping import Array


def by_batch(operator: Callable[..., Array]) -> Callable[..., Array]:
    """`operator`, whose result is split as the first axis of its first argument is, and along no other axis.

    Within it the compiler decides, as on a mesh of automatic axes, for which nothing changes.
    """

    @wraps(operator)
    def laid_out(x: Array, *rest: Any) -> Array:
        sharding = jax.typeof(x).sharding
        if AxisType.Explicit not in sharding.mesh.axis_types:
            return operator(x, *rest)
        split = NamedSharding(sharding.mesh, PartitionSpec(sharding.spec[0]))
        return auto_axes(operator, out_sharding=split)(x, *rest)

    return laid_out
