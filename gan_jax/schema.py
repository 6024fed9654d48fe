"""Nested frozen dataclasses as a schema: types checked, texts judged, flat keys, JSON. Imports nothing of JAX."""

import dataclasses
import difflib
import json
import types
import typing
from pathlib import Path
from typing import Any, Literal, TypeVar

from gan_jax.errors import ConfigError

T = TypeVar("T")


def wrong_types(value: Any, prefix: str = "") -> list[str]:
    """A line for each field of a dataclass, however deep, that does not hold what its annotation says."""
    hints = typing.get_type_hints(type(value))
    found = []
    for f in dataclasses.fields(value):
        key, given, expected = f"{prefix}{f.name}", getattr(value, f.name), hints[f.name]
        if dataclasses.is_dataclass(expected):
            if isinstance(given, expected):  # type: ignore[arg-type]
                found += wrong_types(given, f"{key}.")
            else:
                found.append(f"{key}: expected a {expected.__name__}, got {given!r}")  # type: ignore[union-attr]
        elif not _alternatives(expected).hold(given):
            found.append(f"{key}: {_alternatives(expected).complain(given)}")
    return found


def wrong_text(schema: type, key: str, text: str) -> str | None:
    """What is wrong with what somebody typed for a key such as "data.size"; None if it is right, or no such key."""
    kind: Any = schema
    for part in key.split("."):
        hints = typing.get_type_hints(kind) if dataclasses.is_dataclass(kind) else {}
        if part not in hints:
            return None
        kind = hints[part]
    if dataclasses.is_dataclass(kind) or _alternatives(kind).read(text):
        return None
    if kind is bool:
        *group, leaf = key.replace("_", "-").split(".")
        yes, no = ".".join([*group, leaf]), ".".join([*group, f"no-{leaf}"])
        return f"{key}: takes no value, got {text!r}; write --{yes} or --{no}"
    return f"{key}: {_alternatives(kind).complain(text)}"


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """A dataclass as `{"data.size": 64, ...}`."""
    flat: dict[str, Any] = {}
    for f in dataclasses.fields(value):
        inner = getattr(value, f.name)
        flat |= flatten(inner, f"{prefix}{f.name}.") if dataclasses.is_dataclass(inner) else {prefix + f.name: inner}
    return flat


def with_values(value: T, changes: dict[str, Any]) -> T:
    """The dataclass with some keys, such as "every.log", set anew."""
    for key, new in changes.items():
        group, _, leaf = key.rpartition(".")
        inner = with_values(getattr(value, group), {leaf: new}) if group else new
        value = dataclasses.replace(value, **{group or leaf: inner})  # type: ignore[type-var]
    return value


def to_json(value: Any) -> str:
    """A dataclass as indented JSON, every key spelled out."""
    return json.dumps(dataclasses.asdict(value), indent=2) + "\n"


def from_json(schema: type[T], text: str) -> T:
    """Reads what `to_json` wrote. Missing keys take their defaults; raises ConfigError on unknown ones."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"not JSON: {error}") from None
    return _from_dict(schema, values, "")


def _from_dict(kind: Any, values: Any, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise ConfigError(f"{prefix[:-1] or 'config'}: expected a group of keys, got {values!r}")
    hints = typing.get_type_hints(kind)
    for name in values:
        if name not in hints:
            close = difflib.get_close_matches(name, hints, n=1)
            hint = f"; did you mean {prefix}{close[0]}?" if close else f"; known are {', '.join(hints)}"
            raise ConfigError(f"{prefix}{name}: no such key{hint}")
    read = {
        name: _from_dict(hints[name], value, f"{prefix}{name}.") if dataclasses.is_dataclass(hints[name]) else value
        for name, value in values.items()
    }
    return kind(**read)


@dataclasses.dataclass(frozen=True)
class _Alternatives:
    """What an annotation allows: some values, and all values of some types."""

    values: tuple[Any, ...]
    types: tuple[type, ...]

    def hold(self, given: Any) -> bool:
        """Whether a value is one of them."""
        numbers = (int, float) if float in self.types and not isinstance(given, bool) else ()
        return any(given == v and type(given) is type(v) for v in self.values) or type(given) in (*self.types, *numbers)

    def read(self, text: str) -> bool:
        """Whether a text, as somebody typed it, can be read as one of them."""
        return text in map(str, self.values) or any(_reads_as(text, kind) for kind in self.types)

    def complain(self, given: Any) -> str:
        """What was expected, what was given, and what it may have meant."""
        names = [str(value) for value in self.values]
        words = (["one of " + ", ".join(names)] if names else []) + [_WORDS[kind] for kind in self.types]
        close = difflib.get_close_matches(str(given), names, n=1)
        return f"expected {' or '.join(words)}, got {given!r}" + (f"; did you mean {close[0]}?" if close else "")


def _alternatives(annotation: Any) -> _Alternatives:
    if typing.get_origin(annotation) is Literal:
        return _Alternatives(typing.get_args(annotation), ())
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        parts = [_alternatives(part) for part in typing.get_args(annotation)]
        return _Alternatives(sum((p.values for p in parts), ()), sum((p.types for p in parts), ()))
    return _Alternatives((), (annotation,))


_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    Path: "a path",
    type(None): "nothing",
}


def _reads_as(text: str, kind: type) -> bool:
    if kind is type(None):
        return text == "None"
    try:
        return kind is not bool and kind(text) is not None
    except ValueError:
        return False
