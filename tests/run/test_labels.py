"""Classes that somebody asks for, and the rows that they make."""

import numpy as np
import pytest

from gan_jax.config import Config, DataConfig
from gan_jax.config.options import check_out
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError
from gan_jax.run.labels import read_labels, row_of_labels
from gan_jax.run.media import medium_of
from gan_jax.run.record import _places
from gan_jax.run.sampling import _check_alone, _names, _write


def test_labels_are_read_by_name_number_and_range():
    assert read_labels("0-2, 4", tuple("abcde")) == [0, 1, 2, 4]
    assert read_labels("b,e", tuple("abcde")) == [1, 4]
    assert read_labels("1-2", ("1", "2", "3")) == [0, 1], "names come before numbers"
    for wrong in ("5", "-1", "2-1", "0-9", "x", "", "²"):
        with pytest.raises(ConfigError, match="labels: no class"):
            read_labels(wrong, tuple("abcde"))


@pytest.mark.parametrize(
    ("asked", "classes", "said"),
    [
        (
            "3,1,4",
            ("one", "two", "zero"),
            r"no class '3'; expected names of one, two, zero, .* 0-2 or 2,0 \(one is 0\)",
        ),
        ("Two", ("one", "two", "zero"), "no class 'Two'; did you mean two[?]"),
        ("7", ("0", "1"), "such as 0-1 or 1,0$"),
        ("7", ("1", "2"), "expected names of 1, 2, parted by commas$"),
    ],
)
def test_what_could_have_been_asked_for_can_be(asked, classes, said):
    with pytest.raises(ConfigError, match=said):
        read_labels(asked, classes)


@pytest.mark.parametrize(("labels", "row"), [(0, 0), (1, 10), (2, 10), (3, 9), (4, 8), (10, 10), (16, 16), (17, 0)])
def test_a_row_is_whole_rounds_of_few_labels(labels, row):
    assert row_of_labels(labels) == row


def test_real_images_stand_in_the_columns_of_their_classes():
    labels = np.array([2, 2, 0, 0, 1, 1, 0, 2, 1, 0])
    data = Dataset("some", np.zeros((10, 8, 8, 1), np.uint8), labels, ("a", "b", "c"))
    config = Config(conditional=True)
    places = _places(config, data, 18)
    assert labels[places].tolist() == [0, 1, 2] * 6
    assert {*places.tolist()} == {*range(10)}
    unconditional = _places(Config(conditional=False), data, 4)
    assert unconditional.tolist() == [0, 3, 6, 9]
    without = Dataset("some", data.images, labels, ("a", "b", "c", "none of these"))
    assert labels[_places(config, without, 8)].reshape(2, 4)[:, :3].tolist() == [[0, 1, 2]] * 2


def test_a_folder_of_drawn_images_is_of_one_draw_alone(tmp_path):
    medium = medium_of(Config(data=DataConfig(size=8, channels=1)), "")
    images, labels = np.zeros((3, 8, 8, 1), np.uint8), np.array([0, 1, 2])
    _check_alone(tmp_path / "drawn", _names(3, labels))  # which is not there yet
    _write(medium, tmp_path / "drawn", images, labels, 3)
    check_out(tmp_path / "drawn", "pictures")
    _check_alone(tmp_path / "drawn", _names(3, labels))  # the same again
    _check_alone(tmp_path / "drawn", _names(4, np.array([0, 1, 2, 0])))
    for fewer in (_names(2, labels), _names(3, np.array([0, 1, 1])), _names(3, None)):
        with pytest.raises(ConfigError, match=r"holds \d images of another draw, such as .* name a new folder"):
            _check_alone(tmp_path / "drawn", fewer)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == _names(3, labels)
    (tmp_path / "drawn" / "000009.png").mkdir()
    with pytest.raises(ConfigError, match=r"drawn holds '000009.png', too"):
        check_out(tmp_path / "drawn", "pictures")
