"""Pictures on the page, their pixels sharp: to be looked at, tapped on, painted over, and taken home."""

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gan_jax.images import sheet

INK = "#e0218a"
"""What is painted over pictures and around them: hardly a picture has it."""


class Canvas(NamedTuple):
    """A place for a picture, which keeps its shape."""

    figure: Any
    source: Any  # one picture: its pixels, width and height
    marks: Any  # rectangles around parts of it


def canvas(name: str, *, widest: int) -> Canvas:
    """An empty one, at most so many pixels of the screen wide. The page's template has a place of that name."""
    from bokeh.models import ColumnDataSource, Range1d
    from bokeh.plotting import figure

    source = ColumnDataSource({"image": [np.zeros((1, 1), np.uint32)], "width": [1], "height": [1]})
    marks = ColumnDataSource({"left": [], "right": [], "top": [], "bottom": []})
    drawn: Any = figure(
        name=name,
        tools="",
        toolbar_location=None,
        x_range=Range1d(start=0, end=1),
        y_range=Range1d(start=0, end=1),
        sizing_mode="scale_width",
        max_width=widest,
        aspect_ratio=1.0,
        min_border=0,
    )
    drawn.image_rgba(image="image", x=0, y=0, dw="width", dh="height", source=source)
    drawn.quad("left", "right", "top", "bottom", source=marks, fill_color=None, line_color=INK, line_width=3)
    drawn.axis.visible, drawn.grid.visible = False, False
    drawn.background_fill_color = drawn.border_fill_color = drawn.outline_line_color = None
    return Canvas(drawn, source, marks)


def show(place: Canvas, pixels: np.ndarray) -> None:
    """Puts a picture, uint8 `[H, W, 1 or 3]`, in the place of the one before."""
    height, width = pixels.shape[:2]
    place.figure.x_range.end, place.figure.y_range.end = width, height
    place.figure.aspect_ratio = width / height
    place.source.data = {"image": [as_rgba(pixels)], "width": [width], "height": [height]}


def as_rgba(pixels: np.ndarray) -> np.ndarray:
    """uint8 `[H, W, 1 or 3]` as uint32 `[H, W]`, the lowest row first, as image_rgba has it."""
    height, width = pixels.shape[:2]
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., :3] = pixels
    return np.ascontiguousarray(rgba[::-1]).view(np.uint32)[..., 0]


class Sheet(NamedTuple):
    """Pictures of one size in rows, a pixel apart."""

    picture: np.ndarray  # uint8, of them all
    images: int
    columns: int
    height: int  # of each
    width: int

    def at(self, x: float, y: float) -> int | None:
        """The one at a point of the canvas, whose origin is at the lower left; None where there is none."""
        row, column = int((len(self.picture) - y) // (self.height + 1)), int(x // (self.width + 1))
        place = row * self.columns + column
        return place if x >= 0 and column < self.columns and 0 <= place < self.images else None

    def around(self, places: Sequence[int]) -> dict[str, list[float]]:
        """Rectangles around some of them, as quads have them."""
        rows, columns = np.divmod(np.array(places, int), self.columns)
        left, top = columns * (self.width + 1), len(self.picture) - rows * (self.height + 1)
        corners = {"left": left, "right": left + self.width, "top": top, "bottom": top - self.height}
        return {side: values.tolist() for side, values in corners.items()}


def laid(images: np.ndarray, columns: int) -> Sheet:
    """Lays out images, uint8 `[N, H, W, C]`."""
    return Sheet(sheet(images, columns), len(images), columns, *images.shape[1:3])


def columns_of(images: np.ndarray) -> int:
    """As many as make a sheet of images `[N, H, W, C]` nearly square."""
    count, height, width = images.shape[:3]
    return max(1, min(count, round((count * height / width) ** 0.5)))


def mark(place: Canvas, shown: Sheet, places: Sequence[int]) -> None:
    """Draws frames around some of the pictures that a canvas shows."""
    inset = shown.width / 48  # at the very edge of a canvas a part of a frame would stay when it moves
    inwards = {"left": inset, "right": -inset, "top": -inset, "bottom": inset}
    place.marks.data = {side: [v + inwards[side] for v in values] for side, values in shown.around(places).items()}


def unmark(place: Canvas) -> None:
    """Takes all frames away."""
    place.marks.data = {side: [] for side in place.marks.data}


def when_tapped(place: Canvas, heard: Callable[[float, float], None]) -> None:
    """Has `heard(x, y)` called when the canvas is tapped, with pixels of the picture from its lower left."""
    from bokeh.events import Tap

    place.figure.on_event(Tap, lambda event: heard(event.x, event.y))


class Brush(NamedTuple):
    """What has been painted over a canvas."""

    strokes: Any  # its source
    glyph: Any  # how it is drawn

    def clear(self) -> None:
        """Takes all strokes away."""
        self.strokes.data = {"xs": [], "ys": []}

    def painted(self, size: tuple[int, ...], width: float) -> np.ndarray:
        """Where its strokes go over a picture of (height, width) pixels, bool `[H, W]`."""
        return under(size, self.strokes.data["xs"], self.strokes.data["ys"], width)


def brush(place: Canvas) -> Brush:
    """Lets a canvas be painted over."""
    from bokeh.models import ColumnDataSource, FreehandDrawTool

    strokes = ColumnDataSource({"xs": [], "ys": []})
    look = {"line_color": INK, "line_alpha": 0.6, "line_cap": "round", "line_join": "round"}
    drawn = place.figure.multi_line("xs", "ys", source=strokes, line_width=1, **look)
    drawn.nonselection_glyph = drawn.selection_glyph = None
    tool: Any = FreehandDrawTool(renderers=[drawn])
    place.figure.add_tools(tool)
    place.figure.toolbar.active_drag = tool
    return Brush(strokes, drawn.glyph)


Strokes = Sequence[Sequence[float]]


def under(size: tuple[int, ...], xs: Strokes, ys: Strokes, width: float) -> np.ndarray:
    """The pixels of a picture under round strokes, bool `[H, W]`; y goes upwards, from below."""
    height, across = size
    mask = Image.new("1", (across, height))
    pen = ImageDraw.Draw(mask)
    for stroke in zip(xs, ys, strict=True):
        points = [(x - 0.5, height - y - 0.5) for x, y in zip(*stroke, strict=True)]
        pen.line(points, fill=1, width=max(1, round(width)))
        for point in points:
            pen.circle(point, width / 2, fill=1)
    return np.asarray(mask)


def download(name: str, pixels: np.ndarray) -> str:
    """A link, in HTML, that saves a picture under a name, as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    content = base64.b64encode(buffer.getvalue()).decode()
    return f'<a href="data:image/png;base64,{content}" download="{escape(name)}">Download PNG</a>'
