"""gan-jax report: one HTML file that shows what runs were, and what has come of them; it needs no network."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_jax import __version__
from gan_jax.run.files import write_atomically
from gan_jax.run.scoreboard import SHOWN, by_protocol, cell, heading, protocol_lines
from gan_jax.show import plots, reading
from gan_jax.show.account import Account, differences, facts, read_accounts, settings_of, warnings_of
from gan_jax.show.drawn import Drawn, Say, draw
from gan_jax.show.frames import Frames, read_frames
from gan_jax.storage import absolute

PAGE = Path(__file__).parent / "page"

ROOM = 1_500_000
"""Bytes that the grids of all runs may take, before they are written in letters, four of which hold three bytes."""


class Scored(NamedTuple):
    """Scores by one protocol: a table, with curves of those that were asked for at several steps."""

    protocol: list[str]
    columns: list[tuple[str, int]]  # run and step
    rows: list[tuple[str, list[str]]]  # a score, and what it is in each column
    panels: list[plots.Panel]


class Told(NamedTuple):
    """A run, as the page shows it."""

    account: Account
    facts: dict[str, str]
    frames: Frames
    drawn: Drawn | None
    warnings: list[str]

    @property
    def reading(self) -> str:
        """How the grids are to be read."""
        return reading.of_grids(self.account)

    @property
    def colours(self) -> dict[str, str]:
        """What the colours of a grid stand for."""
        return reading.of_colours(self.account)

    @property
    def losses(self) -> str:
        """How the losses are to be read."""
        return reading.of_losses(self.account)

    @property
    def notes(self) -> list[str]:
        """What could not be shown, and why."""
        return [*self.account.notes, *self.frames.notes, *(self.drawn.notes if self.drawn else [])]


def report(runs: Sequence[Path], out: Path, *, drawing: bool, moved: Mapping[str, str], say: Say) -> list[str]:
    """Writes the report of some runs, and returns what to tell. Raises ConfigError, RunError.

    With `drawing`, also what their newest checkpoints draw, where the data are as the config says, or `moved` by key.
    """
    accounts = read_accounts(runs)
    told = [
        Told(
            account,
            facts(account),
            read_frames(account.folder, ROOM // len(accounts)),
            draw(account, moved, say) if drawing else None,
            warnings_of(account),
        )
        for account in accounts
    ]
    content = page(told).encode("utf-8", "replace")
    out = absolute(out)
    write_atomically(out, content)
    notes = [f"{each.account.name}: {note}" for each in told for note in each.notes]
    return [*notes, f"report of {', '.join(a.name for a in accounts)}, {len(content) / 1e6:.1f} MB: {out}"]


def page(told: Sequence[Told]) -> str:
    """The page of some runs. All texts in it are escaped; a browser runs our own scripts alone, and asks no network."""
    accounts = [each.account for each in told]
    scored = scored_by(accounts)
    panels = plots.panels_of_rows(accounts)
    (training, *by_score), script = plots.plot([panels, *(each.panels for each in scored)])
    scripts = [plots.library(), script] * bool(script) + [(PAGE / "slider.js").read_text("utf-8")]
    return _template().render(
        told=told,
        scored=list(zip(scored, by_score, strict=True)),
        training=training,
        thinned=any(panel.thinned for panel in panels),
        points=plots.POINTS,
        settings=[settings_of(account) for account in accounts],
        differences=differences(accounts),
        scripts=scripts,
        hashes=[base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts],
        written=time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        version=__version__,
    )


def scored_by(accounts: Sequence[Account]) -> list[Scored]:
    """The evaluations of all runs by their protocols: of one run its last steps, of several each one's last."""
    groups: dict[str, dict[str, Any]] = {}
    for account in accounts:
        for group in by_protocol(account.evaluations):
            groups.setdefault(json.dumps(group[0].protocol, sort_keys=True), {})[account.name] = group
    found = []
    for of in groups.values():
        last = SHOWN if len(accounts) == 1 else 1
        shown = [(run, evaluation) for run, group in of.items() for evaluation in group[-last:]]
        names = dict.fromkeys(name for _, e in shown for name in e.scores if not name.endswith("_std"))
        rows = [(heading(name), [cell(e.scores, name) for _, e in shown]) for name in names]
        columns = [(run, e.step) for run, e in shown]
        found.append(Scored(protocol_lines(shown[0][1].protocol), columns, rows, plots.panels_of_scores(of)))
    return found


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    house = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    house.filters["ours"] = Markup  # what Bokeh or this package wrote, no stranger
    return house.get_template("page.html")
