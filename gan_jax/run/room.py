"""Whether a run can be on its devices at all, before anything is allocated or compiled."""

from collections.abc import Sequence
from typing import Any

import jax

from gan_jax.config import Config
from gan_jax.config.build import as_read
from gan_jax.errors import ConfigError
from gan_jax.memory import in_words, require_memory
from gan_jax.run.training import abstract_state


def require_room(config: Config, devices: Sequence[jax.Device]) -> None:
    """Raises ConfigError if what every step needs at least is more than a device has, with both figures.

    That is the state, twice the larger network's parameters (its gradient and its update), and the step's batches as
    floats. What layers keep for the backward pass comes on top: `--dry-run` has the compiler's count of all of it.
    """
    try:
        state = abstract_state(config, 2)  # the number of classes hardly matters here
        batches = jax.eval_shape(lambda: as_read(config, stacked=config.batches_per_step))
    except (OverflowError, TypeError, ValueError) as error:
        raise ConfigError(f"networks or batches of such sizes cannot be made: {error}") from None
    parameters = max(_bytes(player.weights.params) for player in (state.generator, state.discriminator))
    whole, shared = _bytes(state) + 2 * parameters, 4 * sum(leaf.size for leaf in jax.tree.leaves(batches))
    what, mend = "the networks and batches of a step", "choose narrower networks, or smaller batches or images"
    own = [device for device in devices if device.process_index == jax.process_index()]
    limit = (own[0].memory_stats() or {}).get("bytes_limit")
    if limit is None:  # a CPU: devices share the machine's memory, and a state is whole on each
        require_memory(whole * len(own) + shared * len(own) // len(devices), what, mend)
    elif whole + shared // len(devices) > limit:
        needed, has = in_words(whole + shared // len(devices)), in_words(limit)
        raise ConfigError(f"{what} need {needed} of a device's memory, {devices[0].device_kind} has {has}; {mend}")


def _bytes(tree: Any) -> int:
    """Of all arrays; keys, which are few, are left out."""
    leaves = (leaf for leaf in jax.tree.leaves(tree) if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key))
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
