"""Checkpoints with one commit point, checked bit by bit: orbax writes them, SHA-256 vouches for them."""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from gan_jax.errors import RunError

Notes = dict[str, Any]

COMMITTED = "commit_success.txt"  # orbax writes it last, and renames the folder into place


class Checkpoints:
    """The checkpoints of one run. Every save is finished, and on disk, when the call returns."""

    def __init__(self, folder: Path, *, keep: int = 2) -> None:
        self._folder = folder
        self._trash = folder / ".trash"
        logging.getLogger("absl").setLevel(logging.ERROR)  # orbax narrates every save
        self._set_aside_uncommitted()
        try:
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
        """The steps of all committed checkpoints, oldest first, as the disk has them now."""
        found = (p for p in self._folder.iterdir() if p.name.isdigit() and (p / COMMITTED).exists())
        return sorted(int(p.name) for p in found)

    def save(self, step: int, state: Any, notes: Notes) -> None:
        """Saves a pytree of arrays, and notes that JSON can hold. Raises RunError; older checkpoints stay."""
        if step in self.steps():
            return
        arrays = to_arrays(state)
        notes = notes | {"sha256": {name: _sha256(array) for name, array in arrays.items()}}
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
                f"{_first_line(error)}; {good}. Free some space and start the same command again"
            ) from None
        shutil.rmtree(self._trash, ignore_errors=True)

    def restore(self, template: Callable[[Notes], Any]) -> tuple[Any, Notes, list[str]] | None:
        """The newest good checkpoint: state, notes, and a line for each bad one passed.

        `template` says, from the notes, which pytree the arrays belong in; of its leaves only shapes and dtypes
        matter.

        A bad one is set aside under another name, never deleted. None if there is no checkpoint at all. Raises
        RunError if there are only bad ones, or if the state of a good one has another structure.
        """
        passed: list[str] = []
        for step in reversed(self.steps()):
            try:
                arrays, notes = self._read(step)
            except Exception as error:  # whatever a damaged file makes tensorstore raise
                aside = self._set_aside(step)
                passed.append(f"checkpoint {step} is damaged ({_first_line(error)}); set aside as {aside.name}")
                continue
            return from_arrays(template(notes), arrays, where=f"{self._folder}/{step}"), notes, passed
        if passed:
            raise RunError(
                f"no good checkpoint is left in {self._folder}: {'; '.join(passed)}. Nothing was deleted; to begin "
                "anew choose another folder with --run"
            )
        return None

    def _read(self, step: int) -> tuple[dict[str, np.ndarray], Notes]:
        folder = self._folder / str(step)
        with ocp.CheckpointManager(folder.parent, options=ocp.CheckpointManagerOptions(read_only=True)) as manager:
            item = manager.restore(
                step, args=ocp.args.Composite(state=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore())
            )
        arrays = {name: np.asarray(array) for name, array in item.state.items()}
        expected = item.notes["sha256"]
        wrong = sorted(n for n in expected if n not in arrays or _sha256(arrays[n]) != expected[n])
        if wrong:
            raise ValueError(
                f"{len(wrong)} of {len(expected)} arrays have other bits than were saved, first {wrong[0]}"
            )
        return arrays, item.notes

    def _set_aside(self, step: int) -> Path:
        aside = self._rename(self._folder / str(step))
        self._manager.reload()
        return aside

    def _set_aside_uncommitted(self) -> None:
        # Orbax takes any folder with a number for a checkpoint, and would then decline to save one of that number.
        for path in self._folder.glob("[0-9]*"):
            if path.name.isdigit() and not (path / COMMITTED).exists():
                self._rename(path)

    def _rename(self, path: Path) -> Path:
        return path.rename(path.with_name(f"{path.name}.damaged-{time.time_ns()}"))

    def close(self) -> None:
        """Lets orbax finish."""
        self._manager.close()


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


def _first_line(error: BaseException) -> str:
    """What a library said, cut to a length that a person reads."""
    text = (str(error) or type(error).__name__).strip().splitlines()[0]
    return text if len(text) <= 160 else text[:157] + "..."
