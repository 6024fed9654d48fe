"""Relational memory: a recurrent network whose memory attends to itself (Santoro et al. 2018, arXiv:1806.01822)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Memory = Float[Array, "batch slots size"]


def first_memory(batch: int, slots: int, size: int) -> Memory:
    """What is remembered at the beginning: rows of the identity, so that no two slots are alike."""
    return jnp.broadcast_to(jnp.eye(slots, size), (batch, slots, size))


class RelationalMemory(nn.Module):
    """(memory `[B, S, N]`, input `[B, I]`) to the next memory, float32: section 3.4 and eqs. 6 to 9 there.

    Each slot asks all slots and the input, by `heads` heads that share its N numbers; two layers follow, each branch
    is added and normalised. A gate of each number, of the input and of what was remembered, says how much of it is
    written, another, whose bias begins at 1, how much is kept. Raises ValueError for a size that heads do not divide.
    """

    size: int
    heads: int = 2

    @nn.compact
    def __call__(self, memory: Memory, given: Float[Array, "batch inputs"]) -> Memory:
        """One step in time."""
        if self.size % self.heads:
            raise ValueError(f"a memory of {self.size} numbers is not shared by {self.heads} heads")
        given = nn.Dense(self.size, name="input")(given)[:, None]
        asked = jnp.concatenate([memory, given], axis=1)
        split = lambda x: x.reshape(*x.shape[:2], self.heads, -1)
        query = split(nn.Dense(self.size, name="query")(memory))
        key, value = (split(nn.Dense(self.size, name=name)(asked)) for name in ("key", "value"))
        told = jax.nn.dot_product_attention(query, key, value).reshape(memory.shape)
        seen = nn.LayerNorm(name="attended")(memory + told)
        inner = nn.relu(nn.Dense(self.size, name="mlp_0")(seen))
        seen = nn.LayerNorm(name="thought")(seen + nn.relu(nn.Dense(self.size, name="mlp_1")(inner)))
        gates = nn.Dense(2 * self.size, name="gate_input")(given)
        gates += nn.Dense(2 * self.size, use_bias=False, name="gate_memory")(jnp.tanh(memory))
        write, keep = jnp.split(gates, 2, axis=-1)
        return nn.sigmoid(write) * jnp.tanh(seen) + nn.sigmoid(keep + 1.0) * memory
