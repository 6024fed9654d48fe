"""`gan-jax export`: a folder that leaves the house."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from gan_jax.config.build import build_gan
from gan_jax.data.scaling import Scaling
from gan_jax.memory import in_words
from gan_jax.run.files import RunFolder, check_empty, read, write_atomically
from gan_jax.run.labels import row_of_labels
from gan_jax.run.media import medium_of
from gan_jax.run.sampling import Trained, open_run, sampling_weights
from gan_jax.run.scoreboard import Evaluation, read_all
from gan_jax.show import exported, hub, program
from gan_jax.show.card import PROGRAM, card
from gan_jax.show.exported import FIELDS, WEIGHTS, Exported
from gan_jax.types import Weights

PICTURE = "samples.png"


def export(run: str, *, out: Path | None, averaged: bool, best: bool, repository: str | None) -> list[str]:
    """Writes the folder, pushes it if a repository is named, and returns what to tell.

    Raises ConfigError for a folder that is not empty, RunError for a run without a checkpoint, GanJaxError where the
    hub refuses.
    """
    if repository:
        hub.check_name(repository)
    trained = open_run(run, best=best)
    step, which = int(trained.state.step), "averaged" if averaged else "raw"
    source = RunFolder(run)
    folder = out or source.path / "_".join([f"exported_step_{step}"] + ["raw"] * (not averaged) + ["best"] * best)
    check_empty(folder)
    weights = sampling_weights(trained.gan, trained.state, trained.counts, averaged=averaged)
    whole, remarks = _program(trained, weights)
    fields = exported.fields(trained.config, trained.notes, step=step, which=which)
    for name, content in exported.packed(weights, fields).items():
        write_atomically(folder / name, content)
    if whole:
        write_atomically(folder / PROGRAM, whole.content)
    generator = exported.load(folder)
    given = trained.config.task.given
    shown = _grid(source, step, folder, which, pushed=bool(repository)) if given else _drawn(generator, folder)
    scored = [e for e in read_all(source.metrics) if e.step == step and e.protocol.get("weights") == which]
    parameters = sum(leaf.size for leaf in jax.tree.leaves(weights.params))
    text = card(trained.config, fields, parameters, scored, whole, picture=shown.picture, lines=shown.lines)
    write_atomically(folder / "README.md", text.encode())
    return [
        *trained.remarks,
        *remarks,
        *_told(folder, which, step, whole, shown, scored),
        *([f"pushed to {hub.push(folder, repository)}"] if repository else []),
    ]


def _program(trained: Trained, weights: Weights) -> tuple[program.Program | None, list[str]]:
    """The generator as a program, or why there is none."""
    config = trained.config
    plain = replace(config, remat=False, accumulate=1)  # what spares memory in training is no part of the network
    gan = build_gan(plain, len(trained.notes["classes"]))
    scaling = Scaling(*trained.notes["scaling"]) if config.data.floats else None
    try:
        if config.task.given:
            return program.translator(config, gan, weights), []
        return program.sampler(gan, weights, labels=bool(trained.classes), scaling=scaling), []
    except program.TooLargeError as error:
        return None, [f"no {PROGRAM}: {error}"]


class Shown(NamedTuple):
    """What a card shows of what a generator makes: a picture, by its name, or lines of text."""

    picture: str | None = None
    lines: Sequence[str] = ()
    remarks: Sequence[str] = ()  # on a picture of the data: that it is one, or why there is none


def _grid(run: RunFolder, step: int, folder: Path, which: str, *, pushed: bool) -> Shown:
    """The run's own grid of a translator, of its averaged weights: on it are images of the data, for a person to pass.

    Where all is pushed at once, nobody could have looked at them before.
    """
    if which != "averaged":
        return Shown(remarks=[f"no {PICTURE}: the run's grids are of averaged weights"])
    if pushed:
        why = f"no {PICTURE}: it would show held-out images of the data, and nobody has looked at them; without --push"
        return Shown(remarks=[f"{why} it is in the folder"])
    grid = read(run.sample(step))
    if grid is None:
        return Shown(remarks=[f"no {PICTURE}: the run has no grid of step {step}"])
    write_atomically(folder / PICTURE, grid)
    return Shown(PICTURE, remarks=[f"{PICTURE} shows held-out images of the data: look at it before you hand it on"])


def _drawn(generator: Exported, folder: Path) -> Shown:
    """What is drawn with what was written."""
    config = generator.config
    medium = medium_of(config, generator.fields["alphabet"])
    columns = row_of_labels(len(generator.labels)) or 8
    images = generator.draw(jax.random.key(0), columns * (64 // columns))
    if medium.lines:
        return Shown(lines=medium.lines(images[:16]))
    if config.data.floats:
        images = Scaling(*generator.fields["scaling"]).seen(images)
    medium.save(folder / PICTURE, np.asarray(medium.look(images)), columns)
    return Shown(PICTURE)


def _told(
    folder: Path, which: str, step: int, whole: program.Program | None, shown: Shown, scored: list[Evaluation]
) -> list[str]:
    names = [WEIGHTS, FIELDS] + [PROGRAM] * (whole is not None) + [shown.picture] * (shown.picture is not None)
    sizes = [f"{name} ({in_words(os.path.getsize(folder / name))})" for name in [*names, "README.md"] if name]
    lines = [f"the {which} weights of step {step}, in {folder}: {', '.join(sizes)}"]
    lines += [] if scored else ["no scores in the card: this step was not evaluated; gan-jax evaluate RUN does"]
    return [*lines, *shown.remarks, "to fill in, in README.md: the licence, and what it is meant for"]
