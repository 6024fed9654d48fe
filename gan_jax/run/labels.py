"""Classes that somebody asks for: read, and laid out in rows."""

from collections.abc import Sequence
from difflib import get_close_matches

from gan_jax.errors import ConfigError


def read_labels(text: str, classes: Sequence[str]) -> list[int]:
    """Class numbers from a text: "0-9", "3,1,4" or class names. Raises ConfigError."""
    if not classes:
        raise ConfigError(
            "labels: this run is unconditional; train one with --conditional, or --data.clusters, to choose labels"
        )
    known = {name: number for number, name in enumerate(classes)}
    known |= {str(number): number for number in range(len(classes)) if str(number) not in known}
    numbers: list[int] = []
    for part in (part.strip() for part in text.split(",")):
        low, dash, high = part.partition("-")
        if part in known:
            numbers.append(known[part])
        elif dash and low in known and high in known and known[low] <= known[high]:
            numbers += range(known[low], known[high] + 1)
        else:
            meant = "".join(f"; did you mean {name}?" for name in get_close_matches(part, classes, n=1))
            raise ConfigError(
                f"labels: no class {part!r}{meant}; expected names of {_few(classes)}, parted by commas"
                f"{_or_numbers(classes)}"
            )
    return numbers


def _or_numbers(classes: Sequence[str]) -> str:
    """How classes are told by number; nothing of those whose names are other numbers."""
    last = len(classes) - 1
    if list(classes) == [str(number) for number in range(len(classes))]:
        return f", such as 0-{last} or {last},0"
    if any(name.isdigit() for name in classes):
        return ""
    return f", or numbers, such as 0-{last} or {last},0 ({classes[0]} is 0)"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f", and {len(names) - 10} more" if len(names) > 10 else "")


def row_of_labels(labels: int) -> int:
    """Pictures in a row of whole rounds of the labels, about ten; 0 where there are none, or too many."""
    cycle = labels * max(1, 10 // labels) if labels else 0
    return cycle if cycle <= 16 else 0
