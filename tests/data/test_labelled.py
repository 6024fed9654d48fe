import numpy as np
import pytest

from gan_jax.data.dataset import Dataset
from gan_jax.data.labelled import HIDDEN, few
from gan_jax.errors import DataError


def of_classes(labels, classes):
    labels = np.array(labels, np.int32)
    return Dataset("some", np.zeros((len(labels), 2, 2, 1), np.uint8), labels, tuple("abcdefghij"[:classes]))


SOME = of_classes(np.arange(40) % 4, 4)


def test_as_many_of_each_class_are_shown_with_their_own_label_and_all_others_hidden():
    shown = few(SOME, 12, seed=3)
    assert (shown.dtype, shown.shape) == (np.int32, (40,))
    known = shown != HIDDEN
    np.testing.assert_array_equal(shown[known], SOME.labels[known])
    assert np.bincount(shown[known]).tolist() == [3, 3, 3, 3]


def test_the_seed_alone_decides_which_and_fewer_are_some_of_more():
    np.testing.assert_array_equal(few(SOME, 8, seed=0), few(SOME, 8, seed=0))
    assert len({few(SOME, 8, seed=seed).tobytes() for seed in range(5)}) == 5
    fewer, more = (few(SOME, count, seed=1) for count in (8, 20))
    assert np.all(more[fewer != HIDDEN] != HIDDEN)


@pytest.mark.parametrize("count", [10, 13])
def test_labels_that_classes_do_not_share_evenly_are_refused_with_a_number_that_will_do(count):
    with pytest.raises(DataError, match=rf"some: {count} labels are not as many of each of 4 classes; try .*labels 12"):
        few(SOME, count, seed=0)


def test_fewer_labels_than_classes_are_refused():
    with pytest.raises(DataError, match=r"1 labels are not as many of each of 4 classes; try --task.labels 4"):
        few(SOME, 1, seed=0)


def test_a_class_with_too_few_images_is_named():
    with pytest.raises(DataError, match=r"some: class b has 2 images, of which 3 would be labelled; .*labels to 4,"):
        few(of_classes([0, 0, 0, 0, 1, 1], 2), 6, seed=0)
