"""Translation between two domains without pairs.

Both ways at once (CycleGAN, Zhu et al. 2017, arXiv:1703.10593), or one (CUT, Park et al. 2020, arXiv:2007.15651).
"""

from collections.abc import Callable

import jax.numpy as jnp

from gan_jax.tasks.task import Task, as_it_is, everywhere
from gan_jax.types import Batch, Images, PRNGKey

Style = Callable[[Images], Images]


def unpaired(*, reverse: bool = False) -> Task:
    """Given is an image of domain a, and one of b is to be made, and the other way round; nobody knows which.

    Real images have one of a above one of b, `[B, 2H, W, C]`, which need not belong together: nothing compares the two.
    A person is shown what becomes of a; reversed, of b. The baseline is what is given, as it is.
    """
    return _between(as_it_is, reverse=reverse)


def restyled(style: Style, *, reverse: bool = False) -> Task:
    """The same of real images alone, of which the upper ones are restyled: the truth of both is known.

    No step of training sees it: the image that was restyled, or that is to be, is in no batch of the other domain.
    """
    return _between(style, reverse=reverse)._replace(truth=lambda images: _truth(style, images)[1 - reverse])


def one_way(both: Task) -> Task:
    """The way alone that `both` shows, of the same real images: `(images, ())` are made of an image.

    What a generator makes beside images, in training, real ones have not: ().
    """

    def make(key: PRNGKey, images: Images) -> Batch:
        batch = both.make(key, images)
        return Batch((both.shown(batch.images), ()), both.look(batch.condition))

    return Task(
        make,
        as_it_is,
        baseline=as_it_is,
        marked=everywhere,
        shown=lambda made: made[0],
        truth=both.truth,
    )


def _between(style: Style, *, reverse: bool) -> Task:
    given, wanted = (1, 0) if reverse else (0, 1)

    def make(key: PRNGKey, images: Images) -> Batch:
        del key
        a, b = jnp.split(images, 2, axis=1)
        both = style(a), b
        return Batch(both, both)

    look = lambda condition: condition[given]
    return Task(
        make,
        look,
        baseline=look,
        marked=lambda condition: everywhere(look(condition)),
        given=lambda images, known: (images, images),
        shown=lambda made: made[wanted],
        truth=None,
    )


def _truth(style: Style, images: Images) -> tuple[Images, Images]:
    """What (F(b), G(a)) should be."""
    a, b = jnp.split(images, 2, axis=1)
    return style(b), a
