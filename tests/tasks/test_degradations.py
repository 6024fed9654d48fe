from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import shares
from gan_jax.images import to_bytes, to_float
from gan_jax.tasks.degradations import (
    box_hole,
    downsample,
    edges,
    free_form_hole,
    grey,
    known_of,
    luma,
    outlines,
    upsample,
    with_hole,
)

KEY = jax.random.key(5)
BATCH = (400, 24, 32, 3)
HOLES = {
    "box": jax.jit(box_hole, static_argnames=("shape", "share")),
    "free form": jax.jit(free_form_hole, static_argnames=("shape", "strokes", "segments", "longest", "thickness")),
}
each_hole = pytest.mark.parametrize("name", HOLES)


def pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def resized_by_pillow(images, height, width):
    """Each channel by itself, as floats: of bytes, Pillow rounds and clips what lies between its two passes, too."""
    channels = np.moveaxis(np.asarray(images), -1, 1).reshape(-1, *images.shape[1:3])
    resize = lambda channel: Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC)
    resized = np.stack([np.asarray(resize(channel)) for channel in channels])
    return np.moveaxis(resized.reshape(len(images), -1, height, width), 1, -1)


@pytest.mark.parametrize(("height", "width", "factor"), [(16, 24, 2), (32, 16, 4), (9, 12, 3)])
def test_bicubic_is_pillows(height, width, factor):
    images = to_float(jnp.asarray(pixels(2, height, width, 3)))
    small = resized_by_pillow(images, height // factor, width // factor)
    np.testing.assert_allclose(downsample(images, factor), small.clip(-1, 1), atol=1e-5)
    large = resized_by_pillow(images, height * factor, width * factor)
    assert np.max(np.abs(large)) > 1.05
    np.testing.assert_allclose(upsample(images, factor), large.clip(-1, 1), atol=2e-5)


def test_of_bytes_pillow_makes_the_same_small_picture_but_for_rounding():
    image = pixels(1, 32, 32, 3)
    by_pillow = np.asarray(Image.fromarray(image[0]).resize((16, 16), Image.Resampling.BICUBIC), np.int32)
    assert np.max(np.abs(to_bytes(downsample(to_float(jnp.asarray(image)), 2))[0] - by_pillow)) <= 1


def test_a_factor_of_one_changes_nothing_and_plain_colours_stay():
    images = to_float(jnp.asarray(pixels(1, 8, 8, 1)))
    for resample in (downsample, upsample):
        np.testing.assert_allclose(resample(images, 1), images, atol=1e-6)
        np.testing.assert_allclose(resample(jnp.full((1, 8, 8, 1), 0.3), 2), 0.3, rtol=1e-5)


@pytest.mark.parametrize("factor", [3, 5, 0])
def test_a_factor_that_does_not_divide_both_sides_is_refused(factor):
    with pytest.raises(ValueError, match=f"images of 10x12 cannot be made {factor} times smaller; crop or resize"):
        downsample(jnp.zeros((1, 10, 12, 1)), factor)


def test_a_factor_below_one_makes_nothing_larger():
    with pytest.raises(ValueError, match="a factor from 1 up, not 0"):
        upsample(jnp.zeros((1, 10, 12, 1)), 0)


def test_grey_is_pillows_luma():
    image = pixels(1, 32, 32, 3)
    by_pillow = np.asarray(Image.fromarray(image[0]).convert("L"), np.int32)
    made = grey(to_float(jnp.asarray(image)))
    assert made.shape == (1, 32, 32, 1)
    assert np.max(np.abs(to_bytes(made)[0, ..., 0] - by_pillow)) <= 1
    with pytest.raises(ValueError, match="luma is that of 3 channels, red, green and blue, not of 1"):
        grey(made)


@pytest.mark.parametrize(("share", "full", "drawn"), [(1.0, 1.0, 1), (0.25, 0.5, 0), (0.25, 0.25, 1), (0.9, 0.5, 1)])
def test_a_step_is_an_edge_two_pixels_wide_as_strong_as_it_is_high(share, full, drawn):
    step = np.full((1, 6, 8, 3), -1, np.float32)
    step[:, :, 4:] += 2 * share
    expected = np.full((1, 6, 8, 1), -1)
    expected[:, :, 3:5] = drawn
    for image, lines in ((step, expected), (step.swapaxes(1, 2), expected.swapaxes(1, 2))):
        np.testing.assert_allclose(edges(image, full=full), lines, atol=1e-5)
        np.testing.assert_allclose(edges(image[..., :1], full=full), lines, atol=1e-5)


def test_a_ramp_is_as_steep_in_any_direction_and_edges_stay_in_range():
    along = np.linspace(-1, 1, 21, dtype=np.float32)
    ramp = 0.3 * along[:, None] + 0.4 * along[None]  # 0.05 a pixel
    np.testing.assert_allclose(edges(ramp[None, ..., None])[:, 1:-1, 1:-1], 2 * 0.05 / 0.5 - 1, rtol=1e-4)
    noise = edges(to_float(jnp.asarray(pixels(1, 16, 16, 3))))
    assert np.min(noise) >= -1
    assert np.max(noise) == 1
    with pytest.raises(ValueError, match="a positive share of the range, not 0"):
        edges(ramp[None, ..., None], full=0)


@each_hole
def test_a_mask_is_zeros_and_ones_each_image_has_its_own_and_the_key_decides(name):
    known = HOLES[name](KEY, BATCH)
    assert (known.shape, known.dtype) == ((400, 24, 32, 1), jnp.float32)
    assert set(np.unique(known)) == {0.0, 1.0}
    assert len(np.unique(np.asarray(known).reshape(400, -1), axis=0)) > 390
    np.testing.assert_array_equal(known, HOLES[name](KEY, BATCH))
    assert not np.array_equal(known, HOLES[name](jax.random.key(6), BATCH))
    assert np.all(np.mean(known, axis=0) < 1)  # no pixel is safe
    assert np.all(np.mean(known, axis=0) > 0)


@each_hole
def test_a_share_of_a_batch_has_the_masks_of_the_whole(name):
    whole = HOLES[name](KEY, BATCH)
    np.testing.assert_array_equal(HOLES[name](shares.run(KEY, 1, 2), (200, *BATCH[1:])), whole[200:])


@pytest.mark.parametrize(
    "hole",
    [
        partial(HOLES["box"], share=(0.9, 0.99)),
        partial(HOLES["box"], share=(0.01, 0.02)),
        partial(HOLES["free form"], thickness=(3.0, 3.0)),
        partial(HOLES["free form"], thickness=(1e-3, 1e-3), longest=1e-3),
    ],
)
def test_something_is_known_and_something_is_not(hole):
    known = np.asarray(hole(KEY, (100, 3, 2))).sum(axis=(1, 2, 3))
    assert np.min(known) >= 1
    assert np.max(known) < 6


def test_a_box_is_one_rectangle_with_sides_between_the_shares_and_a_quarter_of_the_image():
    missing = np.asarray(HOLES["box"](KEY, BATCH))[..., 0] == 0
    heights, widths = missing.any(axis=2).sum(axis=1), missing.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(missing.sum(axis=(1, 2)), heights * widths)
    for side, sides in ((24, heights), (32, widths)):
        assert set(sides) == set(range(side // 4, 3 * side // 4 + 1))
    for along in (missing.any(axis=2), missing.any(axis=1)):
        assert np.all(np.diff(along.astype(int), prepend=0, append=0).clip(0).sum(axis=1) == 1)  # in one piece
    assert np.mean(missing) == pytest.approx(0.25, abs=0.02)


def test_strokes_cover_a_seventh_of_a_square():
    known = HOLES["free form"](KEY, (400, 32, 32))
    assert 1 - np.mean(known) == pytest.approx(1 / 7, abs=0.015)


def test_strokes_are_as_many_as_asked_for():
    dot = {"segments": (1, 1), "longest": 1e-6, "thickness": (1e-3, 1e-3)}
    dots = HOLES["free form"](KEY, (900, 64, 64), strokes=(1, 3), **dot)
    counts = np.bincount(np.sum(np.asarray(dots) == 0, axis=(1, 2, 3)), minlength=4)
    assert len(counts) == 4
    np.testing.assert_allclose(counts, [0, 300, 300, 300], atol=60)


def test_a_segment_is_straight_with_round_ends_and_of_its_thickness():
    one = {"strokes": (1, 1), "segments": (1, 1), "longest": 0.5, "thickness": (0.1, 0.1)}
    extents = []
    for missing in np.asarray(HOLES["free form"](KEY, (200, 64, 64), **one))[..., 0] == 0:
        if not (missing[[0, -1]].any() or missing[:, [0, -1]].any()):  # all of it is in the image
            places = np.argwhere(missing) - np.argwhere(missing).mean(axis=0)
            extents.append(np.ptp(places @ np.linalg.svd(places, full_matrices=False)[2].T, axis=0))
    length, thickness = np.array(extents).T
    assert len(extents) > 50
    assert 0.4 * 64 < np.max(length) < 0.5 * 64 + 6.4 + 0.5
    assert np.all((thickness > 6.4 - 1.5) & (thickness < 6.4 + 0.5))


@pytest.mark.parametrize(
    ("hole", "message"),
    [
        (partial(box_hole, shape=(1, 1, 8, 3)), "images of 1x8 have no room for a hole; both sides are from 2 up"),
        (partial(free_form_hole, shape=(1, 8, 1, 3)), "images of 8x1 have no room"),
        (partial(box_hole, shape=BATCH, share=(0.5, 1.0)), r"share of a side, \(least, most\), lies within 0 and 1"),
        (
            partial(free_form_hole, shape=BATCH, strokes=(0, 3)),
            r"strokes, \(least, most\), are from 1 up, not \(0, 3\)",
        ),
        (partial(free_form_hole, shape=BATCH, segments=(4, 3)), r"segments, \(least, most\), are from 1 up"),
        (partial(free_form_hole, shape=BATCH, thickness=(0.2, 0.1)), r"positive shares, not 0.35 and \(0.2, 0.1\)"),
    ],
)
def test_bounds_that_are_none_are_refused(hole, message):
    with pytest.raises(ValueError, match=message):
        hole(KEY)


def test_an_image_with_a_hole_tells_where_it_is():
    images = to_float(jnp.asarray(pixels(2, 24, 32, 3)))
    known = HOLES["box"](KEY, BATCH)[:2]
    condition = with_hole(images, known)
    assert condition.shape == (2, 24, 32, 4)
    np.testing.assert_array_equal(condition[..., :3], np.where(known == 1, images, 0))
    np.testing.assert_array_equal(condition[..., 3:], np.where(known == 1, 1, -1))
    np.testing.assert_array_equal(known_of(condition), known)


@pytest.mark.parametrize(
    "make", [partial(downsample, factor=2), partial(upsample, factor=2), grey, luma, edges, outlines]
)
def test_what_becomes_of_bytes_is_what_becomes_of_them_as_floats(make):
    images = jnp.asarray(pixels(1, 8, 8, 3))
    np.testing.assert_array_equal(make(images), make(to_float(images)))


def test_a_mask_that_is_not_one_for_each_image_is_refused():
    images = to_float(jnp.asarray(pixels(2, 24, 32, 3)))
    with pytest.raises(ValueError, match=r"a mask for each image is \[2, 24, 32, 1\], not \[2, 24, 32\]"):
        with_hole(images, jnp.ones((2, 24, 32)))
