"""Options as they are typed: what is wrong with one is said before tyro does, shorter, with the nearest right one."""

import difflib
import re
import typing
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from gan_jax.config.data import Kind
from gan_jax.config.recipes import expand
from gan_jax.config.schema import flatten, kinds, wrong_text
from gan_jax.data.listing import SUFFIXES
from gan_jax.errors import ConfigError
from gan_jax.storage import is_remote


def check_options(arguments: list[str], options: Sequence[str], values: object) -> None:
    """Raises ConfigError for the first argument that is none of the options, or has a value that its field cannot be.

    `options` are keys of `values`, of which the types and ranges are known.
    """
    for flag, follower in pairwise([*arguments, "--"]):
        if not flag.startswith("--") or flag in ("--", "--help"):
            continue
        name, inline, value = flag.removeprefix("--").partition("=")
        key, text = name.replace("-", "_"), value if inline else follower
        members = [f"--{option.replace('_', '-')}" for option in options if option.startswith(f"{key}.")]
        if members and key not in options:
            raise ConfigError(f"{key} is a group of settings: {', '.join(members)}")
        if without_no(key) not in options:
            off = [f"no_{option}" for option in options if isinstance(getattr(values, option, None), bool)]
            hint = _of_other_kinds(key, values) or _nearest_option(key, off if key.startswith("no_") else options)
            raise ConfigError(f"no option --{name}{hint} (--help lists all)")
        if key in ("run", "out", "mask", "through") and not text:  # a Path would make the current folder of it
            raise ConfigError(f"{key}: expected a path, got an empty text")
        if (inline or not text.startswith("--")) and (wrong := wrong_text(values, key, text)):
            raise ConfigError(wrong)


def without_no(key: str) -> str:
    """The key that a flag such as --data.no-download turns off."""
    return re.sub(r"(^|\.)no_(?=\w+$)", r"\1", key)


def _of_other_kinds(key: str, values: object) -> str:
    """What else a group would have to be for a key."""
    group, _, leaf = key.partition(".")
    others = kinds(typing.get_type_hints(type(values)).get(group))
    having = [f"--{group} {name}" for name, kind in others.items() if leaf in flatten(kind())]
    return f"; it goes with {' or '.join(having)}" if having else ""


def _nearest_option(key: str, options: Sequence[str]) -> str:
    """The likeliest option: spelled alike, or of which the key is the last part, or its initials ("lr")."""
    typed = key.split(".")[-1]
    last = {option: option.split(".")[-1] for option in options}
    initials = {option: "".join(word[0] for word in part.split("_")) for option, part in last.items()}
    other = _ELSEWHERE.get(typed)
    alike = lambda option: typed in (last[option], initials[option]) or last[option].endswith(f"_{typed}")
    close = [option for option in options if alike(option) or last[option] == other]
    group, dot, _ = key.partition(".")
    if dot:  # generator.width: what else the group has, and what is of it in another, as model.generator_width
        close = [option for option in close if option.startswith(f"{group}.") or f"{group}_" in option] or close
    close = difflib.get_close_matches(key, close, n=3, cutoff=0.0)
    close.sort(key=lambda option: not option.startswith("model."))  # of networks, before an optimizer's
    close = close or _misspelt(typed, options, f"{group}." if dot else "")
    close = close or difflib.get_close_matches(key, options, n=1)
    return "; did you mean " + " or ".join(f"--{option.replace('_', '-')}" for option in close) + "?" if close else ""


def _misspelt(typed: str, options: Sequence[str], group: str) -> list[str]:
    """The options of a group that end in what is spelled almost so: of `wdth`, `model.generator_width` is one."""
    endings: dict[str, list[str]] = {}
    for option in options:
        words = option.split(".")[-1].split("_")
        for i in range(len(words) if option.startswith(group) else 0):
            endings.setdefault("_".join(words[i:]), []).append(option)
    close = next(iter(difflib.get_close_matches(typed, endings, n=1, cutoff=0.8)), "")
    exact = group + close
    return [exact] if exact in options else endings.get(close, [])[:3]


_ELSEWHERE = {"count": "samples", "samples": "count", "out": "run", "run": "out"}
_ELSEWHERE |= {"tensorboard": "track", "wandb": "track"}
"""What another command calls it, or another program."""


def read_steps(text: str) -> range:
    """The steps from the first to the second, not included. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,9}):(\d{1,9})", text)
    if not found or int(found[1]) >= int(found[2]):
        raise ConfigError(f"profile: expected two steps, such as 100:110, the second above the first, got {text!r}")
    return range(int(found[1]), int(found[2]))


_OUT = {
    "pictures": {".png": "a grid", ".npz": "arrays", "": "a folder"},
    "text": {".txt": "a line for each"},
    "clips": {".gif": "a grid that moves", ".mp4": "the same", ".png": "film strips", ".npz": "arrays"},
}
"""How what `gan-jax sample --out` names may end, by the kind of data."""


ENDINGS = {
    "walk": {".gif": "", ".mp4": "", ".png": ""},
    "sheet": {".png": ""},
    "applied": {".png": "of one picture", ".gif": "of one that moves", ".mp4": "of one that moves", "": "a folder"},
    "named": {".tsv": "a table"},
    "found": {".png": "the .npz lies beside it"},
    "latents": {".npz": "one file", "images.npy": "a file for each array"},
}
"""The same of what other commands write, as `check_ending` takes it."""


def check_out(out: Path | None, kind: Kind | None) -> None:
    """Raises ConfigError for a file of another kind than what is drawn; where that is not known, than all may be."""
    known = _OUT[kind] if kind else {suffix: "" for endings in _OUT.values() for suffix in endings}
    check_ending(out, known)
    if out is None or out.suffix or is_remote(folder := expand(out)) or not folder.is_dir():
        return
    if others := {path.name for path in folder.iterdir()} - drawn_in(folder):
        raise ConfigError(f"out: {out} holds {min(others)!r}, too; name a new folder, or one of drawn images alone")


def drawn_in(folder: Path) -> set[str]:
    """The names of images that `gan-jax sample` has drawn into a folder; none of a bucket, which is not asked."""
    if is_remote(folder) or not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if _DRAWN.fullmatch(path.name) and not path.is_dir()}


_DRAWN = re.compile(r"\d{6,}(_label\d+)?\.png")
"""The names of a folder's images."""


def names_a_file(out: Path) -> bool:
    """Whether what `gan-jax apply --out` names is a picture, which may move, and no folder."""
    return out.suffix.lower() in {".mp4", *SUFFIXES}


def check_applied(out: Path | None) -> None:
    """The same of what `gan-jax apply --out` names: a file that it writes, or a folder, of any other name."""
    if out is None:
        return
    if names_a_file(out) or out.name in ENDINGS["applied"]:
        check_ending(out, ENDINGS["applied"])
    else:
        _check_way(out, expand(out))


def check_ending(out: Path | None, endings: Mapping[str, str]) -> None:
    """Raises ConfigError for a file that ends in none of them: suffixes, or whole names, and what each of them is.

    And for an .mp4 where nothing can write it.
    """
    if out is None:
        return
    if out.name.startswith(".") and out.name in endings:
        raise ConfigError(
            f"out: {out} is an ending without a name; name a file, such as {out.with_name('x' + out.name)}"
        )
    if not {out.suffix, out.name} & endings.keys():
        ends = " or ".join(f"{end or 'nothing'}{f' ({what})' if what else ''}" for end, what in endings.items())
        raise ConfigError(f"out: {out} should end in {ends}")
    place = expand(out)
    _check_way(out, place.parent if out.suffix else place)
    if out.suffix == ".mp4" and find_spec("av") is None:
        raise ConfigError(f"out: {out} needs PyAV, which writes it; pip install 'gan-jax[video]', or name a .gif")


def _check_way(out: Path, place: Path) -> None:
    """Raises ConfigError where a file stands in the way of a folder that is to be."""
    if is_remote(place):
        return
    if file := next((path for path in (place, *place.parents) if path.exists() and not path.is_dir()), None):
        lies = "" if file == expand(out) else f"would lie in {file}, which "
        raise ConfigError(f"out: {out} {lies}is a file; name another place")
