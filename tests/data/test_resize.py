import numpy as np
import pytest
from PIL import Image

from gan_jax.data.resize import fitted, resize_all, whole


def stripes(width, height):
    """Red, green and blue thirds across the longer side."""
    image = np.zeros((height, width, 3), np.uint8)
    for i, third in enumerate(np.array_split(np.arange(max(width, height)), 3)):
        image[(third, slice(None), i) if height > width else (slice(None), third, i)] = 255
    return Image.fromarray(image)


@pytest.mark.parametrize(("width", "height"), [(48, 16), (16, 48)])
def test_the_middle_is_kept(width, height):
    cropped = fitted(stripes(width, height), 16, 3)
    assert np.all(cropped == [0, 255, 0])


@pytest.mark.parametrize(
    ("size", "left", "right"), [((16, 24), 12, 36), ((8, 12), 12, 36), ((32, 16), 20, 28), ((16, 96), 0, 48)]
)
def test_of_a_rectangle_too_the_middle_is_kept_and_all_of_the_side_that_fits(size, left, right):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 48, 3), np.uint8))
    top, bottom = (0, 16) if size != (16, 96) else (4, 12)
    by_hand = picture.resize(size[::-1], Image.Resampling.LANCZOS, box=(left, top, right, bottom))
    np.testing.assert_array_equal(fitted(picture, size, 3), np.asarray(by_hand))


@pytest.mark.parametrize(("width", "height"), [(8, 8), (7, 9), (100, 33), (16, 17), (1, 1), (1, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_becomes_the_square(width, height, channels):
    assert fitted(Image.new("RGB", (width, height)), 16, channels).shape == (16, 16, channels)


def test_the_right_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(fitted(Image.fromarray(pixels), 16, 3), pixels)


def test_no_size_keeps_the_pictures_own():
    assert fitted(Image.new("L", (5, 7)), None, 1).shape == (7, 5, 1)


def test_a_very_long_picture_takes_no_more_memory_than_its_middle():
    assert fitted(Image.new("L", (1, 2_000_000), 9), 64, 1).max() == 9


def test_a_plain_colour_stays_that_colour():
    grown = fitted(Image.new("RGB", (5, 9), (10, 100, 200)), 32, 3)
    assert np.all(grown == [10, 100, 200])


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 77, [77, 77, 77]),
        ("LA", (0, 0), [255, 255, 255]),
        ("LA", (77, 255), [77, 77, 77]),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (255, 0, 0, 255), [255, 0, 0]),
        ("RGBA", (255, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (0, 0, 0, 51), [204, 204, 204]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("I;16", 77 * 257, [77, 77, 77]),
    ],
)
def test_every_mode_becomes_rgb_on_white(mode, colour, expected):
    assert np.all(fitted(Image.new(mode, (4, 4), colour), 4, 3) == expected)


@pytest.mark.parametrize("transparency", [0, b"\x00"])
def test_a_palettes_transparent_colour_lies_on_white(transparency):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.info["transparency"] = transparency
    np.testing.assert_array_equal(fitted(picture, None, 3), [[[255, 255, 255], [0, 0, 255]]])


def test_grey_is_the_weighted_mean_of_the_colours():
    assert fitted(Image.new("RGB", (2, 2), (255, 0, 0)), 2, 1).ravel().tolist() == [76] * 4


def test_an_array_of_images_is_resized_one_by_one():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    grown = resize_all(images, 16, 3)
    assert grown.shape == (3, 16, 16, 3)
    for small, large in zip(images, grown, strict=True):
        np.testing.assert_array_equal(large, fitted(Image.fromarray(small[..., 0]), 16, 3))


@pytest.mark.parametrize(("size", "channels"), [(None, None), (8, 1), (8, None), (None, 1)])
def test_an_array_that_fits_is_not_copied(size, channels):
    images = np.zeros((3, 8, 8, 1), np.uint8)
    assert resize_all(images, size, channels) is images


@pytest.mark.parametrize(("mode", "white"), [("F", 1.0), ("F", 255.0), ("I", 255), ("I", 2**31 - 1)])
def test_pixels_of_32_bits_are_refused_for_their_white_is_not_known(mode, white):
    with pytest.raises(ValueError, match="32-bit pixels, whose black and white are not known; convert them"):
        fitted(Image.new(mode, (4, 4), white), 4, 1)


def test_a_whole_picture_keeps_its_size_and_its_colours_beneath_the_alpha():
    picture = Image.new("RGBA", (5, 3), (10, 20, 30, 0))
    colours, alpha = whole(picture, 3)
    assert alpha is not None
    np.testing.assert_array_equal(colours, np.broadcast_to(np.uint8([10, 20, 30]), (3, 5, 3)))
    np.testing.assert_array_equal(alpha, np.zeros((3, 5, 1)))
    np.testing.assert_array_equal(whole(picture, 1)[0], np.full((3, 5, 1), np.asarray(picture.convert("L"))[0, 0]))


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "CMYK", "I;16"])
def test_a_whole_picture_without_alpha_is_as_a_fitted_one(mode):
    picture = Image.new("I;16", (4, 4), 513) if mode == "I;16" else stripes(9, 4).convert(mode)
    for channels in (1, 3):
        colours, alpha = whole(picture.copy(), channels)
        assert alpha is None
        np.testing.assert_array_equal(colours, fitted(picture.copy(), None, channels))


def test_the_transparent_colour_of_a_palette_is_alpha(tmp_path):
    picture = stripes(9, 4).convert("P")
    picture.save(tmp_path / "clear.png", transparency=picture.getpixel((0, 0)))
    with Image.open(tmp_path / "clear.png") as clear:
        alpha = whole(clear, 3)[1]
    assert alpha is not None
    np.testing.assert_array_equal(alpha[..., 0], np.where(np.arange(9) < 3, 0, 255)[None].repeat(4, 0))
