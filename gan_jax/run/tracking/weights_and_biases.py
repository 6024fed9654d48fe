"""Weights & Biases: one run there for a run folder, however often it is gone on with."""

import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import RunError
from gan_jax.run.files import RunFolder, read, write_atomically
from gan_jax.run.tracking.tracker import Say
from gan_jax.storage import is_remote

PATIENCE = 30
"""Seconds that a run waits for the service, once as it begins and once as it ends; between these it never waits."""


class WeightsAndBiases:
    """A run there. Whose, in which project, and whether online at all is for `wandb login` and WANDB_* to say.

    Steps there only grow, and what a run does again after a kill is what it did: rows that are there are not sent anew.
    """

    def __init__(self, folder: RunFolder, config: Mapping[str, Any], *, reached: int, say: Say) -> None:
        """Begins it, or goes on with the one whose id `folder` keeps, whose rows had `reached` a step before.

        Raises RunError without wandb or without a login, and what wandb raises, within `PATIENCE`.
        """
        try:
            import wandb
        except ImportError:
            raise RunError("it takes wandb; pip install wandb") from None
        if (own := folder.path / "wandb" / "settings").exists():  # which would count where this is the current folder
            raise RunError(f"{own} would say whom the run is sent to, and a run folder may be a stranger's; remove it")
        told = wandb.Settings(console="off", silent=True, init_timeout=PATIENCE, finish_timeout=PATIENCE)
        settings = wandb.setup(told).settings
        if settings.mode == "online" and not wandb.login(prompt=False, verify=False):
            raise RunError("nobody is logged in; wandb login, or set WANDB_MODE=offline and wandb sync later")
        known = _id_in(folder.wandb)
        self._image = wandb.Image
        self._run = wandb.init(
            project=settings.project or "gan_jax",
            name=folder.path.name,
            id=known or _new_id(folder.wandb),
            resume="allow",
            config=dict(config),
            allow_val_change=True,
            dir=None if is_remote(folder.path) else folder.path,
        )
        # Offline, nobody but the run itself can say what there is.
        self._first = (reached + 1 if known else 0) if self._run.offline else self._run.step
        if self._run.offline:
            say(f"offline at Weights & Biases; later: wandb sync {Path(self._run.dir).parent}")
        elif self._run.url:
            say(f"at Weights & Biases: {self._run.url}")

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Sends the numbers of a step."""
        self._log(step, values)

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Sends a picture of a step."""
        if step >= self._first:  # else it would be encoded for nothing
            self._log(step, {name: self._image(pixels)})

    def flush(self) -> None:
        """All is with a process of wandb's own, which outlives a kill of this one."""

    def close(self) -> None:
        """Waits until all is there, for `PATIENCE` at most; the rest stays on this disk, for `wandb sync`."""
        self._run.finish()

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        if step >= self._first:
            self._run.log(dict(values), step=step)


def _id_in(file: Path) -> str | None:
    """The id that a file keeps; None if there is none, or what no id can be."""
    try:
        found = json.loads(read(file) or b"{}")["id"]
        return found if re.fullmatch(r"[a-z0-9]{8,64}", found) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _new_id(file: Path) -> str:
    """An id, kept before it is used, so that no kill makes two runs of one."""
    new = secrets.token_hex(4)
    write_atomically(file, json.dumps({"id": new}).encode() + b"\n")
    return new
