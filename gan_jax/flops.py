"""FLOPs of a program's products, whatever computes them: two for each multiplication of a convolution or a dot product.

XLA counts too, but what it compiles: on a GPU without the products that it leaves to cuBLAS and cuDNN, of loops the
body once, and of Winograd's products the fewer ones that stand for them. So the program is counted as it is written. A
product that is asked for twice, of the same arrays, counts once, as XLA computes it, and one of which nothing comes
counts nothing; what is computed again for a backward pass counts again. Operators of gan_jax count as XLA's own
formulation of them; zeros between pixels do not count, and those around images do.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Literal, jaxprs_in_params

CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "checkpoint", "remat2")
"""Primitives that do what their own program does."""


def count(program: Callable[..., Any], *arguments: Any) -> float:
    """FLOPs of one call. Of the arguments only shapes and dtypes matter; nothing is computed.

    What `jax.jit` has made is not traced again if it has been called with such arrays: of a large network that is
    seconds.
    """
    if isinstance(program, jax.stages.Wrapped):
        return _count(program.trace(*arguments).jaxpr)
    return _count(jax.make_jaxpr(program)(*arguments))


def _count(program: Any) -> float:
    values, program = _Values(), _closed(program)
    outputs = values.trace(program, [values.add(None, 0.0, ()) for _ in program.jaxpr.invars])
    return values.flops_for(outputs)


def _closed(program: Any) -> ClosedJaxpr:
    # Since JAX 0.12 there is one kind of program.
    return program if isinstance(program, ClosedJaxpr) else ClosedJaxpr(program, ())


class _Values:
    """The arrays of a program, numbered: what is computed twice has one number."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}
        self._made: list[tuple[float, tuple[int, ...]]] = []  # by how many FLOPs, and of which

    def add(self, name: Any, flops: float, inputs: tuple[int, ...]) -> int:
        """The number of what `name` makes of the inputs; without a name, of something new."""
        key = (name, inputs)
        if name is None or key not in self._known:
            self._known[key] = len(self._made)
            self._made.append((flops, inputs))
        return self._known[key]

    def trace(self, program: ClosedJaxpr, inputs: list[int]) -> list[int]:
        """The numbers of a program's outputs."""
        known = dict(zip(program.jaxpr.invars, inputs, strict=True))
        for variable, constant in zip(program.jaxpr.constvars, program.consts, strict=True):
            known[variable] = self.add(("constant", id(constant)), 0.0, ())
        read = lambda atom: self.add(str(atom), 0.0, ()) if isinstance(atom, Literal) else known[atom]
        for equation in program.jaxpr.eqns:
            made = self._apply(equation, [read(atom) for atom in equation.invars])
            known |= dict(zip(equation.outvars, made, strict=True))
        return [read(atom) for atom in program.jaxpr.outvars]

    def _apply(self, equation: Any, inputs: list[int]) -> list[int]:
        name, params = equation.primitive.name, equation.params
        shapes = [atom.aval for atom in equation.invars]
        if name == "stop_gradient":  # the same values
            return inputs
        if name in CALLS:
            return self.trace(_closed(params.get("jaxpr", params.get("call_jaxpr"))), inputs)
        if name == "cond":  # on other platforms than a CPU, the last; or if so
            return self.trace(params["branches"][-1], inputs[1:])
        if equation.primitive.impl.__module__.startswith("gan_jax."):
            return self.trace(jax.make_jaxpr(partial(equation.primitive.impl, **params))(*shapes), inputs)
        # The body of a loop that ends when it likes counts once.
        flops = params.get("length", 1) * sum(map(_count, jaxprs_in_params(params)))
        if name == "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            flops = 2 * equation.outvars[0].aval.size * math.prod(shapes[0].shape[axis] for axis in contracted)
        elif name == "conv_general_dilated":
            _, *reached = params["dimension_numbers"].rhs_spec
            taps = math.prod(shapes[1].shape[axis] for axis in reached)
            flops = 2 * equation.outvars[0].aval.size * taps / math.prod(params["lhs_dilation"])
        made = self.add((name, str(params)), flops, tuple(inputs))
        return [self.add(("output", i), 0.0, (made,)) for i in range(len(equation.outvars))]

    def flops_for(self, outputs: list[int]) -> float:
        """Of all that outputs are made of."""
        waiting, needed = list(outputs), set()
        while waiting:
            if (number := waiting.pop()) not in needed:
                needed.add(number)
                waiting += self._made[number][1]
        return sum(self._made[number][0] for number in needed)
