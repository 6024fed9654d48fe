import json

import pytest

from gan_jax.data import classes
from gan_jax.errors import DataError

NAMES = ["00000/img00000000.png", "00000/img00000001.png", "00001/img00000002.png"]


def labelled(*labels):
    return json.dumps({"labels": [[name, label] for name, label in zip(NAMES, labels, strict=True)]}).encode()


@pytest.mark.parametrize(
    ("names", "top"),
    [
        (["a/b/1.png", "a/b/2.png"], "a/b/"),
        (["a/b/1.png", "a/c/2.png"], "a/"),
        (["a/1.png", "ab/2.png"], ""),
        (["a/b/1.png", "a/2.png", "a/b/3.png"], "a/"),
        (["1.png"], ""),
        ([], ""),
    ],
)
def test_the_folders_around_all_files(names, top):
    assert classes.top(names) == top


def test_a_file_numbers_the_classes_whatever_the_folders_are():
    labels, names = classes.by_file("mine", labelled(6, 0, 6), NAMES)
    assert labels.tolist() == [6, 0, 6]
    assert labels.dtype == "int32"
    assert names == tuple("0123456")


def test_a_file_may_say_that_there_are_none():
    assert classes.by_file("mine", b'{"labels": null}', NAMES) == (None, ())


def test_labels_of_pictures_that_are_not_there_do_not_count():
    labels, names = classes.by_file("mine", labelled(1, 0, 9), NAMES[:2])
    assert (labels.tolist(), names) == ([1, 0], ("0", "1"))


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"labels": 3}', b'{"labels": [["a.png"]]}', b"\xff\xff"])
def test_a_file_of_another_kind_is_refused(content):
    with pytest.raises(DataError, match=r"mine: its dataset.json is not as it should be: .*or null"):
        classes.by_file("mine", content, NAMES)


def test_a_picture_without_a_label_is_named():
    with pytest.raises(DataError, match=r"mine: its dataset\.json has no label for other\.png"):
        classes.by_file("mine", labelled(1, 2, 3), [*NAMES, "other.png"])


@pytest.mark.parametrize("label", [-1, 1.5, True, "cat", [0.0, 1.0], None, 10**9])
def test_what_is_no_class_is_named(label):
    with pytest.raises(DataError, match=f"says .* of {NAMES[1]}; expected a class"):
        classes.by_file("mine", labelled(0, label, 1), NAMES)
