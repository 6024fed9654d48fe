"""The grids of a run for a page that holds them itself: as small as they become, and no more of them than fit."""

import base64
import io
import math
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_jax.errors import RunError
from gan_jax.run.files import RunFolder, read
from gan_jax.storage import reached


class Picture(NamedTuple):
    """A picture within a page."""

    uri: str
    width: int  # as it is shown
    height: int
    exact: bool  # whether no pixel is another than in the run folder


class Frame(NamedTuple):
    """What the generator made at a step: a picture, or lines of text."""

    step: int
    shown: Picture | str


class Frames(NamedTuple):
    """What the run has drawn as it went, evenly picked, oldest first, the newest always among them."""

    frames: list[Frame]
    of: int  # so many in the run folder
    real: Picture | str | None
    notes: list[str]

    @property
    def exact(self) -> bool:
        """Whether every picture has the pixels that it has in the run folder."""
        return all(frame.shown.exact for frame in self.frames if isinstance(frame.shown, Picture))


MOST = 60
"""Grids that a slider goes through at most."""


def read_frames(folder: RunFolder, room: int) -> Frames:
    """The grids in samples/, in about `room` bytes, and the real images beside them. Raises RunError for a link."""
    notes: list[str] = []
    paths = {int(name[1]): path for path in _listed(folder.samples) if (name := _GRID.fullmatch(path.name))}
    steps = sorted(paths)
    count = min(len(steps), MOST)
    frames: list[Frame] = []
    for step in [steps[round(i)] for i in np.linspace(0, len(steps) - 1, count)]:
        if shown := _shown(paths[step], room // count, notes):
            frames.append(Frame(step, shown))
    real = [folder.path / f"real{suffix}" for suffix in (".png", ".txt")]
    found = [shown for path in real if path.exists() and (shown := _shown(path, room // 10, notes))]
    return Frames(_fitting(frames, room), len(steps), found[0] if found else None, notes)


_GRID = re.compile(r"step_(\d{1,15})\.(png|txt)")


def _listed(folder: Path) -> list[Path]:
    try:
        with reached(folder):
            return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(f"cannot read {folder}: {error.strerror}") from None


def _fitting(frames: Sequence[Frame], room: int) -> list[Frame]:
    """As many as fit, evenly picked."""
    size = lambda frame: len(frame.shown.uri if isinstance(frame.shown, Picture) else frame.shown)
    for count in range(len(frames), 1, -1):
        picked = [frames[round(i)] for i in np.linspace(0, len(frames) - 1, count)]
        if sum(map(size, picked)) * 3 <= room * 4:  # base64 makes four characters of three bytes
            return picked
    return list(frames[-1:])


def _shown(path: Path, room: int, notes: list[str]) -> Picture | str | None:
    """A grid as a page has it; a note, and None, for one that is damaged, or has gone since."""
    try:
        content = read(path)
        if content is None:
            raise RunError("it has gone")
        return _text(content) if path.suffix == ".txt" else _recompressed(content, room)
    except RunError as error:
        notes.append(f"{path.name} is left out: {error}")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # Pillow raises many
        notes.append(f"{path.name} is left out: it is no whole picture, or far too large")
    return None


LINES = 64
"""Lines of a text that are shown at most."""


def _text(content: bytes) -> str:
    return "\n".join(line[:500] for line in content.decode("utf-8", "replace").split("\n")[:LINES])


def _recompressed(content: bytes, room: int) -> Picture:
    """A PNG as WebP. Raises what Pillow raises, ValueError for one that is far too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # of what is refused just below
        picture = Image.open(io.BytesIO(content), formats=["PNG"])
    with picture:
        if math.prod(picture.size) > _PIXELS:
            raise ValueError("too large")
        picture.load()
        return embedded(np.asarray(picture if picture.mode in ("L", "RGB") else picture.convert("RGB")), room)


_PIXELS = 40_000_000
"""A larger PNG is no grid of ours."""


def embedded(pixels: np.ndarray, room: int | None = None) -> Picture:
    """uint8 `[H, W]` or `[H, W, 3]` as WebP, without loss unless that takes more room.

    What a grid repeats to be enlarged is taken out: a browser enlarges it again. Of PNG and WebP, both without loss,
    the second was the smaller for the grids of 6 of 7 runs, by up to 36 %, and for one the larger, by 7 %.
    """
    height, width = pixels.shape[:2]
    picture = Image.fromarray(_reduced(pixels))
    content = _webp(picture, lossless=True, method=0)  # the fastest: a tenth of the time for a fifth more bytes
    exact = room is None or len(content) <= room
    content = content if exact else _webp(picture, quality=QUALITY)
    return Picture(f"data:image/webp;base64,{base64.b64encode(content).decode()}", width, height, exact)


QUALITY = 80
"""Of WebP with loss, of 100."""


def _webp(picture: Image.Image, **how: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **how)
    return buffer.getvalue()


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """One of each block of equal pixels, of the largest blocks that there are."""
    for factor in range(64, 1, -1):
        if pixels.shape[0] % factor == pixels.shape[1] % factor == 0:
            one = pixels[::factor, ::factor]
            if np.array_equal(one.repeat(factor, 0).repeat(factor, 1), pixels):
                return one
    return pixels
