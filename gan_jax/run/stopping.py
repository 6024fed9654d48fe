"""When a run is to stop: alone after this step; with others, after a step that all of them agree on."""

from collections import deque
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.gan import GANState, Step
from gan_jax.run import hosts, signals
from gan_jax.types import Batch, Metrics

IN_FLIGHT = 2
"""Steps handed to the device ahead of the host. Unbounded, forced CPU devices deadlock."""

_HEARD = "heard"


class Stopping:
    """Hears signals for all processes of a run.

    What each has heard goes into a step with its share of the batch, and the loudest comes out of it with the metrics:
    all read the same, after the same step, and no step waits for it.
    """

    def __init__(self, mesh: Mesh, *, stacked: int) -> None:
        self._several = hosts.several()
        self._mesh, self._stacked = mesh, stacked
        self._steps: deque[Array] = deque()

    def step(self, step: Step) -> Step:
        """A step that also takes, and gives, what was heard."""
        if not self._several:
            return step

        def hearing(state: GANState, told: Any) -> tuple[GANState, Metrics]:
            batch, heard = told
            state, metrics = step(state, batch)
            return state, metrics | {_HEARD: jnp.max(heard)}

        return hearing

    def batch(self, batch: Batch) -> Any:
        """A batch as the step takes it."""
        if not self._several:
            return batch
        rows = len(self._mesh.local_devices)
        heard = np.full(rows if self._stacked == 1 else (1, rows), signals.wished() or 0, np.int32)
        return batch, parallel.put_batch(self._mesh, heard, stacked=self._stacked).images

    def wished(self, metrics: Metrics) -> int | None:
        """The signal that ends the run after the step that was last begun; its metrics lose what is not theirs."""
        if not self._several:
            return signals.wished()
        self._steps.append(metrics.pop(_HEARD))
        return (int(np.max(self._steps.popleft())) or None) if len(self._steps) > IN_FLIGHT else None

    def wished_before(self) -> int | None:
        """The signal that ends the run before its first step; others would begin it."""
        return None if self._several else signals.wished()
