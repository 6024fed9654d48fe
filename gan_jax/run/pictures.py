"""The pictures of a run: grids of samples, and the curves of its metrics."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_jax.images import sheet
from gan_jax.run.files import read, write_atomically
from gan_jax.run.logs import read_rows
from gan_jax.run.scoreboard import Evaluation, curve, heading
from gan_jax.sizes import Sides


def save_grid(path: Path, images: np.ndarray, columns: int) -> None:
    """Writes uint8 images `[N, H, W, C]` as one PNG; small ones are enlarged by a whole factor, pixels kept sharp."""
    write_atomically(path, _png(enlarged(as_picture(sheet(images, columns)), images.shape[1:3])))


def save_strips(path: Path, clips: np.ndarray, columns: int) -> None:
    """Writes uint8 clips `[N, T, H, W, C]` as one PNG of film strips, frames from left to right.

    Several strips lie side by side where that makes the picture as square as a grid of so many columns would be.
    """
    count, frames = clips.shape[:2]
    beside = max(1, round(columns / frames**0.5))
    save_grid(path, clips.reshape(count * frames, *clips.shape[2:]), frames * beside)


def save_image(path: Path, image: np.ndarray) -> None:
    """Writes one uint8 image `[H, W, C]` as PNG, pixel for pixel."""
    write_atomically(path, _png(as_picture(image)))


def save_mask(path: Path, image: np.ndarray, palette: np.ndarray) -> None:
    """Writes an image of a palette's colours, uint8 `[H, W, 3]` and `[K, 3]`, as PNG whose pixels are their places."""
    places = np.argmax(np.all(image[..., None, :] == palette, axis=-1), axis=-1).astype(np.uint8)
    mask = Image.fromarray(places).convert("P")
    mask.putdata(places.ravel())
    mask.putpalette(palette.ravel().tolist())
    write_atomically(path, _png(mask))


def pixels_of(path: Path) -> np.ndarray | None:
    """A PNG written here, as uint8 `[H, W]` or `[H, W, 3]`; None for a file of another kind. Raises RunError."""
    if path.suffix != ".png":
        return None
    with Image.open(io.BytesIO(read(path) or b"")) as picture:
        return np.asarray(picture)


def save_curves(path: Path, metrics: Path) -> None:
    """Draws losses, mean logits and gradient norms over steps from a metrics.jsonl: thin as logged, bold smoothed."""
    import matplotlib.figure

    panels = {
        "loss": ["d/loss", "g/loss"],
        "mean logit": ["d/real_logit", "d/fake_logit"],
        "gradient norm": ["d/gradient_norm", "g/gradient_norm"],
    }
    drawn = [name for names in panels.values() for name in names]
    rows = [row for row in read_rows(metrics) if all(isinstance(row.get(name), int | float) for name in drawn)]
    if not rows:
        return
    steps = [row["step"] for row in rows]
    figure = matplotlib.figure.Figure(figsize=(12, 3.4))
    for axes, (title, names) in zip(_panels(figure, 1, len(panels)), panels.items(), strict=True):
        for name, colour in zip(names, ("tab:blue", "tab:orange"), strict=True):
            values = np.array([row[name] for row in rows])
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.7)
            axes.plot(steps, smoothed(values), color=colour, linewidth=1.6, label=name)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.axes[2].set_yscale("log")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def save_scores(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Draws every score over steps, by the one protocol that saw most of them; nothing if that is no curve."""
    import matplotlib.figure

    shown = curve(evaluations)
    if not shown:
        return
    names = [name for name in shown[-1].scores if not name.endswith("_std")]
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = matplotlib.figure.Figure(figsize=(3.4 * columns, 2.8 * rows + 0.2))
    told = shown[-1].protocol
    figure.suptitle(f"{told['samples']:,} samples, {told['weights']} weights, against {told['reference']}", fontsize=9)
    panels = _panels(figure, rows, columns, above=0.3)
    for axes, name in zip(panels, names, strict=False):
        axes.plot([e.step for e in shown], [e.scores.get(name, np.nan) for e in shown], marker="o", markersize=3)
        axes.set(title=heading(name), xlabel="step")
        axes.grid(alpha=0.3)
    for axes in panels[len(names) :]:
        axes.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_atomically(path, buffer.getvalue())


def _panels(figure: Any, rows: int, columns: int, *, above: float = 0.0) -> list[Any]:
    """Axes in rows, with room in inches for what is written around them, and `above` them all for a heading.

    By hand: Matplotlib's own layouts draw everything once more, to measure it.
    """
    (left, right), (bottom, top), (between, below) = (0.85, 0.15), (0.5, 0.3 + above), (0.85, 0.75)
    width, height = figure.get_size_inches()
    across = (width - left - right - (columns - 1) * between) / columns
    down = (height - bottom - top - (rows - 1) * below) / rows
    corners = [
        (left + column * (across + between), bottom + row * (down + below))
        for row in reversed(range(rows))
        for column in range(columns)
    ]
    return [figure.add_axes((x / width, y / height, across / width, down / height)) for x, y in corners]


def smoothed(values: np.ndarray) -> np.ndarray:
    """Centred mean over a twentieth of the curve; at the ends over what there is of it."""
    width = max(1, len(values) // 20)
    kernel = np.ones(width)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def as_picture(image: np.ndarray) -> Image.Image:
    """A uint8 image `[H, W, C]`."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def enlargement(size: Sides) -> int:
    """The whole factor by which grids of images of so many pixels are enlarged."""
    return max(1, 64 // max(size))


def enlarged(picture: Image.Image, size: Sides) -> Image.Image:
    """A grid of images of so many pixels, by that factor, pixels kept sharp."""
    factor = enlargement(size)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
