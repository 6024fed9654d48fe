"""How commands read their options: by tyro, with help that is as wide as the terminal."""

import dataclasses
import re
import shutil
import textwrap
from functools import partial
from typing import TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructFieldSpec, StructTypeInfo

from gan_jax.config.schema import kinds

Options = TypeVar("Options")


def read(schema: type[Options], arguments: list[str], prog: str, default: Options | None = None) -> Options:
    """The options as they were typed, and the others as in `default`, or as the schema has them.

    A group that could be of several kinds has the options of the one that it is. Where tyro shows help, or complains,
    it raises SystemExit.
    """
    return tyro.cli(
        schema,
        args=arguments,
        default=tyro.MISSING_NONPROP if default is None else default,
        prog=prog,
        description=_wrapped(schema.__doc__ or ""),
        registry=_registry,
    )


_registry = ConstructorRegistry()
_ASKED = object()
"""Marks what is asked of tyro's own rules."""


@_registry.struct_rule
def _flowing(info: StructTypeInfo) -> StructConstructorSpec | None:
    """What tyro makes of a dataclass, but for the breaks of docstrings' lines: by itself it keeps many of them."""
    if not dataclasses.is_dataclass(info.type) or _ASKED in info.markers:
        return None
    spec = ConstructorRegistry.get_struct_spec(dataclasses.replace(info, markers=(*info.markers, _ASKED)))
    if not isinstance(spec, StructConstructorSpec):
        return None
    return dataclasses.replace(spec, fields=tuple(_as_shown(field) for field in spec.fields))


def _as_shown(field: StructFieldSpec) -> StructFieldSpec:
    # tyro.conf.AvoidSubcommands chooses the kind, too, but passes over the text that is given here.
    held = isinstance(field.default, (*kinds(field.type).values(),))
    return dataclasses.replace(field, type=type(field.default) if held else field.type, helptext=partial(_help, field))


def _help(field: StructFieldSpec) -> str | None:
    """What is said below a field, or, where nothing is and it holds a group, of the group."""
    text = field.helptext() if callable(field.helptext) else field.helptext
    if text is None and dataclasses.is_dataclass(field.default):
        text = type(field.default).__doc__
    return text and _in_paragraphs(text)


def _in_paragraphs(text: str) -> str:
    """A line for each paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip()))


def _wrapped(text: str) -> str:
    # tyro leaves a description's lines to the terminal, which breaks words, and joins those that begin with a letter.
    width = shutil.get_terminal_size().columns
    lines = _in_paragraphs(text).splitlines()
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
