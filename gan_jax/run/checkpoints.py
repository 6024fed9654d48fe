"""Checkpoints with one commit point, checked bit by bit: orbax writes them, SHA-256 vouches for them.

They are written while the run goes on. Of several hosts each writes its share of the arrays, into one checkpoint.
"""

import contextlib
import errno
import io
import logging
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from gan_jax.errors import RunError
from gan_jax.run import hosts
from gan_jax.run.files import set_aside
from gan_jax.run.named_arrays import from_arrays, hashes, named, to_arrays
from gan_jax.storage import absolute, is_remote, out_of_reach, place, reached

__all__ = ["Checkpoints", "Notes", "Restored", "committed", "from_arrays", "newest", "to_arrays"]

Notes = dict[str, Any]

COMMITTED = "commit_success.txt"  # orbax writes it last, and then, but in a bucket, renames the folder into place

_SAVED_AS = "saved_as"  # the step, among the notes: a folder may be renamed, or copied


class Restored(NamedTuple):
    """A good checkpoint, and what looks like one beside it and is none."""

    state: Any
    notes: Notes
    bad: dict[str, str]  # a folder's name to what is wrong with it
    step: int


def committed(folder: Path) -> list[int]:
    """The steps of all finished checkpoints, oldest first, as the disk has them now. Raises RunError."""
    return _listed(folder)[0]


def _listed(folder: Path) -> tuple[list[int], dict[str, str]]:
    """The steps of all finished checkpoints, oldest first; what else has a number for a name, and what it lacks."""
    steps, strays = [], {}
    try:
        with reached(folder):
            for path in folder.iterdir():
                if not path.name.isdigit():
                    continue
                if not re.fullmatch("0|[1-9][0-9]{0,17}", path.name):
                    strays[path.name] = "no step is written so"
                elif (path / COMMITTED).is_file():
                    steps.append(int(path.name))
                elif not is_remote(folder):  # in a bucket that is what a kill leaves, and orbax removes
                    strays[path.name] = f"{COMMITTED} is missing"
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise RunError(f"cannot read {folder}: {error.strerror}") from None
    return sorted(steps), strays


def newest(folder: Path | str, template: Callable[[Notes], Any]) -> Restored | None:
    """Reads the newest good checkpoint, and changes nothing on disk: a run may be writing there.

    `template` says, from the notes, which pytree the arrays belong in; of its leaves only shapes and dtypes matter.
    None if there never was a checkpoint. Raises RunError if there are only damaged ones, or if a good one holds
    another structure.
    """
    folder = absolute(place(folder))  # as orbax asks for
    steps, bad = _listed(folder)
    while steps:
        step = steps.pop()
        try:
            arrays, notes = _read(folder, step)
        except MemoryError:
            raise
        except Exception as error:  # whatever a damaged file makes tensorstore raise
            if is_remote(folder) and out_of_reach(error):
                raise RunError(f"cannot read {folder / str(step)}: {_in_short(error)}") from None
            if not (folder / str(step)).exists():
                steps, bad = _listed(folder)  # a run has just replaced it by a newer one
                continue
            if isinstance(error, OSError) and error.errno in _NOT_DAMAGE:
                raise RunError(f"cannot read {folder / str(step)}: {error.strerror}") from None
            bad[str(step)] = _in_short(error)
            continue
        return Restored(from_arrays(template(notes), arrays, where=f"{folder}/{step}"), notes, bad, step)
    aside = sorted(path.name for path in folder.glob("*.damaged-*"))
    if bad or aside:
        told = "; ".join(f"checkpoint {name}: {why}" for name, why in bad.items())
        raise RunError(
            f"no good checkpoint is left in {folder} ({told or f'all were set aside earlier: {aside[-1]}'}). Nothing "
            "was deleted; to begin anew choose another folder with --run"
        )
    return None


_NOT_DAMAGE = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE}


def _restored(folder: Path, step: int, template: Callable[[Notes], Any]) -> Restored:
    """A checkpoint that another host has read, and found to be good. Raises RunError."""
    try:
        arrays, notes = _read(folder, step)
    except Exception as error:
        raise RunError(f"host {jax.process_index()} cannot read {folder}/{step}: {_in_short(error)}") from None
    return Restored(from_arrays(template(notes), arrays, where=f"{folder}/{step}"), notes, {}, step)


def _read(folder: Path, step: int) -> tuple[dict[str, np.ndarray], Notes]:
    """All arrays, whole, whatever devices and hosts wrote them: no other host is asked. Raises whatever orbax does."""
    _hush()
    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(me, {me}, f"read_by_{me}")
    options = ocp.CheckpointManagerOptions(read_only=True, multiprocessing_options=alone)
    # Where one array is damaged, the reads of the others end, a little later, in a closed event loop, each with a
    # traceback of its own; what matters is raised.
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            with ocp.CheckpointManager(folder, options=options) as manager:
                notes = dict(manager.restore(step, args=ocp.args.Composite(notes=ocp.args.JsonRestore())).notes)
                expected = notes.pop("sha256")
                whole = {name: ocp.RestoreArgs(restore_type=np.ndarray) for name in expected if name != "notes"}
                items = ocp.args.Composite(state=ocp.args.PyTreeRestore(restore_args=whole))
                arrays = {name: np.asarray(array) for name, array in manager.restore(step, args=items).state.items()}
        except Exception:
            time.sleep(0.5)
            raise
    found = hashes(arrays, notes)
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise ValueError(f"{len(wrong)} of {len(expected)} items have other bits than were saved, first {wrong[0]}")
    # Before checkpoints noted it, their states alone knew.
    if (told := int(np.max(notes.pop(_SAVED_AS, arrays.get("step", step))))) != step:
        raise ValueError(f"it holds step {told}")
    return arrays, notes


class Checkpoints:
    """Writes the checkpoints of one run, whose lock the caller holds; every host of it calls all of this alike.

    Of those in the folder the `keep` newest stay, two unless told otherwise: a save that is on disk deletes the others.
    A save is on disk once `wait`, the next `save`, or `close` has returned. Raises RunError where the folder cannot be
    written.
    """

    def __init__(self, folder: Path | str, *, keep: int = 2) -> None:
        self._folder = folder = absolute(place(folder))  # as orbax asks for
        self._trash = folder / ".trash"
        self._saving: tuple[int, int] | None = None  # a step, and how many bytes of it
        _hush()
        try:
            # Orbax takes any folder with a number for a checkpoint, and would then decline to save one of that number.
            self._remarks = hosts.by_first(lambda: [_aside(folder / n, why) for n, why in _listed(folder)[1].items()])
            with reached(folder):
                self._manager = ocp.CheckpointManager(
                    folder,
                    options=ocp.CheckpointManagerOptions(
                        max_to_keep=keep,
                        create=True,
                        cleanup_tmp_directories=True,
                        # Deletes by one rename: a kill in the middle of a deletion must not leave half a checkpoint.
                        # In a bucket it may: an older one than the last, which the next save deletes.
                        todelete_subdir=".trash",
                    ),
                )
        except OSError as error:
            raise RunError(f"cannot write {folder}: {error.strerror or error}") from None
        self._empty_trash()

    def steps(self) -> list[int]:
        """The steps of all finished checkpoints, oldest first, once what is being written is."""
        self.wait()
        return committed(self._folder)

    def save(self, step: int, state: Any, notes: Notes) -> None:
        """Begins to save a pytree of arrays, and notes that JSON can hold; the newest `keep` checkpoints stay.

        The arrays are copied first: they may be given up at once. A checkpoint of the same number that holds anything
        else is set aside. Raises RunError, for the save before this one, too.
        """
        self.wait()
        arrays, notes = named(state), notes | {_SAVED_AS: step}
        if not hosts.several():  # of arrays on several devices orbax would compile a part for each, of every shape
            arrays = jax.device_get(arrays)
        if hosts.is_first():
            notes = notes | {"sha256": hashes(arrays, notes)}
        if hosts.by_first(lambda: self._has(step, notes)):
            return
        self._manager.reload()
        self._saving = step, sum(array.nbytes for array in arrays.values())
        try:
            items = ocp.args.Composite(state=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes))
            if not self._manager.save(step, args=items, force=True):
                raise ValueError("orbax declined")
        except Exception as error:
            raise self._failed(error) from None

    def wait(self) -> None:
        """Returns once the last save is on disk. Raises RunError if it failed."""
        if self._saving is None:
            return
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._failed(error) from None
        self._saving = None
        self._empty_trash()

    def restore(self, template: Callable[[Notes], Any]) -> tuple[Any, Notes, list[str]] | None:
        """As `newest`: state, notes, and a line for each damaged checkpoint, which is set aside, never deleted."""
        self.wait()
        own: list[Restored] = []

        def find() -> tuple[int, list[str]] | None:
            if (found := newest(self._folder, template)) is None:
                return None
            own.append(found)
            return found.step, [_aside(self._folder / name, why) for name, why in found.bad.items()]

        if (answer := hosts.by_first(find)) is None:
            return None
        step, remarks = answer
        with hosts.together():  # the others read the one that the first found to be good
            found = own[0] if own else _restored(self._folder, step, template)
        remarks, self._remarks = self._remarks + remarks, []
        self._manager.reload()
        return found.state, found.notes, remarks

    def close(self) -> None:
        """Waits for what is being written. Raises RunError if that failed."""
        try:
            self.wait()
        finally:
            with contextlib.suppress(Exception):  # it would say again what `wait` has said
                self._manager.close()

    def _has(self, step: int, notes: Notes) -> bool:
        """Whether a checkpoint holds the same already; what else has its number is set aside."""
        if step not in committed(self._folder):
            return False
        try:
            arrays, found = _read(self._folder, step)
            same = hashes(arrays, found | {_SAVED_AS: step}) == notes["sha256"]
        except Exception:  # damaged
            same = False
        if not same:
            set_aside(self._folder / str(step), "other")
        return same

    def _failed(self, error: Exception) -> RunError:
        """What to say of a save that failed; tensorstore wraps a full disk in ValueError, orbax in others."""
        assert self._saving is not None
        (step, size), self._saving = self._saving, None
        for leftover in self._folder.glob("*.orbax-checkpoint-tmp*"):
            shutil.rmtree(leftover, ignore_errors=True)
        good = committed(self._folder)
        last = f"the last good one is step {good[-1]}" if good else "there is none before it"
        return RunError(
            f"could not save checkpoint {step} ({size / 1e6:.1f} MB) in {self._folder}, {_free(self._folder)}: "
            f"{_in_short(error)}; {last}. Make room, and start the same command again"
        )

    def _empty_trash(self) -> None:
        if hosts.is_first():
            shutil.rmtree(self._trash, ignore_errors=True)


def _free(folder: Path) -> str:
    if is_remote(folder):
        return "a bucket"
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB free"
    except OSError as error:  # removed while the run trained, as may be
        return error.strerror or "unknown room"


def _hush() -> None:
    logging.getLogger("absl").setLevel(logging.ERROR)  # orbax narrates every save and every opening


def _aside(path: Path, why: str) -> str:
    return f"checkpoint {path.name} is damaged ({why}); set aside as {set_aside(path, 'damaged').name}"


def _in_short(error: BaseException) -> str:
    """What a library said, cut to a length that a person reads."""
    text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return text if len(text) <= 160 else text[:157] + "..."
