"""Which class each file is of: by a `dataset.json` beside the files, or by the folder that it lies in."""

import json
from typing import Any

import numpy as np

from gan_jax.data.listing import Files, parts
from gan_jax.errors import DataError
from gan_jax.screen import tell

FILE = "dataset.json"
"""What NVIDIA's tools for StyleGAN2-ADA and its successors keep labels in, beside pictures or latents."""

MOST = 1_000_000
"""Classes: a label beyond them is a mistake."""

Classes = tuple[np.ndarray | None, tuple[str, ...]]
"""Labels int32 `[N]` and the names of the classes; None and nothing where there are none."""


def top(names: list[str]) -> str:
    """The folders around all of these files, "" or such as "all/mine/": as zips often have them."""
    if not names:
        return ""
    # What the first and the last of all names share, all between them share.
    first, last = (parts(name)[:-1] for name in (min(names), max(names)))
    depth = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return "".join(f"{folder}/" for folder in first[:depth])


def of_files(shown: str, found: Files, files: Files) -> Classes:
    """Those of `files`, some of all that was found: by the `dataset.json` beside them, or else by their folders.

    Raises DataError.
    """
    around = top(files.names)
    for i, name in enumerate(found.names):
        folder, _, last = name.rpartition("/")
        beside = f"{folder}/" if folder else ""
        if last == FILE and around.startswith(beside):
            try:
                content = found.read(i)
            except Exception as error:
                raise DataError(f"{shown}: its {FILE} cannot be read: {error}") from None
            return by_file(shown, content, [name[len(beside) :] for name in files.names])
    return by_folder(shown, files.names)


def by_folder(shown: str, names: list[str]) -> Classes:
    """Classes are the top sub-folders, sorted, if every file lies in one; what is around all does not count."""
    around = len(parts(top(names)))
    folders = [below[0] if (below := parts(name)[around:-1]) else None for name in names]
    loose = [name for name, folder in zip(names, folders, strict=True) if folder is None]
    if loose:
        if len(loose) < len(names):
            tell(
                f"{shown}: its sub-folders are no classes, for {len(loose):,} of {len(names):,} files lie beside "
                f"them, such as {loose[0]}"
            )
        return None, ()
    classes = tuple(sorted({folder for folder in folders if folder is not None}))
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number[folder] for folder in folders if folder is not None], np.int32), classes


def by_file(shown: str, content: bytes, names: list[str]) -> Classes:
    """Classes as `{"labels": [["00000/img00000000.png", 6], ...]}` numbers them; `{"labels": null}` says: none.

    `names` are paths from where the file lies. Raises DataError where it says anything else, or leaves a picture out.
    """
    where = f"{shown}: its {FILE}"
    try:
        labels = json.loads(content)["labels"]
        known = None if labels is None else dict(labels)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            f'{where} is not as it should be: {{"labels": [["00000/img00000000.png", 6], ...]}}, or null for none; '
            "mend it, or take it away, so that sub-folders are classes"
        ) from None
    if known is None:
        return None, ()
    if (without := next((name for name in names if name not in known), None)) is not None:
        raise DataError(f"{where} has no label for {without}; add it, or take the file away")
    for name in names:
        if not _is_label(known[name]):
            raise DataError(f"{where} says {known[name]!r:.60} of {name}; expected a class, 0 or 1 or 2 and so on")
    found = np.array([known[name] for name in names], np.int32)
    return found, tuple(map(str, range(int(found.max()) + 1)))


def _is_label(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST
