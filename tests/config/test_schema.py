import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest

from gan_jax.config.ranges import Weight
from gan_jax.config.schema import flatten, from_json, to_json, with_values, wrong_text, wrong_values
from gan_jax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    kind: Literal["red", "green", 3] = "red"


@dataclasses.dataclass(frozen=True)
class Round:
    radius: Weight = 1.0


@dataclasses.dataclass(frozen=True)
class Square:
    side: Weight = 1.0


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int = 1
    name: str | None = None
    on: bool = False
    maybe: bool | None = None
    where: Annotated[Path | None, "a marker"] = None
    inner: Inner = Inner()
    shape: Round | Square = Round()


def test_flat_keys_and_back():
    assert with_values(Outer(), flatten(Outer(count=4, inner=Inner(0.25)))) == Outer(count=4, inner=Inner(0.25))


def test_a_group_of_another_kind_begins_with_its_defaults():
    assert with_values(Outer(), {"shape": "square"}) == Outer(shape=Square())
    assert flatten(Outer(shape=Square(2.0)))["shape"] == "square"
    assert "shape.radius" not in flatten(Outer(shape=Square(2.0)))


def test_json_and_back():
    value = Outer(count=3, name="x", inner=Inner(rate=2.0, kind=3), shape=Square(2.0))
    assert from_json(Outer, to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Outer(count=1.5), "count: expected a whole number, got 1.5"),
        (Outer(count=True), "count: expected a whole number, got True"),
        (Outer(name=3), "name: expected a text or None, got 3"),
        (Outer(on=1), "on: expected True or False, got 1"),
        (Outer(inner=Inner(rate=True)), "inner.rate: expected a number, got True"),
        (Outer(inner=Inner(kind="gren")), "inner.kind: expected one of red, green, 3, got 'gren'; did you mean green?"),
        (Outer(inner="x"), "inner: expected a Inner, got 'x'"),
        (Outer(shape=Inner()), "shape: expected one of round, square, got Inner"),
        (Outer(shape=Square(side=-1.0)), "shape.side: expected a finite number from 0, got -1.0"),
    ],
)
def test_wrong_types_are_named(value, told):
    (line,) = wrong_values(value)
    assert line.startswith(told)


def test_whole_numbers_are_numbers():
    assert not wrong_values(Outer(inner=Inner(rate=2)))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("count", "7"),
        ("name", "any"),
        ("name", "None"),
        ("inner.kind", "3"),
        ("where", "/x"),
        ("maybe", "True"),
        ("maybe", "None"),
        ("unknown", "?"),
        ("shape", "square"),
    ],
)
def test_right_texts_pass(key, text):
    assert wrong_text(Outer(), key, text) is None


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("count", "many", "count: expected a whole number, got 'many'"),
        ("inner.kind", "rde", "did you mean red?"),
        ("shape", "sqare", "shape: expected one of round, square, got 'sqare'; did you mean square?"),
        ("maybe", "true", "maybe: expected True or False or None, got 'true'"),
        ("on", "True", "on: takes no value, got 'True'; write --on or --no-on"),
        ("on", "yes", "on: takes no value, got 'yes'; write --on or --no-on"),
    ],
)
def test_wrong_texts_are_named(key, text, told):
    assert told in wrong_text(Outer(), key, text)


def test_unknown_keys_in_json_are_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"inner\.rat: no such key; did you mean inner\.rate\?"):
        from_json(Outer, '{"inner": {"rat": 1}}')


@dataclasses.dataclass(frozen=True)
class Hollow:
    side: Weight = 3.0


@dataclasses.dataclass(frozen=True)
class Drawn:
    shape: Round | Square | Hollow = Round()


def test_a_flat_config_may_have_the_defaults_of_any_other_kind():
    """As configs were once written: all keys of all kinds, of which those of one are meant."""
    flat = '{{"shape": {{"name": "round", "radius": 2.0, "side": {}}}}}'
    for default in (1.0, 3.0):
        assert from_json(Drawn, flat.format(default)) == Drawn(Round(2.0))
    with pytest.raises(ConfigError, match=r"shape\.side: no such key"):
        from_json(Drawn, flat.format(2.0))
