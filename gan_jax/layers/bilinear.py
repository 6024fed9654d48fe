"""Products of two arrays, each with its own formulation, whose derivatives of every order and mode are such products.

What JAX does for `lax.dot_general` and `lax.conv_general_dilated`, for operators of ours. `jax.custom_vjp` would do in
reverse mode alone, and `jax.custom_jvp` would leave the adjoint to XLA.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jaxtyping import Array

Product = Callable[..., Array]
"""`(a, b, *settings)` to an array, linear in a and in b; settings are hashable."""

Shape = tuple[Any, ...]
"""Of an array; sizes may be symbolic."""

Lanes = tuple[tuple[int | None, int | None], ...]
"""The `in_axes` of every `jax.vmap` around a product, from the outermost in: 0, or None where all share one array."""


def bilinear(
    name: str, compute: Product, on_cpu: Product, shape: Callable[..., Shape], left: Product, right: Product
) -> Product:
    """`compute`, or `on_cpu`, with derivatives of its own: `(a, b, *settings)` to the array that it makes.

    That has `shape(a.shape, b.shape, *settings)`, and the dtype of both. For the cotangent g of the result, that of a
    is `left(g, b, *settings)` and that of b is `right(a, g, *settings)`, which are to be such products themselves.
    Forward and reverse mode, in any order; `jax.vmap`; `jax.export`. Raises TypeError for arrays of two dtypes.
    """
    primitive = Primitive(name)

    def laned(product: Product) -> Callable[..., Array]:
        def whole(a: Array, b: Array, *, settings: tuple[Any, ...], lanes: Lanes) -> Array:
            one = lambda a, b: product(a, b, *settings)
            for axes in reversed(lanes):
                one = jax.vmap(one, axes)
            return one(a, b)

        return whole

    def either(a: Array, b: Array, *settings: Any) -> Array:
        bound = lambda product: lambda a, b: product(a, b, *settings)
        return lax.platform_dependent(a, b, cpu=bound(on_cpu), default=bound(compute))

    def known(a: Any, b: Any, *, settings: tuple[Any, ...], lanes: Lanes) -> Any:
        """The type of the result. It is told, not traced: to trace what computes it took half of a step's tracing."""
        if a.dtype != b.dtype:
            raise TypeError(f"{name} multiplies arrays of one dtype, not of {a.dtype} and {b.dtype}")
        mesh = a.sharding.mesh
        if mesh != b.sharding.mesh or set(mesh.axis_types) - {AxisType.Auto}:
            return jax.make_jaxpr(partial(laned(compute), settings=settings, lanes=lanes))(a, b).out_avals[0]
        ours, theirs, sizes = a.shape, b.shape, []
        for on_a, on_b in lanes:
            sizes.append((theirs if on_a is None else ours)[0])
            ours, theirs = ours[on_a is not None :], theirs[on_b is not None :]
        made = (*sizes, *shape(ours, theirs, *settings))
        return a.update(shape=made, weak_type=False, sharding=NamedSharding(mesh, PartitionSpec()))

    def left_cotangent(g: Array, a: Any, b: Array, *, settings: tuple[Any, ...], lanes: Lanes) -> Array:
        del a
        rule = lambda g, b: left(g, b, *settings)
        return _laned(rule, [((0, on_b), on_a is None) for on_a, on_b in lanes])(g, b)

    def right_cotangent(g: Array, a: Array, b: Any, *, settings: tuple[Any, ...], lanes: Lanes) -> Array:
        del b
        rule = lambda a, g: right(a, g, *settings)
        return _laned(rule, [((on_a, 0), on_b is None) for on_a, on_b in lanes])(a, g)

    def batch(arrays: Any, axes: Any, *, settings: tuple[Any, ...], lanes: Lanes) -> tuple[Array, int]:
        a, b = (x if axis is None else jnp.moveaxis(x, axis, 0) for x, axis in zip(arrays, axes, strict=True))
        lane = tuple(None if axis is None else 0 for axis in axes)
        return primitive.bind(a, b, settings=settings, lanes=(lane, *lanes)), 0

    # Not by the primitive: where JAX is told not to compile, as to look for NaNs, it would call itself for ever.
    primitive.def_impl(jax.jit(laned(either), static_argnames=("settings", "lanes")))
    primitive.def_abstract_eval(known)
    ad.defbilinear(primitive, left_cotangent, right_cotangent)
    batching.primitive_batchers[primitive] = batch
    for product, platform in ((compute, None), (on_cpu, "cpu")):
        mlir.register_lowering(primitive, mlir.lower_fun(laned(product), multiple_results=False), platform)
    return lambda a, b, *settings: primitive.bind(a, b, settings=settings, lanes=())


def _laned(rule: Product, lanes: list[tuple[tuple[int | None, int | None], bool]]) -> Product:
    """The rule under every `jax.vmap`; results are summed over lanes that share what the rule differentiates by."""
    if not lanes:
        return rule
    (axes, shared), *inner = lanes
    mapped = jax.vmap(_laned(rule, inner), axes)
    return (lambda a, b: mapped(a, b).sum(0)) if shared else mapped
