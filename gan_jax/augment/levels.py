"""Images at several levels, each behind noise of its own strength (GAT, Hyun et al. 2026, arXiv:2509.24935).

For generators that show an image at several levels, and discriminators that see them side by side. A real image is
itself at every level. Coarse levels lie behind so much noise that little but their large shapes can be told.
"""

import math

import jax
import jax.numpy as jnp

from gan_jax.augment import Augment, Moving, as_it_is
from gan_jax.augment.diffaugment import colour, cutout, diff_augment, flip, sometimes, translation
from gan_jax.types import Images, Made, PRNGKey


def strengths(count: int, *, least: float = 0.125, floor: float = 0.01) -> list[float]:
    """The share t of noise at each level, from the coarsest to the last: 1 - least^(1 - i / (count - 1)) + floor.

    With the paper's four levels 0.885, 0.76, 0.51 and 0.01. Of one level it is the floor alone.
    """
    return [1 - least ** (1 - i / max(1, count - 1)) + floor if count > 1 else floor for i in range(count)]


def noisy_levels(count: int = 4, augment: Augment = as_it_is) -> Augment:
    """What a discriminator of levels sees of an image, or of its levels: a tuple of `count` arrays `[B, H, W, C]`.

    Level i is (1 - t_i) · x_i + n_i, where the noise n_i has the deviation t_i (`strengths`). Noise is one path, from
    the last level to the first: what has been drawn fades as its image does, and fresh noise is added to it. Before it,
    `augment` has one draw for all levels of an image; where it is `Moving`, or none, so is this. Raises ValueError for
    another number of levels.
    """
    shares = strengths(count)

    def view(key: PRNGKey, images: Made) -> Made:
        levels = images if isinstance(images, tuple) else (images,) * count
        if len(levels) != count:
            raise ValueError(f"noise is for {count} levels of an image, not for {len(levels)}")
        own, noise_key = jax.random.split(key)
        levels = tuple(augment(jax.random.clone(own), level) for level in levels)
        noise, before, seen = jnp.zeros(()), 0.0, list[Images]()
        for level, t, fresh_key in zip(
            reversed(levels), reversed(shares), jax.random.split(noise_key, count), strict=True
        ):
            fades = (1 - t) / (1 - before)
            fresh = jax.random.normal(fresh_key, level.shape, level.dtype)
            noise = fades * noise + math.sqrt(t**2 - (fades * before) ** 2) * fresh
            seen.append((1 - t) * level + noise)
            before = t
        return tuple(reversed(seen))

    if augment is as_it_is:
        return Moving(view, as_it_is)
    if not isinstance(augment, Moving):
        return view
    return Moving(view, lambda key, places: augment.move(jax.random.split(key)[0], places))


strong = Moving(
    diff_augment(sometimes(colour, 0.5), translation, cutout, sometimes(flip, 0.4)),
    diff_augment(as_it_is, translation, as_it_is, sometimes(flip, 0.4)),
)
"""What the paper shows of each image before the noise: colours of half of them, two in five mirrored."""
