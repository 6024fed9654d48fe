"""A text file as pieces of some characters, each a row of numbers: what language models of characters read."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gan_jax.data.dataset import Dataset, places
from gan_jax.errors import DataError, printable
from gan_jax.memory import require_memory
from gan_jax.screen import tell
from gan_jax.storage import is_remote, place, reached
from gan_jax.types import Rows

UNKNOWN = "\ufffd"
"""What stands for a character beyond the alphabet, and for a number that no character has."""


@dataclass(frozen=True)
class Pieces:
    """Runs of `length` numbers of a long row, which begin `stride` apart: a `Source` of uint8 `[N, 1, length, 1]`."""

    numbers: np.ndarray  # uint8 [M]
    length: int
    stride: int = 1

    dtype = np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, 1, length, 1)`: images one pixel high, whose values are numbers of characters."""
        return (len(self), 1, self.length, 1)

    @property
    def nbytes(self) -> int:
        """The row's: pieces that overlap share it."""
        return self.numbers.nbytes

    def __len__(self) -> int:
        return max(0, (len(self.numbers) - self.length) // self.stride + 1)

    def __getitem__(self, rows: Rows, /) -> np.ndarray:
        starts = self.stride * np.array(places(rows, len(self)), np.int64)
        return self.numbers[starts[:, None] + np.arange(self.length)][:, None, :, None]


def load(path: str, *, length: int, symbols: int, test: float) -> Dataset:
    """A UTF-8 text: every run of `length` characters that it has, and of its end, held out, those side by side.

    The alphabet is the `symbols` most frequent characters of the text, the most frequent first, of equals the lower
    code point; if there are more, its last one is `UNKNOWN` and stands for all others. Held out is a share `test`, the
    end of the text: no piece of one part overlaps with one of the other. A line's end is a character, "\\n" whether
    the file has that or "\\r\\n". What the unknown stands for is told. Raises DataError, and where that is more than
    `MOST_LOST` of the text.
    """
    source = place(path).expanduser()
    name, where = printable(source.name), printable(source)
    points = _points(source, where)
    held_out = round(test * len(points))
    if len(points) - held_out < length or held_out < length:
        raise DataError(
            f"{where}: {len(points):,} characters, of which {test:g} are held out, leave no piece of {length} on one "
            "side; give a longer text, or lower --data.size"
        )
    train = len(points) - held_out
    alphabet = alphabet_of(points, symbols)
    numbers = spelled(points, alphabet)
    _tell_of_lost(where, points, alphabet)
    origin = hashlib.sha256(numbers.data).hexdigest()  # of all of it, where a fingerprint has only some pieces
    whole = Dataset(name, Pieces(numbers[:train], length), origin=origin, alphabet=alphabet)
    return replace(whole, test=replace(whole, images=Pieces(numbers[train:], length, stride=length)))


MOST_LOST = 0.1
"""Share of a text's characters for which the unknown may stand: of more, it is another text that is learnt."""

MOST_SYMBOLS = 256
"""Of an alphabet, whose numbers are bytes."""


def _tell_of_lost(where: str, points: np.ndarray, alphabet: str) -> None:
    """Says how many characters an alphabet does not have. Raises DataError for more than `MOST_LOST` of them."""
    distinct, counts = np.unique(points, return_counts=True)
    beyond = ~np.isin(distinct, list(map(ord, alphabet)))
    if not beyond.any():
        return
    share = (lost := counts[beyond].sum()) / len(points)
    said = (
        f"{where}: {beyond.sum():,} of its {len(distinct):,} kinds of characters, {lost:,} characters or {share:.2%}, "
        f"become {UNKNOWN}"
    )
    mend = _mend(counts, len(alphabet))
    if share > MOST_LOST:
        raise DataError(f"{said}; a tenth may be lost; {mend}")
    tell(f"{said}; to lose fewer {mend}")


def _mend(counts: np.ndarray, symbols: int) -> str:
    """What would lose fewer characters than an alphabet of so many symbols does."""
    if len(counts) <= MOST_SYMBOLS:
        return f"add --data.alphabet {len(counts)}"
    fewer = f"give a text of {MOST_SYMBOLS} kinds or fewer"
    if symbols == MOST_SYMBOLS:
        return fewer
    share = np.sort(counts)[::-1][MOST_SYMBOLS - 1 :].sum() / counts.sum()
    most = f"--data.alphabet {MOST_SYMBOLS}"
    return f"add {most}, which loses {share:.2%}" if share <= MOST_LOST else f"{fewer}: {most} would lose {share:.2%}"


def alphabet_of(points: np.ndarray, symbols: int) -> str:
    """The characters that are told apart in a text, given as code points: `load` says which."""
    counts = np.bincount(points)
    by_frequency = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    if len(by_frequency) <= symbols:
        return "".join(map(chr, by_frequency))
    return "".join(map(chr, by_frequency[: symbols - 1])) + UNKNOWN


def spelled(points: np.ndarray, alphabet: str) -> np.ndarray:
    """Code points as numbers of an alphabet's characters, uint8; the last one's for those that are not in it."""
    known = np.array(list(map(ord, alphabet)))
    table = np.full(max(known.max(), points.max(initial=0)) + 1, len(alphabet) - 1, np.uint8)
    table[known] = np.arange(len(alphabet))
    return table[points]


def lines(numbers: np.ndarray, alphabet: str) -> list[str]:
    """Numbers `[N, 1, T, 1]` as a person reads them: a line each, in which a line's end, and its like, is a picture.

    "\\n" is shown as U+240A, and so all characters that a terminal would obey; what cannot be shown is `UNKNOWN`.
    """
    signs = np.array([_visible(c) for c in alphabet.ljust(256, UNKNOWN)])
    return ["".join(row) for row in signs[numbers.reshape(len(numbers), -1)]]


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else UNKNOWN


def _points(source: Path, where: str) -> np.ndarray:
    """The text's code points, uint32 `[M]`."""
    try:
        with reached(source):
            if not is_remote(source):
                needed, mend = _TIMES * source.stat().st_size, "give a part of it"
                require_memory(needed, f"{where}: its characters", mend, error=DataError)
            content = source.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{where}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{where}: a folder; a text is one file, in UTF-8") from None
    except OSError as error:
        raise DataError(f"{where}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start:,} is {content[error.start]:#04x}"
        raise DataError(f"{where}: not UTF-8: {byte}; convert it, as with iconv -t UTF-8") from None
    if "\0" in text:
        raise DataError(f"{where}: byte {content.index(0):,} is 0x00, which no text has; it is a file of another kind")
    return np.frombuffer(text.replace("\r\n", "\n").encode("utf-32-le"), np.uint32)


_TIMES = 10
"""Bytes that a byte of a text takes as it is read: as a text of wide characters, twice, and as numbers."""
