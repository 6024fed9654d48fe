"""What the networks of a run are told of each real image: its class, its cluster, or nothing."""

import hashlib
import io

import numpy as np

from gan_jax.config import Config, FewLabels
from gan_jax.data.clusters import frequencies, partition
from gan_jax.data.dataset import Dataset
from gan_jax.data.labelled import few
from gan_jax.errors import DataError
from gan_jax.run import hosts
from gan_jax.run.files import RunFolder, read, write_atomically


def labels_of(config: Config, data: Dataset, folder: RunFolder) -> np.ndarray | None:
    """Labels int32 `[N]` of the real images, as the networks see them; None if they see none. Of few labels the others
    are `labelled.HIDDEN`.

    Clusters are those that the run has kept: computed anew, on another machine, rounding could move an image.
    Raises RunError if those cannot be read, DataError where few labels cannot be as many of each class.
    """
    if isinstance(config.task, FewLabels):
        return few(data, config.task.labels, config.seed)
    clusters = config.data.clusters
    if clusters is None:
        return data.labels if config.conditional else None
    kept = _read(folder)
    if kept is None or kept.shape != (len(data),) or kept.dtype != np.int32 or np.any((kept < 0) | (kept >= clusters)):
        kept = None
    known = lambda: {"labels": partition(data.images, clusters, seed=config.seed) if kept is None else kept}
    return hosts.arrays_by_first(known)["labels"]


def keep(config: Config, labels: np.ndarray | None, folder: RunFolder) -> None:
    """Stores clusters with the run, once. Raises RunError."""
    if config.data.clusters is None or labels is None:
        return
    if (kept := _read(folder)) is None or not np.array_equal(kept, labels):
        buffer = io.BytesIO()
        np.save(buffer, labels)
        write_atomically(folder.clusters, buffer.getvalue())


def fingerprint(labels: np.ndarray | None) -> str | None:
    """SHA-256 of labels."""
    return None if labels is None else hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest()


def must_be(labels: np.ndarray | None, known: str | None, folder: RunFolder) -> None:
    """Raises DataError unless these are the labels that the run was told."""
    if fingerprint(labels) != known:
        raise DataError(
            f"the clusters of the data are not those that this run was told: {folder.clusters} has gone, or has been "
            "changed, and computed anew they differ; put it back, or start another run with --run"
        )


def counts_of(config: Config, labels: np.ndarray | None, classes: int) -> list[int] | None:
    """How many real images have each label; None if the generator is told none."""
    if labels is None or config.task.classifies:
        return None
    return frequencies(labels, config.labels_told(classes)).tolist()


def _read(folder: RunFolder) -> np.ndarray | None:
    """The array that a run has kept; None if it kept none, or one that is damaged. Raises RunError."""
    content = read(folder.clusters)
    try:
        found = np.load(io.BytesIO(content or b""), allow_pickle=False)
    except Exception:  # whatever a damaged header makes NumPy raise, MemoryError for its many rows too
        return None
    return found if isinstance(found, np.ndarray) else None  # not what several arrays in a zip are
