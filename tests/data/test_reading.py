import threading
import time

import numpy as np
import pytest

from gan_jax.data import reading
from gan_jax.data.reading import in_blocks, read_ahead
from gan_jax.errors import DataError


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("reading")]


def slowly(step):
    time.sleep(0.002 * (step % 3))  # so that they do not end in the order in which they begin
    return 10 * step


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_steps_come_in_their_order_whichever_is_read_first(ahead):
    with read_ahead(slowly, 3, 20, ahead=ahead) as found:
        assert list(found) == [10 * step for step in range(3, 20)]
    assert readers() == []


def test_nothing_to_read_is_nothing():
    with read_ahead(slowly, 5, 5) as found:
        assert list(found) == []


def test_no_more_are_read_than_were_asked_for():
    begun = []
    with read_ahead(begun.append, 0, 100, ahead=3) as found:
        for _ in range(4):
            next(found)
        time.sleep(0.02)  # in which all of them could be read
        assert max(begun) < 3 + 4


def test_what_a_thread_raises_is_raised_in_its_turn():
    def read(step):
        if step == 2:
            raise DataError("picture 7 cannot be read")
        return slowly(step)

    with pytest.raises(DataError, match="picture 7 cannot be read"), read_ahead(read, 0, 50, ahead=4) as found:
        list(found)
    assert readers() == []
    with read_ahead(read, 0, 50, ahead=4) as found:
        assert [next(found), next(found)] == [0, 10]


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_end_inside_of_reading_is_no_end_of_the_data(ahead):
    with pytest.raises(RuntimeError), read_ahead(lambda step: next(iter([])), 0, 5, ahead=ahead) as found:
        list(found)


@pytest.mark.parametrize("way", [KeyboardInterrupt, SystemExit, None])
def test_however_it_is_left_no_thread_stays_and_no_more_is_read(way):
    begun = []

    def leave():
        with read_ahead(lambda step: begun.append(step), 0, 1000, ahead=2) as found:
            next(found)
            if way:
                raise way

    if way:
        with pytest.raises(way):
            leave()
    else:
        leave()
    assert readers() == []
    assert len(begun) <= 3


def test_the_share_of_time_that_was_waited_is_known():
    with read_ahead(lambda step: time.sleep(0.02), 0, 6, ahead=1) as found:
        for _ in range(3):
            next(found)
        assert found.share_waited() > 0.8
        time.sleep(0.1)
        next(found)
        assert found.share_waited() < 0.5  # only since it was asked


@pytest.mark.parametrize("rows", [None, [3, 1, 4, 1, 5]])
@pytest.mark.parametrize("size", [1, 5 * 4, 10**6])
def test_blocks_side_by_side_are_all_that_was_asked_for(monkeypatch, size, rows):
    monkeypatch.setattr(reading, "BLOCK_BYTES", size)
    images = np.random.default_rng(0).integers(0, 256, (13, 2, 2, 1), np.uint8)
    blocks = list(in_blocks(images, rows))
    assert all(block.nbytes <= max(size, 4) for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), images if rows is None else images[rows])
