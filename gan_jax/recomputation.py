"""Networks that need less memory for more work: what a pass has kept for its gradient is computed anew.

Both are networks themselves, with the outputs and the gradients of the one within to rounding, and may be within each
other: a part is computed anew in any case, and block by block with `Recomputed` in it.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from gan_jax import shares
from gan_jax.images import count as count_of
from gan_jax.network import MARKS, is_float
from gan_jax.types import Network


class Recomputed(NamedTuple):
    """A network whose passes keep the ends of blocks alone; the backward pass computes the rest again.

    Chen et al. 2016 (arXiv:1604.06174), section 4. Ends of blocks are what a network has named "block" by
    `jax.ad_checkpoint.checkpoint_name`, as residual blocks and StyleGAN2's layers do here; of others the inputs are
    kept. Compilers for GPU and TPU make less memory of it, that for CPUs does not.
    """

    network: Network

    def init(self, rngs: Any, inputs: Any, condition: Any, *, train: bool) -> Any:
        """The network's own variables."""
        return self.network.init(rngs, inputs, condition, train=train)

    def apply(
        self, variables: Any, inputs: Any, condition: Any, *, train: bool, rngs: Any, mutable: Any
    ) -> tuple[Any, Any]:
        """One forward pass."""

        def run(variables: Any, inputs: Any, condition: Any, rngs: Any) -> tuple[Any, Any]:
            return self.network.apply(variables, inputs, condition, train=train, rngs=rngs, mutable=mutable)

        ends = jax.checkpoint_policies.save_only_these_names("block")
        return jax.checkpoint(run, policy=ends)(variables, inputs, condition, rngs)


class InParts(NamedTuple):
    """A network that is trained on a batch in equal parts, of `images` at most, one after another.

    Gradients are summed up as the backward pass goes through the parts, each of which it computes again: what is kept
    is that of one part. Part m of n holds the images m, m + n, m + 2n..., so that devices that share the batch share
    each part, and draws at random what the whole batch would. Images that interact do so within a part: batch
    normalisation is over a part, and its statistics are means over the parts. The groups of StyleGAN2's discriminator
    are whole where a part is a multiple of them. Losses, penalties and rules see the whole batch as ever.

    Not for CPUs, on which convolutions in a loop are slow (docs/design.md).
    """

    network: Network
    images: int

    def init(self, rngs: Any, inputs: Any, condition: Any, *, train: bool) -> Any:
        """The network's own variables."""
        return self.network.init(rngs, inputs, condition, train=train)

    def apply(
        self, variables: Any, inputs: Any, condition: Any, *, train: bool, rngs: Any, mutable: Any
    ) -> tuple[Any, Any]:
        """One forward pass; in evaluation, and of batches that are no larger than a part, the network's own."""
        own = lambda variables, inputs, condition, rngs: self.network.apply(
            variables, inputs, condition, train=train, rngs=rngs, mutable=mutable
        )
        count = _parts(count_of(inputs), self.images)
        if not train or count == 1:
            return own(variables, inputs, condition, rngs)
        marks = variables.get(MARKS, {})

        @jax.checkpoint
        def one(part: Any) -> tuple[Any, Any]:
            place, inputs, condition, marks = part
            keys = {name: shares.comb(key, place, count) for name, key in rngs.items()}
            return own({**variables, **({MARKS: marks} if marks else {})}, inputs, condition, keys)

        dealt = jax.tree.map(lambda rows: _dealt(rows, count), (inputs, condition, marks))
        outputs, moved = jax.lax.map(one, (jnp.arange(count), *dealt))
        return jax.tree.map(_gathered, outputs), jax.tree.map(
            lambda leaf: leaf.mean(0) if is_float(leaf) else leaf[-1], moved
        )


def _parts(count: int, images: int) -> int:
    """The fewest equal parts of `images` at most; one, where it is not known yet how many images there are."""
    if not isinstance(count, int):
        return 1
    return next(parts for parts in range(1, count + 1) if count % parts == 0 and count // parts <= images)


def _dealt(rows: Array, parts: int) -> Array:
    """`[B, ...] -> [parts, B / parts, ...]`."""
    return jnp.swapaxes(rows.reshape(-1, parts, *rows.shape[1:]), 0, 1)


def _gathered(parts: Array) -> Array:
    """`[parts, B / parts, ...] -> [B, ...]`."""
    return jnp.swapaxes(parts, 0, 1).reshape(-1, *parts.shape[2:])
