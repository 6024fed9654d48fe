"""Watches a run as it trains: evaluates it, keeps its best checkpoint, and says when it collapses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.sharding import Mesh

from gan_jax.config import Config
from gan_jax.data.dataset import Dataset
from gan_jax.errors import RunError
from gan_jax.gan import GAN, GANState
from gan_jax.run import hosts
from gan_jax.run.checkpoints import Checkpoints, Notes
from gan_jax.run.evaluation import make_judge
from gan_jax.run.features import Say
from gan_jax.run.files import RunFolder, set_aside
from gan_jax.run.judging import WATCHED, Asked, samples_of
from gan_jax.run.scoreboard import Evaluation, better, name_of, read_all
from gan_jax.run.training import abstract_state

FALL = 0.5
"""A recall or a coverage that loses more than this share of its best counts as a collapse."""

SATURATED = 0.01
"""A discriminator whose loss stays between 0 and this wins always, and teaches nothing more."""


class Watch:
    """The evaluations of a run, each compared with those before it."""

    def __init__(
        self, config: Config, gan: GAN, data: Dataset, mesh: Mesh, folder: RunFolder, notes: Notes, say: Say
    ) -> None:
        judged = config.evaluate
        samples = samples_of(config, data, judged.samples, WATCHED)
        asked = Asked(samples, judged.features, judged.weights)
        self._judge = make_judge(config, gan, data, notes["counts"], asked, mesh=mesh, say=say)
        self._metric = name_of(self._judge.protocol["features"], judged.best)
        self._folder, self._notes, self._say = folder, notes, say
        self._rows: list[dict[str, float]] = []
        self._plays = config.loss != "none"
        self._history: list[Evaluation] = read_all(folder.metrics)
        self._kept = Checkpoints(folder.best, keep=1)
        self._best = self._reopen(config)

    def note(self, row: dict[str, float]) -> None:
        """Remembers a row of the training, until the next evaluation looks at it."""
        if self._plays:
            self._rows.append(row)

    def look(self, state: GANState) -> Evaluation:
        """Evaluates; keeps the state if it is the best so far; says what a person should know."""
        found = self._judge.evaluate(state)
        value = found.scores[self._metric]
        earlier = [e for e in self._history if e.protocol == found.protocol and e.step < found.step]
        for warning in alarms(earlier, found, self._rows):
            self._say(f"warning at step {found.step}: {warning}")
        self._say(f"step {found.step}: {self._metric} {value:.4g}")
        if better(self._metric, value, self._best):
            try:
                self._kept.save(found.step, state, self._notes | {"best": self._told(found)})
                self._kept.wait()
                kept = True
            except RunError as error:
                kept = False
                self._say(f"the best checkpoint so far could not be kept: {error}")
            if hosts.all_of(kept):
                self._best = value
                self._say(f"step {found.step} is the best so far: kept in {self._folder.best}")
        self._history.append(found)
        self._rows.clear()
        return found

    def close(self) -> None:
        """Lets orbax finish."""
        self._kept.close()

    def _told(self, found: Evaluation) -> dict[str, Any]:
        return {"metric": self._metric, "value": found.scores[self._metric], "protocol": found.protocol}

    def _reopen(self, config: Config) -> float | None:
        """The best value of an earlier start; another protocol's best is set aside, for it does not compare."""
        try:
            found = self._kept.restore(lambda notes: abstract_state(config, len(notes["classes"])))
        except RunError as error:
            self._begin_anew("damaged", str(error))
            return None
        if found is None:
            return None
        _, notes, remarks = found
        for remark in remarks:
            self._say(f"{self._folder.best.name}: {remark}")
        told = notes["best"]
        if told["metric"] != self._metric or told["protocol"] != self._judge.protocol:
            self._begin_anew("other", "it was chosen by another metric or protocol")
            return None
        return float(told["value"])

    def _begin_anew(self, why: str, reason: str) -> None:
        self._kept.close()
        aside = hosts.by_first(lambda: set_aside(self._folder.best, why).name)
        self._kept = Checkpoints(self._folder.best, keep=1)
        self._say(f"the best checkpoint is set aside as {aside}: {reason}")


def alarms(earlier: Sequence[Evaluation], now: Evaluation, rows: Sequence[dict[str, float]]) -> list[str]:
    """What looks like a collapse: recall or coverage far below their best, a discriminator that always wins.

    `earlier` are evaluations by the same protocol, `rows` the losses logged since the last of them.
    """
    found = []
    for name, value in now.scores.items():
        if not name.endswith(("recall", "coverage")) or not earlier:
            continue
        best = max(earlier, key=lambda e: e.scores.get(name, -1.0))
        top = best.scores.get(name, 0.0)
        if top >= 0.1 and value < (1 - FALL) * top:
            found.append(f"{name} fell from {top:.3f} (step {best.step}) to {value:.3f}: the generator loses modes")
    losses = np.array([row["d/loss"] for row in rows])
    if len(losses) >= 3 and np.all((losses >= 0) & (losses < SATURATED)):
        found.append(
            f"the discriminator's loss stayed below {SATURATED} in the last {len(losses)} rows: it always wins, and "
            "the generator learns little more. More --penalty.r1, or a lower --discriminator.learning-rate, may help"
        )
    return found
