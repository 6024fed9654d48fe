"""Keys for a share of a batch: each draws what the whole batch's key would have drawn for those images.

Latents, noise, dropout and augmentations are drawn by one key for a batch, one row an image. Where a program sees some
images of the batch only, as that of one device does under `jax.pmap`, it is given such a key: it is split and folded as
the whole one is, and of every draw it returns its own rows. So the meaning of a program does not change with how a
batch is shared out. The place is among the key's data and may be traced; shares of shares are shares.

The first axis of a draw is taken for the batch; scalars are drawn alike for all. Compilers that fuse a draw with the
choice of its rows, as XLA does on accelerators, draw these rows alone; else a share costs what the whole draw does.
"""

from collections.abc import Callable, Hashable
from functools import cache

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.random import define_prng_impl
from jaxtyping import Array, Int

from gan_jax.types import PRNGKey

Place = Int[Array, ""] | int
"""Which share, from 0."""


def run(key: PRNGKey, place: Place, count: int) -> PRNGKey:
    """The key of the place-th of `count` equal runs of consecutive images. The key is consumed."""
    return _share(key, place, count, _run)


def comb(key: PRNGKey, place: Place, count: int) -> PRNGKey:
    """The key of every count-th image, from the place-th on. The key is consumed."""
    return _share(key, place, count, _comb)


def _run(whole: Array, place: Place, count: int) -> Array:
    return lax.dynamic_index_in_dim(whole.reshape(count, -1, *whole.shape[1:]), place, axis=0, keepdims=False)


def _comb(whole: Array, place: Place, count: int) -> Array:
    return lax.dynamic_index_in_dim(whole.reshape(-1, count, *whole.shape[1:]), place, axis=1, keepdims=False)


def _share(key: PRNGKey, place: Place, count: int, rows: Callable[..., Array]) -> PRNGKey:
    data = jnp.append(jax.random.key_data(key), jnp.asarray(place, jnp.uint32))
    return jax.random.wrap_key_data(data, impl=_implementation(jax.random.key_impl(key), count, rows))


@cache  # keys of one kind only if of the same functions
def _implementation(kind: Hashable, count: int, rows: Callable[..., Array]) -> Hashable:
    """How a key of that kind behaves with a place behind its data."""
    whole = lambda data: jax.random.wrap_key_data(data[:-1], impl=kind)

    def placed(keys: PRNGKey, data: Array) -> Array:
        own = jax.random.key_data(keys)
        return jnp.concatenate([own, jnp.broadcast_to(data[-1:], (*own.shape[:-1], 1))], axis=-1)

    def draw(data: Array, width: int, shape: tuple[int, ...]) -> Array:
        if not shape:
            return jax.random.bits(whole(data), shape, f"uint{width}")
        return rows(jax.random.bits(whole(data), (count * shape[0], *shape[1:]), f"uint{width}"), data[-1], count)

    def refuse(seed: Array) -> Array:
        raise TypeError(f"a share is one of a key, not of the seed {seed}; see gan_jax.shares.run")

    (length,) = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=kind))).shape
    return define_prng_impl(
        key_shape=(length + 1,),
        seed=refuse,
        split=lambda data, shape: placed(jax.random.split(whole(data), shape), data),
        random_bits=draw,
        fold_in=lambda data, number: placed(jax.random.fold_in(whole(data), number), data),
        name=f"{kind} of 1 in {count}",
        tag="share",
    )
