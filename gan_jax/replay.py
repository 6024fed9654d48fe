"""What the discriminator is shown of generated images: the newest, or some of before, so that it forgets less."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from gan_jax.types import Batch, PRNGKey

Past = Any  # a pytree of arrays; () is none


class Replay(NamedTuple):
    """What is kept of generated images, and what of them and of the newest the discriminator's update sees.

    Batches have the conditions that images were made of, which come back with them. What is kept lives in
    `GANState.past`, so that it is saved, restored and vmapped like everything else. The generator's own update sees
    what it makes, and nothing else.
    """

    start: Callable[[Batch], Past]  # of a batch like those that are made; only shapes and dtypes matter
    show: Callable[[PRNGKey, Past, Batch], tuple[Batch, Past]]  # as many images as were made; the key is consumed


newest = Replay(lambda example: (), lambda key, past, made: (made, past))
"""The newest alone."""


class Pool(NamedTuple):
    """Images of before."""

    kept: Batch  # every leaf `[size, ...]`; zeros where there is none yet
    held: Int[Array, ""]  # how many there are


def pool(size: int) -> Replay:
    """A pool of `size` generated images; half of what is shown comes out of it, once it is full.

    Image by image: a pool that is not full takes it, and it is shown. Later it is shown with probability 1/2; else it
    changes places with one of the pool, which is shown. So it is in the authors' code of CycleGAN (Zhu et al. 2017,
    arXiv:1703.10593, section 4, with 50 images), after Shrivastava et al. 2017 (arXiv:1612.07828, section 2.3), who
    take half of each batch. Of a pytree, such as a pair of images, all leaves stay together, where CycleGAN has a pool
    for each domain. It takes the memory of so many images on every device; images are looked at one after the other,
    those of all devices in the order of the batch. The loss is told of each image the condition that it was made of;
    penalties look at the newest images, so that what they put between a real image and a generated one is told the one
    condition that both have. Raises ValueError for a size below 1.
    """
    if size < 1:
        raise ValueError(f"a pool holds 1 image or more, not {size}; without one, take replay.newest")

    def start(example: Batch) -> Pool:
        empty = lambda leaf: jnp.zeros((size, *jnp.shape(leaf)[1:]), jnp.result_type(leaf))
        return Pool(jax.tree.map(empty, example), jnp.zeros((), jnp.int32))

    def show(key: PRNGKey, past: Pool, made: Batch) -> tuple[Batch, Pool]:
        place_key, coin_key = jax.random.split(key)
        images = jax.tree.leaves(made)[0].shape[0]
        places = jax.random.randint(place_key, (images,), 0, size)
        coins = jax.random.bernoulli(coin_key, shape=(images,))

        def one(past: Pool, at: tuple[Batch, Array, Array]) -> tuple[Pool, Batch]:
            new, place, coin = at
            filling = past.held < size
            place = jnp.where(filling, past.held, place)
            old = jax.tree.map(lambda leaf: leaf[place], past.kept)
            choose = lambda which: lambda a, b: jnp.where(which, a, b)
            kept = jax.tree.map(choose(filling | coin), new, old)
            placed = jax.tree.map(lambda leaf, image: leaf.at[place].set(image), past.kept, kept)
            return Pool(placed, past.held + filling), jax.tree.map(choose(coin & ~filling), old, new)

        past, shown = lax.scan(one, past, (made, places, coins))
        return shown, past

    return Replay(start, show)
