"""What --help prints: texts as wide as the terminal, of a command, of its groups and of its options."""

import contextlib
import dataclasses
import io
from dataclasses import dataclass
from itertools import pairwise

import pytest

from gan_jax import cli
from gan_jax.commands.reading import read

COMMANDS = [name for name in cli.COMMANDS if name not in ("configs", "completion")]
OTHER_GROUPS = ["train --model gat", "train --task few_labels", "train text_wgan_gp"]


@dataclass(frozen=True)
class Group:
    """Told by its class, up to
    2026.
    """

    size: int = 1
    """Begins with
    --this, and has

    two
    paragraphs."""


@dataclass(frozen=True)
class Base:
    """Not shown."""

    inherited: int = 1
    """Of the
    base."""
    anew: int = 1
    """Not shown."""


@dataclass(frozen=True)
class Schema(Base):
    """Of the
    -- command.

    With
    more.
    """

    anew: int = 2
    """Of the
    (heir)."""
    group: Group = dataclasses.field(default_factory=Group)
    other: Group = dataclasses.field(default_factory=Group)
    """Told by its
    - field."""


def help_of(monkeypatch, act, *arguments):
    monkeypatch.setenv("COLUMNS", "80")
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")  # of another name, as pytest's has, there are no boxes
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as left:
        act(*arguments)
    assert left.value.code == 0
    printed.seek(0)
    return printed.read()


def lines_of_texts(printed):
    """What is of a text in each line of the boxes: nothing where an option is named, "" between two texts' lines."""
    column = next(at for line in printed.splitlines() if (at := line[2:].find("show this help")) >= 0)
    for box in printed.split("╭")[1:]:
        about, _, options = box.rpartition("│ ──")
        yield from [line[2:-2].rstrip() for line in about.splitlines()[1:]]
        for line in [line[2:-2].rstrip() for line in options.splitlines()[1:]]:
            if not line or line[:column].strip():
                yield ""
            if line[column - 2 : column] == "  ":
                yield " " * column + line[column:]
        yield ""


def wrapped_early(printed):
    """The lines of texts that end although there was room for the next word."""
    own, _, boxes = printed.partition("╭")
    early = lambda lines, width: [a for a, b in pairwise(lines) if a and b and len(f"{a} {b.split()[0]}") <= width]
    return early(own.splitlines(), 80) + early([*lines_of_texts(f"╭{boxes}")], 76)


@pytest.mark.parametrize("command", [*COMMANDS, *OTHER_GROUPS])
def test_lines_of_help_are_as_long_as_the_terminal_lets_them(monkeypatch, command):
    printed = help_of(monkeypatch, cli.main, [*command.split(), "--help"])
    assert "╭" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert wrapped_early(printed) == []


def test_help_keeps_words_and_paragraphs_of_a_command_of_groups_and_of_options(monkeypatch):
    printed = help_of(monkeypatch, read, Schema, ["--help"], "gan-jax schema", Schema(inherited=7))
    assert "\n\nOf the -- command.\n\nWith more.\n\n" in printed
    texts = [line.strip() for line in lines_of_texts(printed)]
    said = [
        "Of the base. (default: 7)",
        "Of the (heir). (default: 2)",
        "Told by its class, up to 2026.",
        "Told by its - field.",
    ]
    assert [text for text in texts if text in said] == said
    first = texts.index("Begins with --this, and has")
    assert texts[first : first + 3] == ["Begins with --this, and has", "", "two paragraphs. (default: 1)"]
