"""Augmentations that gradients flow through: `(key, images) -> images`, each image with a draw of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jaxtyping import Array

from gan_jax.augment.places import carried
from gan_jax.types import Condition, Images, Made, PRNGKey, Taught

Augment = Callable[[PRNGKey, Images], Images]
"""`(key, images) -> images` of the same shape and dtype, `[B, H, W, C]` in about [-1, 1]; the key is consumed.

The same key makes the same draws, whatever the images of a shape: to show real and generated ones the same
augmentation is to clone the key, to show them independent ones is to split it. Conditions that are images are shown to
it by `pair`.
"""

Draws = Callable[[PRNGKey], tuple[PRNGKey, PRNGKey]]
"""One key to two, for real and for generated images."""

View = Callable[[Images, Condition], tuple[Images, Condition]]
"""What the discriminator sees of images and their conditions."""


@dataclass(frozen=True)
class Moving:
    """An `Augment` that says how it moves pixels, so that what is known of places, and is no image, moves alike."""

    look: Augment
    move: Augment  # what `look` does by the same key to where pixels are: whole pixels, zeros where none comes to lie

    def __call__(self, key: PRNGKey, images: Made) -> Made:
        """As `look` shows them."""
        return self.look(key, images)


def as_it_is(key: PRNGKey, images: Images) -> Images:
    """No augmentation: the same images."""
    del key
    return images


def independent(key: PRNGKey) -> tuple[PRNGKey, PRNGKey]:
    """Real and generated images are augmented each in their own way."""
    real_key, fake_key = jax.random.split(key)
    return real_key, fake_key


def together(key: PRNGKey) -> tuple[PRNGKey, PRNGKey]:
    """The i-th real and the i-th generated image are augmented in the same way."""
    return key, jax.random.clone(key)


def pair(augment: Augment, key: PRNGKey, images: Images, condition: Condition) -> tuple[Images, Condition]:
    """Images augmented, and by the same draw the conditions that are images, so that the two still match.

    Pixels move alike in both, and colours change alike, whatever the channels; noise is as strong in both, and the same
    only where the channels are as many. Labels and attributes stay. Features of `Taught` move with their patches where
    the augmentation is `Moving`, and change in nothing else. Raises ValueError for conditions of another size, in which
    one draw is not one movement, and for features of patches where it is not known how these move. The key is consumed.
    """
    if augment is as_it_is:
        return images, condition
    if isinstance(condition, Taught):
        seen, told = pair(augment, jax.random.clone(key), images, condition.told)
        move, size = _movement(augment, condition), jax.tree.leaves(images)[0].shape[1:3]
        stay = move is as_it_is
        return seen, Taught(told, condition.features if stay else carried(move, key, size, condition.features))

    def alike(leaf: Array) -> Array:
        if leaf.ndim != 4:
            return leaf
        if images.shape[1:3] != leaf.shape[1:3]:
            sizes = ["x".join(map(str, shape[1:3])) for shape in (images.shape, leaf.shape)]
            raise ValueError(
                f"images of {sizes[0]} and conditions of {sizes[1]} cannot be augmented alike; resize one of them in "
                "the data, or leave the augmentation out"
            )
        return augment(jax.random.clone(key), leaf)

    return augment(key, images), jax.tree.map(alike, condition)


def views(augment: Augment, *keys: PRNGKey) -> tuple[View, ...]:
    """One view for each key, by which the same images look the same each time. The keys are consumed."""
    view = lambda key: lambda images, condition: pair(augment, jax.random.clone(key), images, condition)
    return tuple(view(key) for key in keys)


def _movement(augment: Augment, condition: Taught) -> Augment:
    if isinstance(augment, Moving):
        return augment.move
    if condition.features.shape[1] == 1:
        return as_it_is
    raise ValueError(
        "features of patches move with their image, and this augmentation does not say how it moves; make it Moving, "
        "or bring features of whole images [B, 1, F]"
    )
