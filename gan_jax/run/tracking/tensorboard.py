"""TensorBoard: event files in the run folder, written without TensorFlow."""

import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_jax.errors import RunError
from gan_jax.run.files import write_atomically
from gan_jax.storage import is_remote


class TensorBoard:
    """Events; all are on disk once `flush` has returned, which tensorboardX's own do not say."""

    def __init__(self, folder: Path, *, after: int) -> None:
        """Of a run that goes on after a step. Raises RunError without tensorboardX, OSError if the disk refuses."""
        try:
            from tensorboardX import summary
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto import event_pb2
        except ImportError:
            raise RunError("it takes tensorboardX; pip install tensorboardX") from None
        self._event, self._summary, self._folder = event_pb2.Event, summary, folder
        # A bucket takes whole files: there they are written elsewhere first.
        self._scratch = tempfile.TemporaryDirectory(prefix="gan_jax-") if is_remote(folder) else None
        written = Path(self._scratch.name) if self._scratch else folder
        written.mkdir(exist_ok=True)
        self._writer = EventsWriter(str(written / "events"), f".{time.time_ns()}")
        # What a killed process wrote beyond the step that the run goes on from is not to be shown.
        self._add(session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START), step=after + 1)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """Writes every finite number under its name."""
        for name, value in values.items():
            if math.isfinite(value):
                self._add(summary=self._summary.scalar(name, value), step=step)

    def picture(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Writes a picture under its name."""
        layout = "HWC" if pixels.ndim == 3 else "HW"
        self._add(summary=self._summary.image(name, pixels, dataformats=layout), step=step)

    def flush(self) -> None:
        """Hands all that was written to the system."""
        self._writer.flush()
        for file in Path(self._scratch.name).iterdir() if self._scratch else ():
            write_atomically(self._folder / file.name, file.read_bytes())

    def close(self) -> None:
        """Writes what is held back."""
        self.flush()
        self._writer.close()
        if self._scratch:
            self._scratch.cleanup()

    def _add(self, **what: Any) -> None:
        self._writer.write_event(self._event(wall_time=time.time(), **what))
