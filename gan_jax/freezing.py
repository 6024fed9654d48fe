"""Layers that stay as they are while the others learn: for networks that learned from other data before."""

from collections.abc import Collection
from typing import Any

import jax
import optax

from gan_jax.network import init_weights
from gan_jax.types import Condition, Network, Params


def frozen(optimizer: optax.GradientTransformation, layers: Collection[str]) -> optax.GradientTransformation:
    """The optimizer for all layers but some, by their names at the top of the parameters: these are not updated.

    Mo et al. 2020 (arXiv:2002.10964) freeze the lower layers of a discriminator that goes on to other data. What the
    optimizer does over all parameters, such as clipping their gradient, it does over those that learn; batch statistics
    and singular vectors are no parameters, and move. Raises ValueError at `init` for a name that no layer has.
    """

    def roles(params: Params) -> Any:
        if strange := sorted(set(layers) - set(params)):
            raise ValueError(f"no layer is named {strange[0]}; there are {', '.join(params)}")
        return {name: "frozen" if name in layers else "learns" for name in params}

    return optax.partition({"learns": optimizer, "frozen": optax.set_to_zero()}, roles)


def layers_of(network: Network, inputs: Any, condition: Condition = None) -> tuple[str, ...]:
    """The names of a network's layers, in the order in which a pass comes to them. Computes nothing."""
    found: list[str] = []
    # Asked for in the middle of it: a dict that JAX has returned is in the order of the alphabet.
    jax.eval_shape(lambda: found.extend(init_weights(network, jax.random.key(0), inputs, condition).params))
    return tuple(found)
