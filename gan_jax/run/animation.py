"""Pictures that move: GIF, by Pillow, and MP4, by PyAV, which comes with the extra `video`."""

import io
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.errors import RunError
from gan_jax.images import sheet
from gan_jax.run.files import read, write_atomically
from gan_jax.run.pictures import as_picture, enlarged

MOVING = (".gif", ".mp4")
"""The endings of files that move."""


def save_frames(path: Path, frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> None:
    """Writes frames of one size, each shown for so long: an .mp4, or else a .gif, which begins anew. Raises RunError.

    A GIF counts hundredths of a second, of which each frame has two or more.
    """
    write_atomically(path, (_mp4 if path.suffix == ".mp4" else _gif)(frames, milliseconds))


def save_moving(path: Path, clips: np.ndarray, columns: int, *, milliseconds: int = 100) -> None:
    """Writes uint8 clips `[N, T, H, W, C]` as one grid that moves; small ones are enlarged by a whole factor."""
    frames = [enlarged(as_picture(sheet(clips[:, t], columns)), clips.shape[2:4]) for t in range(clips.shape[1])]
    save_frames(path, frames, [milliseconds] * len(frames))


def save_animation(path: Path, frames: list[Path], *, seconds: float = 6.0) -> None:
    """Joins grids into a looping GIF, its last frame for two seconds.

    At most 120 frames, evenly picked, of at most some 500 pixels: it is meant to be sent and shown.
    """
    if not frames:
        return
    picked = [frames[round(i)] for i in np.linspace(0, len(frames) - 1, min(len(frames), 120))]
    shown = [picture for frame in picked if (picture := _frame(frame)) is not None]
    if not shown:
        return
    save_frames(path, shown, [max(40, round(1000 * seconds / len(shown)))] * (len(shown) - 1) + [2000])


def _frame(path: Path) -> Image.Image | None:
    """One frame of an animation; None if the file is damaged or a link, which is no reason to go without the others."""
    try:
        with Image.open(io.BytesIO(read(path) or b"")) as picture:
            return picture.reduce(-(-max(picture.size) // 500)).quantize(32)
    except (RunError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # Pillow raises all but one
        return None


def _gif(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    first, *rest = frames
    ends = np.round(np.cumsum([0, *milliseconds]) / 10)  # so that what is lost of one is given to the next
    duration = [10 * max(2, int(hundredths)) for hundredths in np.diff(ends)]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=duration, loop=0)
    return buffer.getvalue()


def _mp4(frames: Sequence[Image.Image], milliseconds: Sequence[int]) -> bytes:
    """H.264, which browsers play: of even sides, for which the last row and column are repeated."""
    import av

    starts = list(accumulate(milliseconds, initial=0))[:-1]
    lengths = dict(zip(starts, milliseconds, strict=True))
    # Frames come out in their order, so that the last to be written is the last to be shown, for its own time.
    how = {"crf": "16", "bf": "0"}
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(1000, milliseconds[0]), options=how)
        stream.width, stream.height = (side + side % 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)

        def write(packets: Sequence[Any]) -> None:
            for packet in packets:
                packet.duration = lengths[round(1000 * packet.pts * packet.time_base)]
                film.mux(packet)

        for frame, start in zip(frames, starts, strict=True):
            more = ((0, frame.height % 2), (0, frame.width % 2), (0, 0))
            picture = av.VideoFrame.from_ndarray(np.pad(np.asarray(frame.convert("RGB")), more, "edge"), format="rgb24")
            picture.pts, picture.time_base = start, Fraction(1, 1000)
            write(stream.encode(picture))
        write(stream.encode())
    return buffer.getvalue()
