"""A network in motion: its first weights, and its passes forward. All that the core asks of a network is here."""

import inspect
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax.types import Condition, Network, PRNGKey, Stats, Weights

MARKS = "perturbations"
"""Flax's name for offsets at marked places (`Module.perturb`): of a pass, not of the network."""


def init_weights(network: Network, key: PRNGKey, inputs: Any, condition: Condition) -> Weights:
    """Draws the first weights of a network for inputs like these. The key is consumed.

    Raises TypeError for what is no network, and for a Flax module that cannot be called with a condition and `train`.
    """
    _check(network, inputs, condition)
    variables = dict(_init(network, key, inputs, condition))
    params = variables.pop("params")
    variables.pop(MARKS, None)
    return Weights(params, variables)


def forward(
    network: Network, weights: Weights, key: PRNGKey, inputs: Any, condition: Condition, marks: Any = None
) -> tuple[Any, Stats]:
    """One pass in training mode: the output, and the statistics that it leaves behind. The key is consumed.

    `marks` are added to what the network marks by `self.perturb`, so that one may ask for slopes there.
    """
    mutable = list(weights.stats)
    return _apply(network, weights, inputs, condition, marks, train=True, rngs=_streams(key), mutable=mutable)


def evaluate(network: Network, weights: Weights, inputs: Any, condition: Condition, key: PRNGKey | None = None) -> Any:
    """One pass in evaluation mode: the output, which no neighbour in the batch has a part in.

    A network that draws at random in evaluation, too, needs a key, which is consumed.
    """
    rngs = None if key is None else _streams(key)
    return _apply(network, weights, inputs, condition, None, train=False, rngs=rngs, mutable=[])[0]


def wide(outputs: Any) -> Any:
    """A network's outputs in float32, or as wide as they are: a mean in bfloat16 over 512 would not see one move."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.promote_types(jnp.result_type(leaf), jnp.float32)), outputs)


def is_float(leaf: Array) -> bool:
    """Whether means make sense of a leaf of weights; of counters and keys they make none."""
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def zero_marks(network: Network, inputs: Any, condition: Condition) -> Any:
    """Zeros for all that the network marks in a pass over `inputs`; {} if it marks nothing. Computes nothing."""
    shapes = jax.eval_shape(lambda: dict(_init(network, jax.random.key(0), inputs, condition)).get(MARKS, {}))
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def _init(network: Network, key: PRNGKey, inputs: Any, condition: Condition) -> Any:
    return network.init(_streams(key), inputs, condition, train=True)


def _streams(key: PRNGKey) -> dict[str, PRNGKey]:
    """What `make_rng` draws from: "dropout", and for all other names Flax's default, "params"."""
    params_key, dropout_key = jax.random.split(key)
    return {"params": params_key, "dropout": dropout_key}


def _check(network: Network, inputs: Any, condition: Condition) -> None:
    if isinstance(network, type) or not (hasattr(network, "init") and hasattr(network, "apply")):
        raise TypeError(
            "a network is an instance of a Flax module, or any object with `init` and `apply` (gan_jax.types.Network), "
            f"not {network!r}; flax.nnx.bridge.ToLinen makes one of an nnx class"
        )
    if isinstance(network, nn.Module):
        signature = inspect.signature(network.__call__)
        try:
            signature.bind(inputs, condition, train=True)
        except TypeError:
            raise TypeError(
                f"{type(network).__name__}.__call__ takes {signature}; expected (self, inputs, condition=None, *, "
                "train=False)"
            ) from None


def _apply(
    network: Network,
    weights: Weights,
    inputs: Any,
    condition: Condition,
    marks: Any,
    *,
    train: bool,
    rngs: Any,
    mutable: list[str],
) -> tuple[Any, Stats]:
    variables = {"params": weights.params, **weights.stats, **({MARKS: marks} if marks else {})}
    outputs, moved = network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)
    leaves = jax.tree.leaves(outputs)
    if not leaves or not all(hasattr(leaf, "shape") for leaf in leaves):
        raise TypeError(
            f"{type(network).__name__} returns a {type(outputs).__name__}; a network returns an array, such as images "
            "[B, H, W, C] or logits [B, ...], or a pytree of arrays"
        )
    return outputs, moved
