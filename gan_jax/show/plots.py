"""Curves of losses and scores, to zoom and to hover, by Bokeh: the script that draws them, and where it does."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gan_jax.run.pictures import smoothed
from gan_jax.run.scoreboard import Evaluation, heading
from gan_jax.show.account import Account


class Curve(NamedTuple):
    """A number over the steps of a run."""

    run: str
    of: str  # what it is
    steps: np.ndarray  # float64 [N], ascending
    values: np.ndarray  # float64 [N]


class Panel(NamedTuple):
    """Curves with the same axes."""

    title: str
    curves: list[Curve]
    log: bool = False  # the axis of values
    dense: bool = True  # a value at every few steps, which is noisy; else few, each of which counts

    @property
    def thinned(self) -> bool:
        """Whether there are more values than are drawn."""
        return self.dense and any(len(curve.steps) > POINTS for curve in self.curves)


class Placed(NamedTuple):
    """A panel, and the HTML into which the page's script draws it."""

    panel: Panel
    place: str


_TOGETHER = {
    "losses": ("d/loss", "g/loss"),
    "mean logits": ("d/real_logit", "d/fake_logit"),
    "gradient norms": ("d/gradient_norm", "g/gradient_norm"),
    "penalties": ("d/penalty", "g/penalty"),
}
"""What has the same axes; every other number has its own."""

_FIRST = 40
"""Panels at most: a stranger's rows may have any number of names."""


def panels_of_rows(accounts: Sequence[Account]) -> list[Panel]:
    """Losses and all else that the rows of training tell; what is always 0 is no curve."""
    names = sorted({name for account in accounts for row in account.rows for name in row} - {"step", "images"})
    grouped = {title: [name for name in group if name in names] for title, group in _TOGETHER.items()}
    others = {name: [name] for name in names if not any(name in group for group in _TOGETHER.values())}
    found = []
    for title, group in list((grouped | others).items())[:_FIRST]:
        curves = [curve for account in accounts for curve in _curves(account, group)]
        log = title == "gradient norms" and all(np.all(curve.values > 0) for curve in curves)
        if any(np.any(curve.values != 0) for curve in curves):
            found.append(Panel(title, curves, log=log))
    return found


def _curves(account: Account, names: Sequence[str]) -> list[Curve]:
    return [
        curve
        for name in names
        for curve in _through(account.name, name, [(row["step"], row[name]) for row in account.rows if name in row])
    ]


def _through(run: str, of: str, points: Sequence[tuple[float, float]]) -> list[Curve]:
    """The curve through points, or none."""
    return [Curve(run, of, *np.array(sorted(points), float).T)] if points else []


def panels_of_scores(evaluations: dict[str, list[Evaluation]]) -> list[Panel]:
    """Every score over steps, of some runs' evaluations by one protocol; of one step alone there is no curve."""
    names = dict.fromkeys(name for found in evaluations.values() for e in found for name in e.scores)
    scores = [name for name in names if not name.endswith("_std") and not name.startswith("baseline_")]
    found = []
    for score in scores[:_FIRST]:
        kinds = {"made": score, "baseline": f"baseline_{score}"}
        curves = [
            curve
            for run, each in evaluations.items()
            for kind, name in kinds.items()
            for curve in _through(run, kind, [(e.step, e.scores[name]) for e in each if name in e.scores])
        ]
        if any(len(curve.steps) > 1 for curve in curves):
            found.append(Panel(heading(score), curves, dense=False))
    return found


POINTS = 1000
"""Values of a curve that are drawn at most."""


def thinned(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `POINTS` of them: the lowest and the highest of each of half as many stretches, so that no peak goes."""
    values = values.astype(np.float32)  # in half of the bytes
    if len(steps) <= POINTS:
        return steps, values
    parts = np.array_split(np.arange(len(steps)), POINTS // 2)
    ends = {part[end] for part in parts for end in (np.argmin(values[part]), np.argmax(values[part]))}
    kept = np.array(sorted(ends))
    return steps[kept], values[kept]


def plot(groups: Sequence[Sequence[Panel]]) -> tuple[list[list[Placed]], str]:
    """Draws groups of panels, whose steps all move together; returns them in their places, and the script."""
    from bokeh.embed import components
    from bokeh.models import DataRange1d

    panels = [panel for group in groups for panel in group]
    runs = list(dict.fromkeys(curve.run for panel in panels for curve in panel.curves))
    steps = DataRange1d()
    figures = [_figure(panel, runs, steps) for panel in panels]
    script, places = components(figures, wrap_script=False) if figures else ("", ())
    each = iter(places)
    return [[Placed(panel, next(each)) for panel in group] for group in groups], script


def library() -> str:
    """The part of BokehJS that curves need, to lie in the page."""
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


_GREY = "#808080"
"""Can be read on white and on black: a canvas does not know which the reader has."""

_FONT = "system-ui, sans-serif"


def _figure(panel: Panel, runs: Sequence[str], steps: Any) -> Any:
    """Of one run a colour for each number; of several a colour for each run, and a dash for each number."""
    from bokeh.models import BoxZoomTool, HoverTool, PanTool, ResetTool, WheelZoomTool
    from bokeh.palettes import Category10_10
    from bokeh.plotting import figure

    zoom = BoxZoomTool(dimensions="width")
    told = [("curve", "$name"), ("step", "@x{0,0}"), ("value", "@y{%.4g}")]
    hover: Any = HoverTool(tooltips=told, formatters={"@y": "printf"}, mode="vline", renderers=[])
    tools = [zoom, PanTool(), WheelZoomTool(dimensions="width"), hover, ResetTool()]
    scale: Any = "log" if panel.log else "linear"
    drawn: Any = figure(height=250, x_range=steps, y_axis_type=scale, tools=tools, active_drag=zoom)
    kinds = list(dict.fromkeys(curve.of for curve in panel.curves))
    for curve in panel.curves:
        run, kind = runs.index(curve.run), kinds.index(curve.of)
        words = " ".join([curve.run] * (len(runs) > 1) + [curve.of] * (len(kinds) > 1 or len(runs) == 1))
        look = {"color": Category10_10[(run if len(runs) > 1 else kind) % 10], "name": words, "legend_label": words}
        line = partial(drawn.line, line_dash="dashed" if len(runs) > 1 and kind % 2 else "solid", **look)
        if panel.dense:
            hover.renderers += [line(*thinned(curve.steps, curve.values), line_alpha=0.35)]
            line(*thinned(curve.steps, smoothed(curve.values)), line_width=2)
        else:
            hover.renderers += [line(curve.steps, curve.values, line_width=2)]
            drawn.scatter(curve.steps, curve.values, size=6, **look)
    drawn.sizing_mode = "stretch_width"
    _quietly(drawn)
    drawn.legend.visible, drawn.legend.ncols = len(panel.curves) > 1, len(runs if len(runs) > 1 else kinds)
    drawn.add_layout(drawn.legend[0], "above")
    return drawn


def _quietly(drawn: Any) -> None:
    """No colours of its own behind the curves, so that the page's light or dark is seen."""
    drawn.background_fill_color = drawn.border_fill_color = drawn.outline_line_color = None
    drawn.legend.background_fill_alpha, drawn.legend.border_line_color = 0.0, None
    drawn.legend.label_text_color = _GREY
    drawn.legend.click_policy, drawn.legend.padding, drawn.legend.label_text_font_size = "hide", 0, "11px"
    drawn.legend.margin, drawn.legend.location, drawn.legend.spacing = 0, "top_left", 12
    drawn.toolbar.logo, drawn.toolbar.autohide = None, True
    drawn.legend.label_text_font = _FONT
    drawn.grid.grid_line_color, drawn.grid.grid_line_alpha = _GREY, 0.2
    for axis in drawn.axis:
        axis.major_label_text_font = axis.axis_label_text_font = _FONT
        axis.major_label_text_color = axis.axis_line_color = axis.major_tick_line_color = _GREY
        axis.minor_tick_line_color = None
    drawn.xaxis.axis_label, drawn.xaxis.axis_label_text_color = "step", _GREY
    drawn.xaxis.axis_label_text_font_style = "normal"
    drawn.xaxis.formatter.use_scientific = False
