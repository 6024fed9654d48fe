import numpy as np
import pytest

from gan_jax.data.text import UNKNOWN, lines, load
from gan_jax.errors import DataError


@pytest.fixture
def file(tmp_path):
    def written(content):
        path = tmp_path / "mine.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


def read(pieces, alphabet):
    """Pieces as the text that they are of."""
    return ["".join(alphabet[number] for number in row) for row in pieces.reshape(len(pieces), -1)]


def test_a_piece_begins_at_every_place_and_those_held_out_lie_side_by_side_behind(file):
    data = load(file("abcabdabeabfabgXYZWXY"), length=3, symbols=99, test=6 / 21)
    assert (data.images.shape, data.images.dtype, data.things) == ((13, 1, 3, 1), np.uint8, "pieces")
    whole = read(data.images[:], data.alphabet)
    assert whole == ["abcabdabeabfabg"[i : i + 3] for i in range(13)]
    assert read(data.test.images[:], data.alphabet) == ["XYZ", "WXY"]
    assert read(data.images[[12, 1, 0]], data.alphabet) == ["abg", "bca", "abc"]
    assert data.images[np.array([], int)].shape == (0, 1, 3, 1)


def test_the_alphabet_is_by_frequency_and_the_rest_is_one_unknown(file):
    path = file("bbbb" + "aaa" + "dd" + "cc" + "e" + "b" * 40)
    assert load(path, length=2, symbols=5, test=0.3).alphabet == "bacde"
    few = load(path, length=2, symbols=3, test=0.3)
    assert few.alphabet == "ba" + UNKNOWN
    assert read(few.images[5:10], few.alphabet) == ["aa", "a" + UNKNOWN, UNKNOWN * 2, UNKNOWN * 2, UNKNOWN * 2]


def test_characters_that_are_lost_are_told_and_too_many_refused(file, capsys):
    said = "mine.txt: 3 of its 5 kinds of characters, {} characters or {}%, become " + UNKNOWN
    load(path := file("bbbbaaaddcce" + "b" * 38), length=2, symbols=5, test=0.3)
    assert capsys.readouterr().out == ""
    load(path, length=2, symbols=3, test=0.3)  # a tenth of fifty
    told = capsys.readouterr().out
    assert said.format(5, "10.00") + "; to lose fewer add --data.alphabet 5" in told
    assert told.count("\n") == 1
    with pytest.raises(DataError) as refused:
        load(file("bbbbaaaddcce" + "b" * 37), length=2, symbols=3, test=0.3)
    assert said.format(5, "10.20") + "; a tenth may be lost; add --data.alphabet 5" in str(refused.value)
    everything = "".join(map(chr, range(0x4E00, 0x4E00 + 300))) + "a" * 5000
    load(path := file(everything), length=2, symbols=96, test=0.3)
    told = capsys.readouterr().out
    assert "206 of its 301 kinds of characters, 206 characters or 3.89%" in told
    assert "to lose fewer add --data.alphabet 256, which loses 0.87%" in told  # 46 of 5,300
    load(path, length=2, symbols=256, test=0.3)
    told = capsys.readouterr().out
    assert "46 characters or 0.87%" in told
    assert "to lose fewer give a text of 256 kinds or fewer" in told


@pytest.mark.parametrize(
    ("common", "said"),
    [
        (1500, "206 characters or 11.44%, .* a tenth may be lost; add --data.alphabet 256, which loses 2.56%"),
        (100, "give a text of 256 kinds or fewer: --data.alphabet 256 would lose 11.50%"),
    ],
)
def test_no_alphabet_is_promised_to_keep_what_none_can(file, common, said):
    everything = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    with pytest.raises(DataError, match=said):
        load(file(everything + "a" * common), length=2, symbols=96, test=0.3)


def test_a_line_ends_alike_and_a_byte_order_mark_is_no_character(file):
    data = load(file("\ufeffä\r\nö\r\n".encode() + b"abcd"), length=2, symbols=9, test=0.5)
    assert sorted(data.alphabet) == sorted("\näöabcd")


def test_lines_show_what_a_terminal_would_obey_and_what_has_no_character():
    numbers = np.arange(6, dtype=np.uint8).reshape(2, 1, 3, 1)
    assert lines(numbers, "a\n\x1bé\u202e") == ["a\u240a\u241b", f"é{UNKNOWN}{UNKNOWN}"]


def test_another_text_and_another_alphabet_are_other_data(file):
    fingerprint = lambda content: load(file(content), length=4, symbols=99, test=0.2).fingerprint
    text = "the cat sat on the mat; " * 400
    assert fingerprint(text) == fingerprint(text)
    assert fingerprint(text) != fingerprint(text[:5000] + "b" + text[5001:])  # not one of the pieces that are looked at
    assert fingerprint(text) != fingerprint(text.replace("a", "A"))  # the same numbers


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "mine.txt: 0 characters, of which 0.1 are held out, leave no piece of 4 on one side"),
        (b"abcdefgh", "8 characters, of which 0.1 are held out, leave no piece of 4 on one side; give a longer text"),
        ("grün".encode("latin-1"), "mine.txt: not UTF-8: byte 2 is 0xfc; convert it, as with iconv -t UTF-8"),
        (b"abc\0def", "mine.txt: byte 3 is 0x00, which no text has"),
    ],
)
def test_what_is_no_text_is_one_line(file, content, said):
    with pytest.raises(DataError) as refused:
        load(file(content), length=4, symbols=9, test=0.1)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_and_a_folder_are_one_line(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load(str(tmp_path / "none.txt"), length=4, symbols=9, test=0.1)
    with pytest.raises(DataError, match="a folder; a text is one file, in UTF-8"):
        load(str(tmp_path), length=4, symbols=9, test=0.1)
