"""What a task is, and how a step of training is given its batches."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.images import to_float
from gan_jax.types import Batch, Bytes, Condition, Images, Made, PRNGKey

Mask = Float[Array, "batch #height #width 1"]


def as_it_is(images: Images) -> Images:
    """The same images."""
    return images


class Task(NamedTuple):
    """Something to be made of something given. All functions are pure, and run on the device."""

    make: Callable[[PRNGKey, Images], Batch]  # of images in [-1, 1]: what is to be made, and what is given for it
    look: Callable[[Condition], Images]  # what is given, as a person sees it, as large as what is to be made
    baseline: Callable[[Condition], Images]  # what can be made of it without a network
    marked: Callable[[Condition], Mask]  # 1 where something is to be made, else 0
    given: Callable[[Images, Mask], Condition] = lambda images, known: images  # what is given in one's own pictures
    has_holes: bool = False  # whether something is missing in them: the mask `known` is 0 there, else 1
    shown: Callable[[Made], Images] = as_it_is  # of all that is made, or real, what a person sees, and scores are of
    truth: Callable[[Images], Images] | None = as_it_is  # what that should be, of the real images; None: nobody knows


def everywhere(condition: Condition) -> Mask:
    """The whole image is to be made: ones."""
    return jnp.ones((condition.shape[0], 1, 1, 1))


def made(task: Task, key: PRNGKey, images: Images | Bytes) -> Batch:
    """The batch that a task makes of real images `[B, H, W, C]`. The key is consumed.

    Raises TypeError for what is no task, such as a function that makes one.
    """
    if not isinstance(task, Task):
        raise TypeError(f"task: expected a Task, such as tasks.super_resolution.super_resolution(4), got {task!r}")
    return task.make(key, to_float(images))


def through(task: Task, step: Callable[..., Any], *, stacked: int = 1) -> Callable[..., Any]:
    """A step that is given real images, and takes the batch that the task makes of them.

    The draws are folded from `state.key` and `state.step`, as all of the step's, and are none of its own. Images may be
    `stacked` batches on a leading axis, each with draws of its own; what data tell of them is not looked at.
    """

    def of_images(state: Any, batch: Batch) -> Any:
        key = jax.random.fold_in(jax.random.fold_in(state.key, _APART), state.step)
        if stacked == 1:
            return step(state, made(task, key, batch.images))
        keys = jax.random.split(key, stacked)
        each = [made(task, own, images) for own, images in zip(keys, batch.images, strict=True)]
        return step(state, jax.tree.map(lambda *batches: jnp.stack(batches), *each))

    return of_images


_APART = np.uint32(2**32 - 1)
"""No number of a step: what is folded with it is no step's own."""
