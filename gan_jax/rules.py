"""Rules that change as training goes on: by the step, or by what they have seen of the run."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gan_jax.types import Metrics

Memory = Any  # a pytree of arrays; () is none


class Adaptive(NamedTuple):
    """A penalty or an augmentation that remembers: what it is at a step, and what an update teaches it.

    All that it remembers lives in `GANState.memories`, so that it is saved, restored and vmapped like everything else.
    """

    start: Memory
    at: Callable[[Memory, Int[Array, ""]], Any]  # (memory, step from 0) -> the rule of this step
    learn: Callable[[Memory, Metrics], Memory]  # after each update, from its metrics


def scheduled(at: Callable[[Int[Array, ""]], Any]) -> Adaptive:
    """A rule that changes with the step alone: `scheduled(lambda step: r1(gamma(step)))`."""
    return Adaptive((), lambda memory, step: at(step), lambda memory, metrics: memory)


def adaptive(rule: Any) -> Adaptive:
    """Any rule as one that could adapt; one that never changes remembers nothing.

    What it remembers keeps its dtypes: metrics in float64 would else make it another state, and the step another
    program.
    """
    if not isinstance(rule, Adaptive):
        return scheduled(lambda step: rule)

    def learn(memory: Memory, metrics: Metrics) -> Memory:
        learned = rule.learn(memory, metrics)
        return jax.tree.map(lambda old, new: jnp.asarray(new, jnp.result_type(old)), memory, learned)

    return rule._replace(learn=learn)


def paused(rule: Any, instead: Any) -> Adaptive:
    """`instead`, with the memory of `rule` kept beside it untouched.

    For a rule that shall act at every n-th step only, in full: `step` of the GAN that has the rule n times as strong,
    and a second one of `replace(gan, penalty=paused(rule, penalties.none))` for the steps between. Both are compiled
    once, and their states are alike, where the whole rule is paused and not a part of a sum. Raises TypeError for an
    `instead` that adapts.
    """
    if isinstance(instead, Adaptive):
        raise TypeError("what takes a paused rule's place cannot adapt: there is no memory for it")
    return Adaptive(adaptive(rule).start, lambda memory, step: instead, lambda memory, metrics: memory)


def combine(rules: tuple[Any, ...], how: Callable[..., Any]) -> Any:
    """`how(*rules)`, also where some of them adapt: then the result does, and remembers for each of them."""
    if not any(isinstance(rule, Adaptive) for rule in rules):
        return how(*rules)
    parts = [adaptive(rule) for rule in rules]
    return Adaptive(
        tuple(part.start for part in parts),
        lambda memory, step: how(*(part.at(own, step) for part, own in zip(parts, memory, strict=True))),
        lambda memory, metrics: tuple(part.learn(own, metrics) for part, own in zip(parts, memory, strict=True)),
    )
