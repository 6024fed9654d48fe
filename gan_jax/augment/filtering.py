"""Four bands of frequencies, each an octave, made louder or softer like those of an equaliser.

Karras et al. 2020 (arXiv:2006.06676), appendix B, "image-space filtering", written anew from the paper.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gan_jax.augment import geometry
from gan_jax.types import Images

Gains = Float[Array, "batch 4"]

BANDS = 4
"""In units of the highest frequency that pixels can hold: [0, 1/8], [1/8, 1/4], [1/4, 1/2], [1/2, 1]."""

EXPECTED_POWER = np.array([10, 1, 1, 1], np.float32) / 13
"""Share of each band in the power of a natural image, whose spectrum falls as 1 / f²."""

# Daubechies' wavelet of two vanishing moments, its low-pass filter (sym2 of the wavelet toolboxes).
SYM2 = np.array([1 + np.sqrt(3), 3 + np.sqrt(3), 3 - np.sqrt(3), 1 - np.sqrt(3)]) / (4 * np.sqrt(2))


_EXACT = jax.lax.Precision.HIGHEST  # GPUs would else multiply with 10 bits of mantissa


def amplify(images: Images, gains: Gains) -> Images:
    """Multiplies each band of each image, `[B, H, W, C]`, by its gain; gains of 1 give the image back up to rounding.

    The filter has no phase and is applied along rows, then along columns, so that a pattern with frequencies in bands
    i and j is multiplied by both gains. What lies outside is mirrored.
    """
    _, height, width, _ = images.shape
    along = lambda size: jnp.einsum("bi,iyx->byx", gains, _bank(size), precision=_EXACT)
    down, right = along(height), along(width)
    return jnp.einsum("byh,bhwc,bxw->byxc", down, images, right, precision=_EXACT).astype(images.dtype)


def balanced(gains: Gains) -> Gains:
    """The same gains, scaled so that along one axis the power of a natural image stays what it was.

    As in the paper; on images, filtered along two axes, power is kept roughly only.
    """
    power = jnp.matmul(jnp.square(gains), EXPECTED_POWER, precision=_EXACT)
    return gains / jnp.sqrt(power)[:, None]


def filters() -> np.ndarray:
    """The bands' filters, `[4, 43]`, symmetric about the middle tap; their sum is one there and zero elsewhere."""
    half = np.convolve(SYM2, SYM2[::-1]) / 2
    low = [_spread(half, 2**level) for level in range(BANDS - 1)]
    high = [_spread(half * np.resize([-1, 1], len(half)), 2**level) for level in range(BANDS - 1)]
    bands, passed = [], np.ones(1)
    for below, above in zip(low, high, strict=True):
        bands.append(np.convolve(passed, above))
        passed = np.convolve(passed, below)
    longest = len(passed)
    return np.stack([np.pad(band, (longest - len(band)) // 2) for band in [passed, *bands[::-1]]])


def _spread(taps: np.ndarray, spacing: int) -> np.ndarray:
    """The same filter for a signal of which only every `spacing`-th sample is looked at."""
    spread = np.zeros(spacing * (len(taps) - 1) + 1)
    spread[::spacing] = taps
    return spread


def _bank(size: int) -> Float[Array, "band size size"]:
    """The filters as matrices on rows of so many pixels, mirrored at both ends."""
    taps = filters()
    reach = taps.shape[1] // 2
    place = np.arange(size)
    matrices = np.zeros((BANDS, size, size))
    for offset in range(-reach, reach + 1):
        source = geometry.mirror(place + offset, size)
        matrices[:, place, source] += taps[:, reach + offset, None]
    return jnp.asarray(matrices, jnp.float32)
