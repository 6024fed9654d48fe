"""What one network learns of another: to say of an image what a teacher, which stays as it is, says of it."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.layers.tokens import Tokens
from gan_jax.types import Features, Logits

TINY = 1e-12
"""Added to squared lengths."""


class Answer(NamedTuple):
    """What a discriminator that has a teacher says of a batch."""

    logits: Logits
    distance: Float[Array, " batch"]  # from what the teacher says of each image; 0 where that is nothing


class Pupil(nn.Module):
    """Tokens `[B, N, C]` to a teacher's numbers, float32 `[B, N, numbers]`: three layers, SiLU between.

    GAT's (Hyun et al. 2026, arXiv:2509.24935), after Yu et al. 2025 (REPA, arXiv:2410.06940). It computes in `dtype`.
    """

    numbers: int
    hidden: int = 2048
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Tokens) -> Tokens:
        """Applies the layers."""
        for i, features in enumerate((self.hidden, self.hidden, self.numbers)):
            x = nn.silu(x) if i else x
            x = nn.Dense(features, kernel_init=nn.initializers.xavier_uniform(), dtype=self.dtype, name=f"layer_{i}")(x)
        return x.astype(jnp.float32)


def apart(said: Tokens, features: Features | None) -> Float[Array, " batch"]:
    """How far what an image's tokens say `[B, 1 + T, F]` is from what a teacher says of the same, `[B]`, in [0, 4].

    Of two vectors it is 1 - cos, which looks at no length: GAT's, by the authors' code (2026, commit 21a2dd0). That of
    the image, whose token is the first, and the mean over its T patches are added up. A teacher has said features
    `[B, n, F]`: of the image alone (n = 1), of its patches, or of both; None: nothing, and the distance is 0. Zeros are
    nothing, too, and left out of the mean. Raises ValueError for features of another shape.
    """
    batch, count, numbers = said.shape
    if features is None:
        return jnp.zeros(batch)
    n = features.shape[1]
    if features.shape != (batch, n, numbers) or n not in (1, count - 1, count):
        raise ValueError(
            f"features of an image and its {count - 1} patches are [{batch}, n, {numbers}], n being 1, {count - 1} or "
            f"{count}, not {list(features.shape)}"
        )
    said = said[:, :1] if n == 1 else said[:, -n:]
    known = jnp.any(jnp.asarray(features) != 0, axis=-1)
    distances = jnp.where(known, 1 - jnp.sum(_unit(said) * _unit(features), axis=-1), 0)
    whole = int(n in (1, count))
    of_patches = jnp.sum(distances[:, whole:], axis=1) / jnp.maximum(jnp.sum(known[:, whole:], axis=1), 1)
    return jnp.sum(distances[:, :whole], axis=1) + of_patches


def _unit(x: Array | np.ndarray) -> Array:
    wide = jnp.asarray(x, jnp.float32)
    return wide * jax.lax.rsqrt(jnp.sum(jnp.square(wide), axis=-1, keepdims=True) + TINY)
