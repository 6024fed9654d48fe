"""Reading ahead: threads read what comes next while the device works on what came before.

Threads, not processes. Pillow lets go of the interpreter's lock while it decodes, so that two threads bring JPEGs of
512 pixels to 256 as fast as two processes do (180 images/s, torch's DataLoader 164; 2 cores, 2026-11-26). Of 32 pixels
they are no faster than one thread (3,800 images/s, the DataLoader 5,900): a set of such fits into memory, from where
it comes a hundred times as fast. In return nothing is left behind by a kill, nothing has to be pickled, a script needs
no guard against being imported by its own workers, and a process in which JAX has threads is never forked.
"""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from gan_jax.types import Source

T = TypeVar("T")

AHEAD = max(2, min(os.cpu_count() or 1, 16))
"""Batches that are being read, or wait to be asked for: more than this, and the threads wait."""

BLOCK_BYTES = 1 << 24
"""Of images that are read at once where all of them are, but for one that is larger."""


class Ahead(Generic[T]):
    """What is read of each step in turn: an iterator that knows how long it was waited for."""

    def __init__(self, pool: Executor, read: Callable[[int], T], steps: range, ahead: int) -> None:
        self._found = self._in_turn(pool, read, iter(steps), ahead)
        self._begun, self._waited = time.perf_counter(), 0.0

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        begun = time.perf_counter()
        try:
            return next(self._found)
        finally:
            self._waited += time.perf_counter() - begun

    def share_waited(self) -> float:
        """The share of time, since this was last asked for or since the start, that was spent waiting for data."""
        now = time.perf_counter()
        share = self._waited / (now - self._begun)
        self._begun, self._waited = now, 0.0
        return share

    @staticmethod
    def _in_turn(pool: Executor, read: Callable[[int], T], steps: Iterator[int], ahead: int) -> Iterator[T]:
        # A generator, in which a StopIteration out of `read` is an error and not the end of the data.
        if not ahead:
            for step in steps:
                yield read(step)
        reading = deque(pool.submit(read, step) for step in islice(steps, ahead))
        while reading:
            found = reading.popleft().result()
            reading.extend(pool.submit(read, step) for step in islice(steps, 1))
            yield found


@contextmanager
def read_ahead(read: Callable[[int], T], start: int, stop: int, *, ahead: int = AHEAD) -> Iterator[Ahead[T]]:
    """`read(start)`, ..., `read(stop - 1)` in this order, each read in a thread, up to `ahead` of them at once.

        with read_ahead(lambda step: read_batch(images, labels, step, batch_size=64, seed=0), 0, 1000) as batches:
            for images, labels in batches:
                ...

    `read` is called from many threads at once; with `ahead` 0 from none, but when it is asked for. What it raises is
    raised here, in its turn. However the block is left, no more is read after it, and no thread stays.
    """
    pool = ThreadPoolExecutor(max(ahead, 1), thread_name_prefix="reading")
    try:
        yield Ahead(pool, read, range(start, stop), ahead)
    finally:
        pool.shutdown(cancel_futures=True)


def in_blocks(images: Source, rows: Sequence[int] | np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Those images at `rows`, or all, in their order: a block `[n, H, W, C]` of them at a time, read ahead."""
    size = max(1, BLOCK_BYTES // (math.prod(images.shape[1:]) * images.dtype.itemsize))
    count = len(images if rows is None else rows)

    def read(k: int) -> np.ndarray:
        part = slice(k * size, (k + 1) * size)
        return images[part if rows is None else rows[part]]

    with read_ahead(read, 0, -(-count // size)) as blocks:
        yield from blocks


def gathered(images: Source, look: Callable[[np.ndarray], np.ndarray] = lambda block: block) -> np.ndarray:
    """All of them in memory, float32 `[N, H, W, C]`, as `look` makes them of a block."""
    held, done = np.empty(images.shape, np.float32), 0
    for block in in_blocks(images):
        held[done : done + len(block)] = look(block)
        done += len(block)
    return held
