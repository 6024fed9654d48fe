"""Real images made smaller, grey, mere edges or outlines, or full of holes: what a translator is given, and undoes.

Pure functions on the device: inputs are made anew from real images whenever they are wanted, and never stored. Images
are `[B, H, W, C]`, floats in [-1, 1] or bytes, which become such floats; and so is what becomes of them. Masks are
float32 `[B, H, W, 1]`: 1 where a pixel is known, 0 in the hole.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from gan_jax.images import to_float
from gan_jax.types import Bytes, Images, PRNGKey

Known = Float[Array, "batch height width 1"]  # 1 where a pixel is known, 0 in the hole
Bounds = tuple[float, float]
Counts = tuple[int, int]


def downsample(images: Images | Bytes, factor: int) -> Images:
    """`[B, H, W, C] -> [B, H / factor, W / factor, C]`: bicubic, the kernel widened by the factor against aliasing.

    The input of super-resolution, clipped to [-1, 1]. Keys' kernel with a = -1/2 (Keys 1981,
    doi:10.1109/TASSP.1981.1163711), as in MATLAB's imresize, which papers use, and in Pillow; weights that fall outside
    the image are shared out among the others, as Pillow does, where MATLAB mirrors the image. Raises ValueError unless
    the factor divides both sides.
    """
    images = to_float(images)
    batch, height, width, channels = images.shape
    if factor < 1 or height % factor or width % factor:
        raise ValueError(f"images of {height}x{width} cannot be made {factor} times smaller; crop or resize them first")
    return _bicubic(images, (batch, height // factor, width // factor, channels))


def upsample(images: Images | Bytes, factor: int) -> Images:
    """`[B, H, W, C] -> [B, factor · H, factor · W, C]`: bicubic with the same kernel, clipped to [-1, 1].

    What super-resolution is compared with. Raises ValueError for factors below 1.
    """
    images = to_float(images)
    batch, height, width, channels = images.shape
    if factor < 1:
        raise ValueError(f"images are made larger by a factor from 1 up, not {factor}")
    return _bicubic(images, (batch, factor * height, factor * width, channels))


def grey(images: Images | Bytes) -> Images:
    """`[B, H, W, 3] -> [B, H, W, 1]`: luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), as Pillow's `convert("L")`.

    Raises ValueError for other numbers of channels.
    """
    if images.shape[-1] != 3:
        raise ValueError(f"luma is that of 3 channels, red, green and blue, not of {images.shape[-1]}")
    red, green, blue = jnp.split(to_float(images), 3, axis=-1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def luma(images: Images | Bytes) -> Images:
    """`[B, H, W, 1 or 3] -> [B, H, W, 1]`: in grey; what is grey stays as it is. Raises ValueError as `grey` does."""
    return to_float(images) if images.shape[-1] == 1 else grey(images)


def edges(images: Images | Bytes, *, full: float = 0.5) -> Images:
    """`[B, H, W, 1 or 3] -> [B, H, W, 1]`: -1 where luma is flat, 1 at edges, and soft between: Sobel's magnitude.

    A step along an axis by the share `full` of the range from black to white is drawn as 1, and so is a higher one; a
    lower one in proportion. Pixels at the border are repeated outwards: it is no edge. Simpler than what pix2pix is
    given (Isola et al. 2017, arXiv:1611.07004: a trained detector, HED, with postprocessing): lines are two pixels
    wide, and texture is drawn, too. Not for gradients: where luma is flat they are not numbers. Raises ValueError for
    other numbers of channels, and unless `full` is positive.
    """
    if not full > 0:
        raise ValueError(f"full, the step that is drawn as 1, is a positive share of the range, not {full}")
    padded = jnp.pad(luma(images), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    slope, smooth = (-0.5, 0.0, 0.5), (0.25, 0.5, 0.25)  # a step from -1 to 1 has slope 1 on both of its sides
    down = _filtered(_filtered(padded, slope, 1), smooth, 2)
    right = _filtered(_filtered(padded, smooth, 1), slope, 2)
    return 2 * jnp.minimum(jnp.sqrt(jnp.square(down) + jnp.square(right)) / full, 1) - 1


def outlines(images: Images | Bytes, *, thickness: int = 2) -> Images:
    """`[B, H, W, C]` to the same: black outlines around what is bright, on a light grey ground, in each channel.

    1/4 where a pixel is as bright as its brightest neighbour, down to -1 where that is all the range brighter.
    Neighbours are at most `thickness` pixels away in rows and in columns. No function of a pixel's own value undoes it:
    the inside of a stroke and the ground around it both become grey. Raises ValueError for a thickness below 1.
    """
    if thickness < 1:
        raise ValueError(f"outlines are 1 pixel thick or more, not {thickness}")
    images = to_float(images)
    window = (1, 2 * thickness + 1, 2 * thickness + 1, 1)
    brightest = lax.reduce_window(images, -jnp.inf, lax.max, window, (1, 1, 1, 1), "SAME")
    return 0.25 - 0.625 * (brightest - images)


def box_hole(key: PRNGKey, shape: tuple[int, ...], *, share: Bounds = (0.25, 0.75)) -> Known:
    """A mask for each image of a batch of `shape`, `[B, H, W, ...]`: the hole is one rectangle, anywhere inside.

    Its height and its width are uniform between the two shares of the image's, in whole pixels: at least one, and at
    least one less than the image has. By default a quarter of the pixels is missing on average, as in the middle of
    Pathak et al. 2016 (arXiv:1604.07379). Raises ValueError for images with a side below 2, and unless
    0 < least <= most < 1.
    """
    count, height, width = _frame(shape)
    if not 0 < share[0] <= share[1] < 1:
        raise ValueError(f"share of a side, (least, most), lies within 0 and 1, not {share}")
    row_key, column_key = jax.random.split(key)
    rows, columns = _interval(row_key, count, height, share), _interval(column_key, count, width, share)
    hole = rows[:, :, None] & columns[:, None, :]
    return jnp.where(hole, 0.0, 1.0)[..., None]


def free_form_hole(
    key: PRNGKey,
    shape: tuple[int, ...],
    *,
    strokes: Counts = (1, 3),
    segments: Counts = (4, 11),
    longest: float = 0.35,
    thickness: Bounds = (0.05, 0.15),
) -> Known:
    """A mask for each image of a batch of `shape`, `[B, H, W, ...]`: the hole is as if rubbed out by hand.

    After Yu et al. 2019 (arXiv:1806.03589, supplement, algorithm 1): each stroke starts at some pixel and zigzags on in
    straight segments. How many strokes, and segments of each, is uniform between two bounds, both included; so are
    the lengths of segments, from 0 to `longest`, and their thickness, both as shares of the image's shorter side. By
    default a seventh of a square is missing on average.

    Different from there: a zigzag has a direction of its own, in place of flips of the whole mask; it turns by 48 to 96
    degrees to either side of it, as in the authors' code, from which counts and sizes are, too; it may leave the
    image; and ends are round. Should strokes cover all pixels, the one nearest to their rim stays known.

    Raises ValueError for images with a side below 2, and for bounds that are none.
    """
    count, height, width = _frame(shape)
    for name, (least, most) in {"strokes": strokes, "segments": segments}.items():
        if not 1 <= least <= most:
            raise ValueError(f"{name}, (least, most), are from 1 up, not {(least, most)}")
    if not (longest > 0 and 0 < thickness[0] <= thickness[1]):
        raise ValueError(f"longest and thickness, (least, most), are positive shares, not {longest} and {thickness}")
    stroke_key, segment_key, start_key, step_key, thickness_key = jax.random.split(key, 5)
    lines, side = (count, strokes[1], segments[1]), min(height, width)
    starts = _pixels(start_key, (count, strokes[1], 1), height, width)
    steps = _zigzags(step_key, lines, longest * side)
    ends = starts + jnp.cumsum(steps, axis=2)
    distances = _distances(jnp.concatenate([starts, ends[:, :, :-1]], axis=2), steps, height, width)
    radii = jax.random.uniform(thickness_key, lines, minval=thickness[0], maxval=thickness[1]) * side / 2
    drawn = _first(stroke_key, (count,), strokes)[:, :, None] & _first(segment_key, (count, strokes[1]), segments)
    beyond = jnp.where(drawn[..., None, None], distances - radii[..., None, None], jnp.inf)
    beyond = jnp.min(beyond, axis=(1, 2)).reshape(count, height * width)
    spared = jnp.arange(height * width)[None] == jnp.argmax(beyond, axis=1)[:, None]
    return jnp.where((beyond > 0) | spared, 1.0, 0.0).reshape(count, height, width, 1)


def with_hole(images: Images | Bytes, known: Known) -> Images:
    """`[B, H, W, C + 1]`, what inpainting is given: zeros in the hole, and a last channel, 1 where known, else -1.

    Raises ValueError for a mask that is not one for each image, `[B, H, W, 1]`.
    """
    if jnp.shape(known) != (*images.shape[:3], 1):
        raise ValueError(f"a mask for each image is {[*images.shape[:3], 1]}, not {list(jnp.shape(known))}")
    return jnp.concatenate([to_float(images) * known, 2 * known - 1], axis=-1)


def known_of(condition: Images) -> Known:
    """The mask that `with_hole` was given, from what it made, `[B, H, W, C + 1]`."""
    return (condition[..., -1:] + 1) / 2


def _bicubic(images: Images, shape: tuple[int, ...]) -> Images:
    # The negative lobes overshoot at edges; pictures of 8 bits cannot either.
    return jnp.clip(jax.image.resize(images, shape, "cubic", antialias=True), -1, 1)


def _filtered(x: Images, taps: tuple[float, float, float], axis: int) -> Images:
    size = x.shape[axis] - 2
    before, at, after = (lax.slice_in_dim(x, i, i + size, axis=axis) for i in range(3))
    return taps[0] * before + taps[1] * at + taps[2] * after


def _frame(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """B, H and W, of images that have room for a hole and for something beside it."""
    count, height, width = shape[:3]
    if min(height, width) < 2:
        raise ValueError(f"images of {height}x{width} have no room for a hole; both sides are from 2 up")
    return count, height, width


def _interval(key: PRNGKey, count: int, size: int, share: Bounds) -> Bool[Array, "count size"]:
    """Some places in a row for each of `count`, never all of them, beginning anywhere."""
    length_key, start_key = jax.random.split(key)
    least, most = (min(max(round(bound * size), 1), size - 1) for bound in share)
    length = jax.random.randint(length_key, (count, 1), least, most + 1)
    place = jnp.arange(size)[None] - jax.random.randint(start_key, (count, 1), 0, size - length + 1)
    return (place >= 0) & (place < length)


def _first(key: PRNGKey, shape: tuple[int, ...], counts: Counts) -> Bool[Array, "... most"]:
    """True at the first n of as many places as there are at most, with an n of its own for each in `shape`."""
    n = jax.random.randint(key, (*shape, 1), counts[0], counts[1] + 1)
    return jnp.arange(counts[1]).reshape(*[1] * len(shape), -1) < n


def _pixels(key: PRNGKey, shape: tuple[int, ...], height: int, width: int) -> Float[Array, "... 2"]:
    """Places of pixels, (row, column), anywhere in the image."""
    row_key, column_key = jax.random.split(key)
    rows, columns = jax.random.randint(row_key, shape, 0, height), jax.random.randint(column_key, shape, 0, width)
    return jnp.stack([rows, columns], axis=-1).astype(jnp.float32)


def _zigzags(key: PRNGKey, lines: tuple[int, int, int], longest: float) -> Float[Array, "batch stroke segment 2"]:
    """How far each segment goes, (down, right)."""
    direction_key, turn_key, length_key = jax.random.split(key, 3)
    directions = jax.random.uniform(direction_key, (*lines[:2], 1), maxval=2 * jnp.pi)
    turns = jax.random.uniform(turn_key, lines, minval=2 * jnp.pi * 2 / 15, maxval=2 * jnp.pi * 4 / 15)
    to_either_side = jnp.where(jnp.arange(lines[2]) % 2 == 0, -1, 1)[None, None]
    angles = directions + to_either_side * turns
    lengths = jax.random.uniform(length_key, lines, maxval=longest)
    return lengths[..., None] * jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)


def _distances(
    begins: Float[Array, "batch stroke segment 2"],
    steps: Float[Array, "batch stroke segment 2"],
    height: int,
    width: int,
) -> Float[Array, "batch stroke segment height width"]:
    """Of every pixel to every segment, in pixels."""
    part = lambda array, i: array[..., i, None, None]
    down, right = part(steps, 0), part(steps, 1)
    rows = jnp.arange(height, dtype=jnp.float32).reshape(1, 1, 1, -1, 1) - part(begins, 0)
    columns = jnp.arange(width, dtype=jnp.float32).reshape(1, 1, 1, 1, -1) - part(begins, 1)
    # How far along the segment its nearest point lies. A segment may be a point.
    squared = jnp.maximum(down * down + right * right, jnp.finfo(jnp.float32).tiny)
    along = jnp.clip((rows * down + columns * right) / squared, 0, 1)
    return jnp.sqrt(jnp.square(rows - along * down) + jnp.square(columns - along * right))
