"""The parts of a transformer: attention, and the gated layers between."""

import math
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from gan_jax.layers.tokens import Tokens, axial_angles, rotated
from gan_jax.sizes import Sides

Implementation = Literal["xla", "cudnn"]

EPSILON = 1e-6
"""Added to mean squares."""

xavier = nn.initializers.xavier_uniform()


class Attention(nn.Module):
    """Every token looks at all others: `[B, N, C]` to the same, in so many heads of C / heads channels.

    Scaled dot products (Vaswani et al. 2017, arXiv:1706.03762, section 3.2) of queries and keys that are divided by
    their root mean square over a head's channels, weighed by channel (Henry et al. 2020, arXiv:2010.04245, make them of
    unit length), and then turned by their places. The last tokens are those of a `grid` of rows and columns; those
    before them have no place, and are not turned. Matrices are Xavier-uniform, biases 0; queries, keys and values are
    one product.

    `implementation` is that of `jax.nn.dot_product_attention`: "cudnn" is its flash attention, for GPUs and 16 bits
    alone, and has no second derivatives.
    """

    heads: int
    grid: Sides
    implementation: Implementation = "xla"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Tokens) -> Tokens:
        """Applies the layer. Raises ValueError for channels that the heads do not divide, and for too few tokens."""
        batch, count, channels = x.shape
        if count < math.prod(self.grid):
            raise ValueError(f"a grid of {self.grid[0]}x{self.grid[1]} has {math.prod(self.grid)} tokens, not {count}")
        if channels % self.heads:
            raise ValueError(f"{channels} channels are no whole number for each of {self.heads} heads")
        joint = nn.Dense(3 * channels, kernel_init=xavier, dtype=self.dtype, name="joint")(x)
        in_heads = lambda x: x.reshape(batch, count, self.heads, -1)
        queries, keys, values = map(in_heads, jnp.split(joint, 3, axis=-1))
        norm = lambda name: nn.RMSNorm(EPSILON, dtype=self.dtype, name=name)
        turn = lambda x: _turned(x, self.grid)
        queries, keys = turn(norm("query")(queries)), turn(norm("key")(keys))
        attend = in_pairs if self.implementation == "cudnn" else jax.nn.dot_product_attention
        seen = attend(queries, keys, values, implementation=self.implementation)
        return nn.Dense(channels, kernel_init=xavier, dtype=self.dtype, name="out")(seen.reshape(x.shape))


def in_pairs(queries: Array, keys: Array, values: Array, *, implementation: Implementation) -> Array:
    """`jax.nn.dot_product_attention` of `[B, N, heads, channels]`, which is never handed an odd number N of tokens.

    To those comes one more that none looks at. In training JAX 0.10 to 0.12 refuse cuDNN odd numbers, as if there were
    a bias, and a discriminator's own token makes them odd.
    """
    count = queries.shape[1]
    if count % 2 == 0:
        return jax.nn.dot_product_attention(queries, keys, values, implementation=implementation)
    queries, keys, values = (jnp.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0))) for x in (queries, keys, values))
    lengths = jnp.full(queries.shape[0], count, jnp.int32)
    seen = jax.nn.dot_product_attention(
        queries,
        keys,
        values,
        query_seq_lengths=lengths,
        key_value_seq_lengths=lengths,
        implementation=implementation,
    )
    return seen[:, :count]


class SwiGLU(nn.Module):
    """W₃(SiLU(W₁x) · W₂x), `[B, N, C]` to the same, with biases (Shazeer 2020, arXiv:2002.05202, eq. 6).

    The hidden layer has 8 / 3 · C features, rounded down: as many parameters as 4 · C without a gate.
    """

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Tokens) -> Tokens:
        """Applies the layers; both halves of the first are one product."""
        channels = x.shape[-1]
        joint = nn.Dense(2 * (8 * channels // 3), kernel_init=xavier, dtype=self.dtype, name="joint")(x)
        gate, values = jnp.split(joint, 2, axis=-1)
        return nn.Dense(channels, kernel_init=xavier, dtype=self.dtype, name="out")(nn.silu(gate) * values)


def written_out(depth: int, asked: bool | None = None) -> bool:
    """Whether a network of so many blocks has them one after another in its program, and not in a loop.

    Where nobody asks for either: up to four. XLA gives a loop's body slower products. On a CPU a step of four small
    blocks takes 5 to 31 % less so, and a third more time to compile; on an H200 a step of S/4, twelve blocks, takes
    13 % less, and less memory (2026-11-27, docs/speed.md). With two blocks a turn it takes more on a CPU.
    """
    return depth <= 4 if asked is None else asked


def stacked(block: type[nn.Module], count: int, *, recomputed: bool = False, unrolled: bool = False) -> Any:
    """As `in_a_row`, but that less of the forward pass is kept for the backward one.

    Kept is only what layers' products made; all between, and what tokens see of each other, is computed again. (GAT-S/4
    then needs half of the room, at an eighth of its width also less time: docs/experiments.md.) If `recomputed`, all of
    a block is, and what enters it alone is kept.
    """
    policies = jax.checkpoint_policies
    kept = policies.nothing_saveable if recomputed else policies.dots_with_no_batch_dims_saveable
    return in_a_row(nn.remat(block, prevent_cse=unrolled, policy=kept), count, unrolled=unrolled)


def in_a_row(block: type[nn.Module], count: int, *, unrolled: bool = False) -> Any:
    """The class of `count` such blocks, one after another, `(x, *others) -> (x, outputs)`; all are shown the others.

    A block is `(x, *others) -> (x, output)`. Outputs, which may be None, and parameters have the number of the block as
    their first axis. It is one loop (`nn.scan`), compiled once, however many blocks there are, unless `unrolled`.
    """
    return nn.scan(
        block,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=nn.broadcast,
        length=count,
        unroll=count if unrolled else 1,
    )


def normalised(x: Array, epsilon: float = EPSILON) -> Array:
    """x divided by the root mean square of its last axis (Zhang & Sennrich 2019, arXiv:1910.07467), in its dtype."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + epsilon)).astype(x.dtype)


def _turned(x: Array, grid: Sides) -> Array:
    angles = axial_angles(grid, x.shape[-1])
    return rotated(x, np.pad(angles, ((x.shape[1] - len(angles), 0), (0, 0))))
