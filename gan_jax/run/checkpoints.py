"""Checkpoints with one commit point, checked bit by bit: orbax writes them, SHA-256 vouches for them."""

import contextlib
import errno
import hashlib
import io
import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from gan_jax.errors import RunError

Notes = dict[str, Any]

COMMITTED = "commit_success.txt"  # orbax writes it last, and renames the folder into place


class Restored(NamedTuple):
    """A good checkpoint, and the newer ones that were not."""

    state: Any
    notes: Notes
    bad: dict[int, str]  # step to what is wrong with it


def committed(folder: Path) -> list[int]:
    """The steps of all finished checkpoints, oldest first, as the disk has them now."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.name.isdigit() and (path / COMMITTED).exists())
    return sorted(int(path.name) for path in found)


def newest(folder: Path | str, template: Callable[[Notes], Any]) -> Restored | None:
    """Reads the newest good checkpoint, and changes nothing on disk: a run may be writing there.

    `template` says, from the notes, which pytree the arrays belong in; of its leaves only shapes and dtypes matter.
    None if there never was a checkpoint. Raises RunError if there are only damaged ones, or if a good one holds
    another structure.
    """
    folder = Path(folder).absolute()  # as orbax asks for
    bad: dict[int, str] = {}
    for step in reversed(committed(folder)):
        try:
            arrays, notes = _read(folder, step)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged file makes tensorstore raise
            if not (folder / str(step)).exists():
                return newest(folder, template)  # a run has just replaced it by a newer one
            if isinstance(error, OSError) and error.errno in _NOT_DAMAGE:
                raise RunError(f"cannot read {folder / str(step)}: {error.strerror}") from None
            bad[step] = _in_short(error)
            continue
        return Restored(from_arrays(template(notes), arrays, where=f"{folder}/{step}"), notes, bad)
    if bad or list(folder.glob("*.damaged-*")):
        told = "; ".join(f"step {step}: {why}" for step, why in bad.items()) or "all were set aside earlier"
        raise RunError(
            f"no good checkpoint is left in {folder} ({told}). Nothing was deleted; to begin anew choose another "
            "folder with --run"
        )
    return None


_NOT_DAMAGE = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}


def _read(folder: Path, step: int) -> tuple[dict[str, np.ndarray], Notes]:
    _hush()
    items = ocp.args.Composite(state=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore())
    # Where one array is damaged, the reads of the others end, a little later, in a closed event loop, each with a
    # traceback of its own; what matters is raised.
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            with ocp.CheckpointManager(folder, options=ocp.CheckpointManagerOptions(read_only=True)) as manager:
                item = manager.restore(step, args=items)
        except Exception:
            time.sleep(0.5)
            raise
    arrays, notes = {name: np.asarray(array) for name, array in item.state.items()}, dict(item.notes)
    expected = notes.pop("sha256")
    found = _hashes(arrays, notes)
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise ValueError(f"{len(wrong)} of {len(expected)} items have other bits than were saved, first {wrong[0]}")
    return arrays, notes


class Checkpoints:
    """Writes the checkpoints of one run, whose lock the caller holds. A save is on disk when the call returns."""

    def __init__(self, folder: Path | str, *, keep: int = 2) -> None:
        self._folder = folder = Path(folder).absolute()  # as orbax asks for
        self._trash = folder / ".trash"
        _hush()
        try:
            # Orbax takes any folder with a number for a checkpoint, and would then decline to save one of that number.
            for path in folder.glob("[0-9]*"):
                if path.name.isdigit() and not (path / COMMITTED).exists():
                    _set_aside(path, "unfinished")
            self._manager = ocp.CheckpointManager(
                folder,
                options=ocp.CheckpointManagerOptions(
                    max_to_keep=keep,
                    create=True,
                    enable_async_checkpointing=False,
                    cleanup_tmp_directories=True,
                    # Deletes by one rename: a kill in the middle of a deletion must not leave half a checkpoint.
                    todelete_subdir=".trash",
                ),
            )
        except OSError as error:
            raise RunError(f"cannot write {folder}: {error.strerror or error}") from None
        shutil.rmtree(self._trash, ignore_errors=True)

    def steps(self) -> list[int]:
        """The steps of all finished checkpoints, oldest first."""
        return committed(self._folder)

    def save(self, step: int, state: Any, notes: Notes) -> None:
        """Saves a pytree of arrays, and notes that JSON can hold. Raises RunError; older checkpoints stay."""
        if step in self.steps():
            return
        arrays = to_arrays(state)
        notes = notes | {"sha256": _hashes(arrays, notes)}
        try:
            items = ocp.args.Composite(state=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes))
            if not self._manager.save(step, args=items, force=True):
                raise ValueError("orbax declined")
            self._manager.wait_until_finished()
        except Exception as error:  # tensorstore wraps a full disk in ValueError, orbax in others
            for leftover in self._folder.glob("*.orbax-checkpoint-tmp*"):
                shutil.rmtree(leftover, ignore_errors=True)
            free = shutil.disk_usage(self._folder).free / 1e6
            size = sum(array.nbytes for array in arrays.values()) / 1e6
            good = f"the last good one is step {self.steps()[-1]}" if self.steps() else "there is none before it"
            raise RunError(
                f"could not save checkpoint {step} ({size:.1f} MB) in {self._folder}, {free:.1f} MB free: "
                f"{_in_short(error)}; {good}. Make room, and start the same command again"
            ) from None
        shutil.rmtree(self._trash, ignore_errors=True)

    def restore(self, template: Callable[[Notes], Any]) -> tuple[Any, Notes, list[str]] | None:
        """As `newest`: state, notes, and a line for each damaged checkpoint, which is set aside, never deleted."""
        found = newest(self._folder, template)
        if found is None:
            return None
        remarks = []
        for step, why in found.bad.items():
            aside = _set_aside(self._folder / str(step), "damaged")
            remarks.append(f"checkpoint {step} is damaged ({why}); set aside as {aside.name}")
        self._manager.reload()
        return found.state, found.notes, remarks

    def close(self) -> None:
        """Lets orbax finish."""
        self._manager.close()


def _hush() -> None:
    logging.getLogger("absl").setLevel(logging.ERROR)  # orbax narrates every save and every opening


def _set_aside(path: Path, why: str) -> Path:
    try:
        return path.rename(path.with_name(f"{path.name}.{why}-{time.time_ns()}"))
    except OSError as error:
        raise RunError(f"cannot rename the {why} checkpoint {path}: {error.strerror}") from None


def to_arrays(state: Any) -> dict[str, np.ndarray]:
    """A pytree as NumPy arrays by name, such as "generator.weights.params.project.kernel"; keys as their bits."""
    leaves = jax.tree_util.tree_leaves_with_path(jax.tree.map(_bits, state))
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def from_arrays(template: Any, arrays: dict[str, np.ndarray], *, where: str) -> Any:
    """The inverse of `to_arrays`. Raises RunError where names, shapes or dtypes are not those of the template."""
    paths, structure = jax.tree_util.tree_flatten_with_path(template)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
    if strange := sorted(set(names) ^ set(arrays)):
        raise RunError(f"{where} was made by another model or another version: it differs in {', '.join(strange[:3])}")
    leaves = []
    for name, (_, leaf) in zip(names, paths, strict=True):
        array, wanted = arrays[name], jax.eval_shape(_bits, leaf)
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise RunError(f"{where}: {name} is {array.dtype} {array.shape}, expected {wanted.dtype} {wanted.shape}")
        is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        leaves.append(jax.random.wrap_key_data(jax.numpy.asarray(array)) if is_key else array)
    return jax.tree.unflatten(structure, leaves)


def _bits(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(repr((array.shape, str(array.dtype))).encode() + array.tobytes()).hexdigest()


def _hashes(arrays: dict[str, np.ndarray], notes: Notes) -> dict[str, str]:
    text = json.dumps(notes, sort_keys=True)
    return {name: _sha256(array) for name, array in arrays.items()} | {
        "notes": hashlib.sha256(text.encode()).hexdigest()
    }


def _in_short(error: BaseException) -> str:
    """What a library said, cut to a length that a person reads."""
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return text if len(text) <= 160 else text[:157] + "..."
