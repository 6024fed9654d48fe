"""Nested frozen dataclasses as a schema: types and ranges, texts, flat keys, JSON. Imports nothing of JAX.

A field may hold one of several dataclasses, as its union says: its kind then has a name, the class's in small letters
or what it says that it is `called`, which is a flat key of its own ("model": "dcgan"), and "name" in JSON.
"""

import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from gan_jax.config.ranges import Numbers, Pixels, Range, Some
from gan_jax.errors import ConfigError

T = TypeVar("T")


def kinds(annotation: Any) -> dict[str, type]:
    """The dataclasses that a field may hold, by name; {} if it holds a value."""
    found: tuple[Any, ...] = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    return {_name(kind): kind for kind in found if isinstance(kind, type) and dataclasses.is_dataclass(kind)}


def name_of(group: Any) -> str:
    """The name of a group's kind."""
    return _name(type(group))


def _name(kind: Any) -> str:
    return getattr(kind, "called", kind.__name__.lower())


def wrong_values(value: Any, prefix: str = "") -> list[str]:
    """A line for each field of a dataclass, however deep, whose type or range is not what its annotation says."""
    hints = _hints(type(value))
    found = []
    for f in dataclasses.fields(value):
        key, given, expected = f"{prefix}{f.name}", getattr(value, f.name), hints[f.name]
        if groups := kinds(expected):
            if type(given) in groups.values():  # of a subclass, JSON could not say which
                found += wrong_values(given, f"{key}.")
            else:
                found.append(f"{key}: {_complain_of_group(groups, given)}")
        elif not _alternatives(expected).hold(given):
            found.append(f"{key}: {_alternatives(expected).complain(given)}")
        elif given is not None and (complaint := _range(expected, given)):
            found.append(f"{key}: {complaint}")
    return found


def _complain_of_group(groups: dict[str, type], given: Any) -> str:
    if len(groups) == 1:
        (kind,) = groups.values()
        return f"expected a {kind.__name__}, got {given!r}"
    return _Alternatives(tuple(groups), ()).complain(given)


def _range(annotation: Any, value: Any) -> str | None:
    """What a value's range has against it."""
    extras = getattr(annotation, "__metadata__", ())
    ranges = (extra for extra in extras if isinstance(extra, Range | Pixels | Numbers | Some))
    return next((complaint for r in ranges if (complaint := r.complain(value))), None)


def wrong_text(value: Any, key: str, text: str) -> str | None:
    """What is wrong with a text typed for a key such as "data.size" of `value`; None if it is right, or no such key."""
    *groups, leaf = key.split(".")
    for part in groups:
        value = getattr(value, part, None)
    hints = _hints(type(value)) if dataclasses.is_dataclass(value) else {}
    if leaf not in hints:
        return None
    kind = hints[leaf]
    if choices := kinds(kind):
        right = len(choices) == 1 or text in choices
        return None if right else f"{key}: {_complain_of_group(choices, text)}"
    if kind is bool:
        flag = leaf.replace("_", "-")
        yes, no = ".".join([*groups, flag]), ".".join([*groups, f"no-{flag}"])
        return f"{key}: takes no value, got {text!r}; write --{yes} or --{no}"
    if _alternatives(kind).read(text):
        return None
    return f"{key}: {_alternatives(kind).complain(text)}"


def _read_hints(kind: Any) -> Mapping[str, Any]:
    """The annotations of a dataclass's fields; what its class alone has is no setting."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


_hints: Callable[[Any], Mapping[str, Any]] = cache(_read_hints)


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """A dataclass as `{"data.size": 64, ...}`."""
    hints = _hints(type(value))
    flat: dict[str, Any] = {}
    for f in dataclasses.fields(value):
        key, inner = prefix + f.name, getattr(value, f.name)
        if not dataclasses.is_dataclass(inner):
            flat[key] = inner
            continue
        flat |= {key: name_of(inner)} if len(kinds(hints[f.name])) > 1 else {}
        flat |= flatten(inner, f"{key}.")
    return flat


def with_values(value: T, changes: dict[str, Any]) -> T:
    """The dataclass with some keys, such as "every.log", set anew; a group of another kind begins with its defaults."""
    hints = _hints(type(value))
    for key, new in changes.items():
        group, _, rest = key.partition(".")
        if rest:
            new = with_values(getattr(value, group), {rest: new})
        elif kind := kinds(hints[group]).get(new if isinstance(new, str) else ""):
            new = kind()
        value = dataclasses.replace(value, **{group: new})  # type: ignore[type-var]
    return value


def to_json(value: Any) -> str:
    """A dataclass as indented JSON, every key spelled out."""
    return json.dumps(_to_dict(value), indent=2) + "\n"


def _to_dict(value: Any) -> dict[str, Any]:
    hints = _hints(type(value))
    spelled: dict[str, Any] = {}
    for f in dataclasses.fields(value):
        inner = getattr(value, f.name)
        if dataclasses.is_dataclass(inner):
            named = {"name": name_of(inner)} if len(kinds(hints[f.name])) > 1 else {}
            inner = named | _to_dict(inner)
        spelled[f.name] = inner
    return spelled


def from_json(schema: type[T], text: str, renew: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> T:
    """Reads what `to_json` wrote. Missing keys take their defaults; raises ConfigError on unknown ones.

    `renew` spells what was written long ago by the keys of today.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:  # an integer of 5,000 digits is a ValueError, too
        raise ConfigError(f"not JSON: {error}") from None
    if isinstance(values, dict):
        values = renew(values)
        near = lambda name: difflib.get_close_matches(name, _hints(schema), n=1, cutoff=0.75)
        if len(values) > 1 and not any(map(near, values)):
            raise ConfigError(f"not of gan_jax: none of its keys is known, {', '.join(list(values)[:5])[:80]}")
    return _from_dict(schema, values, "")


def _from_dict(kind: Any, values: Any, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise ConfigError(f"{prefix[:-1] or 'config'}: expected a group of keys, got {_short(values)}")
    hints = _hints(kind)
    read = {}
    for name, value in values.items():
        if name not in hints:
            close = difflib.get_close_matches(name, hints, n=1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else f"; known are {', '.join(hints) or 'none'}"
            raise ConfigError(f"{prefix}{name[:80]}: no such key{hint}")
        groups = kinds(hints[name])
        read[name] = _group_from_dict(groups, value, f"{prefix}{name}.") if groups else value
    return kind(**read)


def _group_from_dict(groups: dict[str, type], values: Any, prefix: str) -> Any:
    if len(groups) == 1 or not isinstance(values, dict):
        return _from_dict(next(iter(groups.values())), values, prefix)
    name = values.get("name")
    if not isinstance(name, str) or name not in groups:
        raise ConfigError(f"{prefix}name: {_complain_of_group(groups, name)}")
    own = _hints(groups[name])
    # Of days when a group had the keys of all of its kinds: what another one has, at its default, asks for nothing.
    fields = [f for kind in groups.values() for f in dataclasses.fields(kind) if f.name not in own]
    idle = lambda key, value: any(f.name == key and f.default == value for f in fields)
    mine = {key: value for key, value in values.items() if key != "name" and not idle(key, value)}
    return _from_dict(groups[name], mine, prefix)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


@dataclasses.dataclass(frozen=True)
class _Alternatives:
    """What an annotation allows: some values, and all values of some types."""

    values: tuple[Any, ...]
    types: tuple[type, ...]

    def hold(self, given: Any) -> bool:
        """Whether a value is one of them."""
        numbers = (int, float) if float in self.types and not isinstance(given, bool) else ()
        kind = Path if isinstance(given, Path) else type(given)  # whose own type is the system's
        return any(given == v and type(given) is type(v) for v in self.values) or kind in (*self.types, *numbers)

    def read(self, text: str) -> bool:
        """Whether a text, as somebody typed it, can be read as one of them."""
        return text in map(str, self.values) or any(_reads_as(text, kind) for kind in self.types)

    def complain(self, given: Any) -> str:
        """What was expected, what was given, and what it may have meant."""
        names = [str(value) for value in self.values]
        words = (["one of " + ", ".join(names)] if names else []) + [_WORDS[kind] for kind in self.types]
        known = _ELSEWHERE.get(str(given).lower())
        close = [known] if known in names else difflib.get_close_matches(str(given), names, n=1)
        return f"expected {' or '.join(words)}, got {_short(given)}" + (f"; did you mean {close[0]}?" if close else "")


_ELSEWHERE = dict.fromkeys(("nsgan", "ns", "bce", "vanilla", "logistic"), "non_saturating")
_ELSEWHERE |= {"lsgan": "least_squares", "mse": "least_squares", "wgan": "wasserstein", "wgan-gp": "wasserstein"}
_ELSEWHERE |= {"rpgan": "relativistic", "rgan": "relativistic", "ragan": "relativistic_average"}
_ELSEWHERE |= {"bf16": "bfloat16", "fp32": "float32"}
"""What papers and other programs call a value."""


def _alternatives(annotation: Any) -> _Alternatives:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin is Literal:
        return _Alternatives(typing.get_args(annotation), ())
    if isinstance(annotation, types.UnionType) or origin is typing.Union:
        parts = [_alternatives(part) for part in typing.get_args(annotation)]
        return _Alternatives(sum((p.values for p in parts), ()), sum((p.types for p in parts), ()))
    return _Alternatives((), (origin or annotation,))


_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    Path: "a path",
    tuple: "several",
    type(None): "None",
}


def _reads_as(text: str, kind: type) -> bool:
    if kind is type(None):
        return text == "None"
    if kind is bool:
        return text in ("True", "False")
    try:
        return kind(text) is not None
    except ValueError:
        return False
