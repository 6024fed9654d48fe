"""Adaptive discriminator augmentation: a pipeline of probability p, and the rule that moves p.

Karras et al. 2020 (arXiv:2006.06676), section 2 and appendix B, written anew from the paper. Each transformation is
applied to each image with probability p, all drawn independently, in this order; N(σ) is normal with that deviation:

    blit   flip left and right (half of the time), turn by a quarter (one of four), shift by whole pixels, U[-1/8, 1/8]
    warp   scale 2^N(0.2), rotate U[-π, π], stretch one axis and shrink the other 2^N(0.2), rotate again, shift N(1/8)
    tint   brightness + N(0.2), contrast 2^N(0.5), flip luma (half of the time), rotate hue U[-π, π],
           saturation 2^N(1)
    tune   for each of four octaves of frequencies: its gain 2^N(1), and after each `filtering.balanced`
    grain  noise N(|N(0.1)|) in each value
    cut    half of each side, with the middle anywhere, is mid-grey

Shifts are in units of the image's size, and images that are no squares are turned by halves, one of two. The two
rotations happen with probability 1 - √(1 - p) each, so that one at least happens with p. `ada` is the first three, the
paper's recommended set ("bgc"), `full` all six ("bgcfnc"): of the rest the paper found little use. Two things are
simpler than there: blits are made on pixels first and not folded into the warp's one resampling, so that borders may be
mirrored twice, and an image whose warp or gains are the identity is not filtered. See `geometry.resample` for the rest.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.augment import colour, filtering, geometry
from gan_jax.images import require_floats
from gan_jax.rules import Adaptive
from gan_jax.types import Images, Metrics, PRNGKey, Scalar


def ada(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """The recommended pipeline: blit, warp and tint. With p = 0 it returns the same images bit for bit.

    `p` in [0, 1] may be traced: another strength is no other program. Generators start to draw augmentations
    themselves where p stays above about 0.8. `lambda key, images: ada(key, images, p)` is an Augment. Raises
    ValueError for other than 1 or 3 channels.
    """
    blit_key, warp_key, tint_key = jax.random.split(key, 3)
    return tint(tint_key, warp(warp_key, blit(blit_key, images, p), p), p)


def full(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """All six groups of the paper: those of `ada`, then tune, grain and cut. For the same images, and as exact at 0."""
    ada_key, tune_key, grain_key, cut_key = jax.random.split(key, 4)
    return cut(cut_key, grain(grain_key, tune(tune_key, ada(ada_key, images, p), p), p), p)


def with_cutout(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """The pipeline as R3GAN uses it: colour at half the probability, and a half-sized square of mid-grey cut out.

    Huang et al. 2024 (arXiv:2501.05441), as in their published settings.
    """
    blit_key, warp_key, tint_key, cut_key = jax.random.split(key, 4)
    moved = warp(warp_key, blit(blit_key, images, p), p)
    return cut(cut_key, tint(tint_key, moved, jnp.asarray(p) / 2), p)


def cut(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Sets half of each side, a rectangle, to zero, mid-grey; the part that hangs over the edge is lost."""
    require_floats(images)
    count, height, width, _ = images.shape
    middle = _sometimes(key, p, lambda k: jax.random.uniform(k, (count, 2)), 9.0)  # 9: far outside
    near = lambda axis, size: jnp.abs((jnp.arange(size)[None, :] + 0.5) / size - middle[:, axis, None]) < 0.25
    hole = near(0, height)[:, :, None] & near(1, width)[:, None, :]
    return jnp.where(hole[..., None], 0, images)


def blit(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Flips, quarter turns and whole-pixel shifts: pixels move, and keep their values. Any number of channels."""
    flip_key, turn_key, shift_key = jax.random.split(key, 3)
    count, height, width, _ = images.shape
    flipped = _sometimes(flip_key, p, lambda k: jax.random.bernoulli(k, 0.5, (count,)), False)
    quarters = _sometimes(turn_key, p, lambda k: jax.random.randint(k, (count,), 0, 4), 0)
    share = _sometimes(shift_key, p, lambda k: jax.random.uniform(k, (count, 2), minval=-0.125, maxval=0.125), 0.0)
    pixels = jnp.round(share * jnp.array([[height, width]])).astype(jnp.int32)
    turn = geometry.turn if height == width else lambda x, quarters: geometry.turn_over(x, quarters >= 2)
    return geometry.shift(turn(geometry.flip(images, flipped), quarters), pixels)


def warp(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Scales, rotates, stretches and shifts, by one resampling. Any number of channels."""
    require_floats(images)
    scale_key, first_key, stretch_key, second_key, shift_key = jax.random.split(key, 5)
    count, height, width, _ = images.shape
    once = 1 - jnp.sqrt(1 - jnp.asarray(p, jnp.float32))
    powers = lambda k: jnp.exp2(0.2 * jax.random.normal(k, (count,)))
    angles = lambda k: jax.random.uniform(k, (count,), minval=-jnp.pi, maxval=jnp.pi)
    scale, stretch = _sometimes(scale_key, p, powers, 1.0), _sometimes(stretch_key, p, powers, 1.0)
    first, second = _sometimes(first_key, once, angles, 0.0), _sometimes(second_key, once, angles, 0.0)
    share = _sometimes(shift_key, p, lambda k: 0.125 * jax.random.normal(k, (count, 2)), 0.0)
    # The way back from an output pixel: what was done last is undone first, on the right.
    inverse = _product(_scaled(1 / scale, 1 / scale), _rotated(first), _scaled(stretch, 1 / stretch), _rotated(second))
    moved = jnp.any(inverse != jnp.eye(2)[None], axis=(1, 2)) | jnp.any(share != 0, axis=1)
    resampled = geometry.resample(images, inverse, share * jnp.array([[height, width]]))
    return jnp.where(moved[:, None, None, None], resampled, images)


def tint(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Brightness, contrast, luma, hue and saturation, as one map of colour. For 1 or 3 channels."""
    require_floats(images)
    keys = jax.random.split(key, 5)
    count = images.shape[0]
    normal = lambda k: jax.random.normal(k, (count,))
    angles = lambda k: jax.random.uniform(k, (count,), minval=-jnp.pi, maxval=jnp.pi)
    maps = colour.chain(
        colour.brightness(_sometimes(keys[0], p, lambda k: 0.2 * normal(k), 0.0)),
        colour.contrast(_sometimes(keys[1], p, lambda k: jnp.exp2(0.5 * normal(k)), 1.0)),
        colour.luma_flip(_sometimes(keys[2], p, lambda k: jax.random.bernoulli(k, 0.5, (count,)), False)),
        colour.hue(_sometimes(keys[3], p, angles, 0.0)),
        colour.saturation(_sometimes(keys[4], p, lambda k: jnp.exp2(normal(k)), 1.0)),
    )
    moved = jnp.any(maps != jnp.eye(4)[None], axis=(1, 2))
    return jnp.where(moved[:, None, None, None], colour.recolour(images, maps), images)


def tune(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Makes octaves of frequencies louder or softer, each with probability p. Any number of channels."""
    require_floats(images)
    count = images.shape[0]
    gains = jnp.ones((count, filtering.BANDS))
    for band, band_key in enumerate(jax.random.split(key, filtering.BANDS)):
        drawn = _sometimes(band_key, p, lambda k: jnp.exp2(jax.random.normal(k, (count,))), 1.0)
        alone = jnp.ones_like(gains).at[:, band].set(drawn)
        gains = gains * jnp.where(drawn[:, None] == 1, alone, filtering.balanced(alone))
    moved = jnp.any(gains != 1, axis=1)
    return jnp.where(moved[:, None, None, None], filtering.amplify(images, gains), images)


def grain(key: PRNGKey, images: Images, p: Scalar | float) -> Images:
    """Adds noise, of one deviation an image, to every channel of every pixel. Any number of channels.

    Of one key, images of other channels get the same deviations, each value a noise of its own: a grey image and its
    copy in colour are copies no more.
    """
    require_floats(images)
    deviation_key, noise_key = jax.random.split(key)
    deviation = _sometimes(deviation_key, p, lambda k: 0.1 * jnp.abs(jax.random.normal(k, images.shape[:1])), 0.0)
    noise = jax.random.normal(noise_key, images.shape, images.dtype) * deviation[:, None, None, None]
    return jnp.where(deviation[:, None, None, None] > 0, images + noise, images).astype(images.dtype)


def adapt(
    p: Scalar | float, overfitting: Scalar | float, *, target: float = 0.6, images: Scalar | float, kimg: float = 500
) -> Scalar:
    """Moves p by one step: up where D is surer of real images than `target`, else down; stays in [0, 1].

    `overfitting` is r_t = E sign(D(x)): 0 for a D that guesses and 1 for one that knows every training image (section
    3, eq. 1). The step is images / (1000 · kimg), for `images` shown since the last one: 0 to 1 takes `kimg` thousand
    images at least.
    """
    return jnp.clip(p + jnp.sign(overfitting - target) * images / (1000 * kimg), 0.0, 1.0)


class Remembered(NamedTuple):
    """What the adaptive pipeline carries from update to update."""

    p: Scalar
    overfitting: Scalar  # r_t over about four batches


def adaptive(
    batch_size: int,
    *,
    target: float = 0.6,
    kimg: float = 500,
    start: float = 0.0,
    pipeline: Callable[[PRNGKey, Images, Scalar], Images] = ada,
) -> Adaptive:
    """A pipeline with the p that `adapt` finds, from `start`, after each update of the discriminator.

    The paper adapts every four batches, by the logits of all four; here every batch, by a mean in which the newest
    has a weight of a quarter. Read it in `GANState.memories.augment`. Raises ValueError unless 0 <= start <= 1.
    """
    if not 0 <= start <= 1:
        raise ValueError(f"the probability of augmentations is in [0, 1], not {start}")

    def learn(memory: Remembered, metrics: Metrics) -> Remembered:
        overfitting = 0.75 * memory.overfitting + 0.25 * metrics["d/real_sign"]
        return Remembered(adapt(memory.p, overfitting, target=target, images=batch_size, kimg=kimg), overfitting)

    # NumPy's scalars, as a GAN holds no arrays: `init` makes them.
    begun = Remembered(np.float32(start), np.float32(target))  # type: ignore[arg-type]
    return Adaptive(begun, lambda memory, step: lambda key, images: pipeline(key, images, memory.p), learn)


def _sometimes(key: PRNGKey, p: Scalar | float, draw: Callable[[PRNGKey], Array], neutral: float) -> Array:
    """A draw for each image with probability p, else what changes nothing."""
    choice_key, draw_key = jax.random.split(key)
    drawn = draw(draw_key)
    chosen = jax.random.uniform(choice_key, drawn.shape[:1]) < p
    return jnp.where(chosen.reshape(-1, *[1] * (drawn.ndim - 1)), drawn, neutral)


def _scaled(rows: Float[Array, " batch"], columns: Float[Array, " batch"]) -> Float[Array, "batch 2 2"]:
    return jnp.stack([rows, columns], axis=1)[:, :, None] * jnp.eye(2)[None]


def _rotated(angles: Float[Array, " batch"]) -> Float[Array, "batch 2 2"]:
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    return jnp.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2)


def _product(*matrices: Float[Array, "batch 2 2"]) -> Float[Array, "batch 2 2"]:
    result = matrices[0]
    for matrix in matrices[1:]:
        result = jnp.matmul(result, matrix, precision=jax.lax.Precision.HIGHEST)
    return result
