"""Products of two arrays, each with its own formulation, whose derivatives of every order and mode are such products.

What JAX does for `lax.dot_general` and `lax.conv_general_dilated`, for operators of ours. `jax.custom_vjp` would do in
reverse mode alone, and `jax.custom_jvp` would leave the adjoint to XLA.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

Product = Callable[..., Array]
"""`(a, b, *settings)` to an array, linear in a and in b; settings are hashable."""

Lanes = tuple[tuple[int | None, int | None], ...]
"""The `in_axes` of every `jax.vmap` around a product, from the outermost in: 0, or None where all share one array."""


def bilinear(name: str, compute: Product, left: Product, right: Product) -> Product:
    """`compute` with derivatives of its own: `(a, b, *settings)` to the array that it makes.

    For the cotangent g of the result, that of a is `left(g, b, *settings)` and that of b is `right(a, g, *settings)`,
    which are to be such products themselves. Forward and reverse mode, in any order; `jax.vmap`; `jax.export`.
    """
    primitive = Primitive(name)

    def whole(a: Array, b: Array, *, settings: tuple[Any, ...], lanes: Lanes) -> Array:
        one = lambda a, b: compute(a, b, *settings)
        for axes in reversed(lanes):
            one = jax.vmap(one, axes)
        return one(a, b)

    compiled = jax.jit(whole, static_argnames=("settings", "lanes"))

    def shape(a: Any, b: Any, **static: Any) -> Any:
        return jax.make_jaxpr(partial(compiled, **static))(a, b).out_avals[0]

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

    primitive.def_impl(compiled)
    primitive.def_abstract_eval(shape)
    ad.defbilinear(primitive, left_cotangent, right_cotangent)
    batching.primitive_batchers[primitive] = batch
    mlir.register_lowering(primitive, mlir.lower_fun(whole, multiple_results=False))
    return lambda a, b, *settings: primitive.bind(a, b, settings=settings, lanes=())


def _laned(rule: Product, lanes: list[tuple[tuple[int | None, int | None], bool]]) -> Product:
    """The rule under every `jax.vmap`; results are summed over lanes that share what the rule differentiates by."""
    if not lanes:
        return rule
    (axes, shared), *inner = lanes
    mapped = jax.vmap(_laned(rule, inner), axes)
    return (lambda a, b: mapped(a, b).sum(0)) if shared else mapped
