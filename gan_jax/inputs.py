"""What a GAN is given: batches that are checked, dealt out to the updates, and brought to floats."""

import jax.numpy as jnp
import numpy as np

from gan_jax.images import check_range, condition_to_float, to_float
from gan_jax.types import Batch, Condition, Images


def read(batch: Batch) -> tuple[Images, Condition]:
    """Images `[B, H, W, C]` and conditions as the networks see them.

    Raises TypeError for images of integers other than uint8, ValueError for not as many conditions as images.
    """
    images = to_float(jnp.asarray(batch.images))
    return images, condition_to_float(one_each(batch.condition, images.shape[0], "image"))


def one_each(condition: Condition, count: int, what: str) -> Condition:
    """A condition as an array. Raises ValueError unless there are `count` of them, one for each `what`."""
    if condition is None:
        return None
    condition = jnp.asarray(condition)
    if not condition.ndim or condition.shape[0] != count:
        told = condition.shape[0] if condition.ndim else "no list of"
        raise ValueError(f"every {what} needs a condition: there are {count}, and {told} conditions")
    return condition


def every_nth(condition: Condition, count: int) -> Condition:
    """The conditions of every n-th image of the batch, where `count` are shown (`penalties.lazy`).

    Raises ValueError where that is no whole part of the batch.
    """
    if condition is None:
        return None
    known = condition.shape[0]
    if count == 0 or known % count != 0:
        raise ValueError(
            f"{count} images were shown to a network that knows the conditions of a batch of {known}; show it the "
            "batch, or every n-th image of it"
        )
    return condition[:: known // count]


def one_batch(example: Batch) -> Batch:
    """The batch, or the first of several on a leading axis.

    Raises TypeError or ValueError for what is no batch of images, and, where values are known, for their range.
    """
    _check(example)
    batch = example if example.images.ndim == 4 else _at(example, 0)
    check_range(batch.images)
    if batch.condition is not None and np.ndim(batch.condition) == 4:
        check_range(jnp.asarray(batch.condition))
    return batch


def deal(batch: Batch, discriminator_steps: int) -> list[Batch]:
    """One batch for each update of the discriminator, and one for the generator's.

    Raises TypeError for what is no batch, and ValueError for a leading axis of another length.
    """
    _check(batch)
    dealt = [batch] if batch.images.ndim == 4 else [_at(batch, i) for i in range(len(batch.images))]
    if len(dealt) not in (discriminator_steps, discriminator_steps + 1):
        raise ValueError(
            f"{discriminator_steps} updates of the discriminator need as many batches, or one more for the "
            f"generator, on a leading axis; got {len(dealt)} in an array of {batch.images.shape}"
        )
    return dealt if len(dealt) > discriminator_steps else [*dealt, dealt[-1]]


def _at(batches: Batch, i: int) -> Batch:
    return Batch(batches.images[i], None if batches.condition is None else batches.condition[i])


def _check(batch: Batch) -> None:
    if not isinstance(batch, Batch):
        raise TypeError(f"expected Batch(images) or Batch(images, condition), got a {type(batch).__name__}")
    if not hasattr(batch.images, "dtype"):
        raise TypeError(f"images: expected an array, got a {type(batch.images).__name__}")
    shape = np.shape(batch.images)
    if len(shape) not in (4, 5) or shape[0] == 0:
        raise ValueError(f"images are [B, H, W, C], or several such batches on a leading axis, not {list(shape)}")
