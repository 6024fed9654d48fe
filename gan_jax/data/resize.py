"""Brings pictures of any size and mode to one size and one number of channels."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gan_jax.sizes import Size, sides


def fitted(picture: Image.Image, size: Size | None, channels: int) -> np.ndarray:
    """A picture as uint8 `[*size, channels]`: resized until it covers that rectangle, then cropped in the middle.

    Transparent parts lie on white; 16-bit greys are scaled to 8 bits; `size` None keeps the picture's own. Raises
    ValueError for 32-bit pixels, whose black and white nobody knows.
    """
    picture = _flatten(_upright(picture))
    if picture.mode != (mode := _mode(channels)):  # else it would be copied
        picture = picture.convert(mode)
    if size is not None:
        picture = covering(picture, size, Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8).reshape(picture.height, picture.width, channels)


def covering(picture: Image.Image, size: Size, by: Image.Resampling) -> Image.Image:
    """A picture resized until it covers a rectangle, and cropped in the middle."""
    height, width = sides(size)
    if picture.size == (width, height):
        return picture
    across = min(picture.width, picture.height * width / height)
    down = min(picture.height, picture.width * height / width)
    left, top = (picture.width - across) / 2, (picture.height - down) / 2
    middle = (left, top, left + across, top + down)
    gap = None if by == Image.Resampling.NEAREST else 3.0  # which first reduces by means
    return picture.resize((width, height), by, box=middle, reducing_gap=gap)


def whole(picture: Image.Image, channels: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture at its own size, uint8 `[H, W, channels]`, and its alpha, uint8 `[H, W, 1]`, if it has any.

    Colours are what they are beneath the alpha; else as `fitted` has them. Raises ValueError as that does.
    """
    picture = _upright(picture)
    alpha = None
    if _has_alpha(picture):
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"), np.uint8)[..., None]
    return np.asarray(picture.convert(_mode(channels)), np.uint8).reshape(
        picture.height, picture.width, channels
    ), alpha


class Frames(NamedTuple):
    """A picture at its own size; or one that moves, frame by frame."""

    colours: np.ndarray  # uint8 [T, H, W, C]; of a picture that does not move T is 1
    alpha: np.ndarray | None  # uint8 [T, H, W, 1]
    milliseconds: tuple[int, ...]  # for which each is shown; () of a picture that does not move


def moves(picture: Image.Image) -> bool:
    """Whether a picture has frames that follow each other; several pages or views of a thing do not."""
    return picture.format in ("GIF", "WEBP", "PNG", "AVIF") and getattr(picture, "n_frames", 1) > _first(picture) + 1


def _first(picture: Image.Image) -> int:
    """The first frame: an APNG may begin with a picture for those who know no APNG."""
    return int(bool(picture.info.get("default_image")))


def frames(picture: Image.Image, channels: int) -> Frames:
    """All frames of a picture, each as `whole` has it; what has an alpha in some has it in all. Raises as that does."""
    if not moves(picture):
        colours, alpha = whole(picture, channels)
        return Frames(colours[None], None if alpha is None else alpha[None], ())
    found, milliseconds = [], []
    for i in range(_first(picture), picture.n_frames):  # type: ignore[attr-defined]
        picture.seek(i)
        found.append(whole(picture.copy(), channels))
        milliseconds.append(max(1, round(picture.info.get("duration") or 100)))  # what browsers make of none, too
    opaque = np.full((*found[0][0].shape[:2], 1), 255, np.uint8)
    some = any(alpha is not None for _, alpha in found)
    alphas = np.stack([opaque if alpha is None else alpha for _, alpha in found]) if some else None
    return Frames(np.stack([colours for colours, _ in found]), alphas, tuple(milliseconds))


def resize_all(images: np.ndarray, size: Size | None, channels: int | None) -> np.ndarray:
    """The same for an array of images, uint8 `[N, H, W, C]`; what is None stays as it is."""
    channels = channels or images.shape[-1]
    if images.shape[1:] == (*(images.shape[1:3] if size is None else sides(size)), channels):
        return images
    pictures = (Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in images)
    return np.stack([fitted(picture, size, channels) for picture in pictures])


def _mode(channels: int) -> str:
    return "L" if channels == 1 else "RGB"


def _upright(picture: Image.Image) -> Image.Image:
    """The picture as it is to be seen, of 8 bits. Raises ValueError for 32-bit pixels."""
    # Pillow has no other mode for the 16 bits of a PGM, which it scales to all of them.
    if picture.mode == "F" or (picture.mode == "I" and picture.format not in ("PPM", "PNG")):
        raise ValueError("32-bit pixels, whose black and white are not known; convert them to 8 or 16 bits")
    ImageOps.exif_transpose(picture, in_place=True)
    if not picture.mode.startswith("I"):
        return picture
    # Pillow's own conversion of 16-bit greys clips at 255 instead of scaling.
    return Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _flatten(picture: Image.Image) -> Image.Image:
    if _has_alpha(picture):
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture)
    return picture
