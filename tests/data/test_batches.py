import numpy as np
import pytest

from gan_jax.data.batches import batch_indices, endless_indices, read_batch, read_beside_labelled
from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError


def epoch(number, *, count=12, batch_size=4, seed=0):
    steps = count // batch_size
    return np.concatenate(
        [
            batch_indices(step, count=count, batch_size=batch_size, seed=seed)
            for step in range(number * steps, (number + 1) * steps)
        ]
    )


@pytest.fixture
def numbered():
    """Image i is filled with i, and so is its label."""
    images = np.broadcast_to(np.arange(12, dtype=np.uint8)[:, None, None, None], (12, 2, 2, 1))
    return Dataset("numbered", images, np.arange(12, dtype=np.int32), tuple(map(str, range(12))))


@pytest.mark.parametrize("number", [0, 1, 7])
def test_each_epoch_shows_every_image_once(number):
    assert sorted(epoch(number)) == list(range(12))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = {tuple(epoch(number, seed=seed)) for number in range(3) for seed in range(3)}
    assert len(orders) == 9


def test_a_batch_is_known_from_seed_and_step_alone():
    ahead = batch_indices(1000, count=12, batch_size=4, seed=3)
    for step in range(50):
        batch_indices(step, count=12, batch_size=4, seed=step)
    np.testing.assert_array_equal(batch_indices(1000, count=12, batch_size=4, seed=3), ahead)


def test_images_that_do_not_fill_a_batch_are_left_out_of_the_epoch():
    seen = [set(epoch(number, count=11)) for number in range(20)]
    assert {len(images) for images in seen} == {8}
    assert set.union(*seen) == set(range(11))


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_any_seed_and_a_late_step_will_do(seed):
    assert len(batch_indices(10**9, count=12, batch_size=4, seed=seed)) == 4


def test_too_few_images_are_counted():
    with pytest.raises(DataError, match=r"3 images do not fill one batch of 4; lower --batch-size"):
        batch_indices(0, count=3, batch_size=4, seed=0)


def test_images_come_with_their_labels(numbered):
    images, labels = read_batch(numbered.images, numbered.labels, 2, batch_size=4, seed=0)
    assert images.shape == (4, 2, 2, 1)
    np.testing.assert_array_equal(images[:, 0, 0, 0], labels)


def test_stacked_batches_are_those_that_follow_each_other(numbered):
    images, labels = read_batch(numbered.images, numbered.labels, 5, batch_size=2, seed=0, stacked=3)
    assert images.shape == (3, 2, 2, 2, 1)
    for i in range(3):
        one, its_labels = read_batch(numbered.images, numbered.labels, 15 + i, batch_size=2, seed=0)
        np.testing.assert_array_equal(images[i], one)
        np.testing.assert_array_equal(labels[i], its_labels)


def test_without_classes_there_are_no_labels(numbered):
    assert read_batch(numbered.images, None, 0, batch_size=4, seed=0)[1] is None


def test_flipped_batches_are_the_same_images_some_of_them_mirrored():
    rng = np.random.default_rng(0)
    data = Dataset("noise", rng.integers(0, 256, (100, 3, 4, 1), np.uint8), np.arange(100, dtype=np.int32) % 7)
    turned = []
    for step in range(20):
        plain, labels = read_batch(data.images, data.labels, step, batch_size=32, seed=3)
        flipped, same = read_batch(data.images, data.labels, step, batch_size=32, seed=3, flip=True)
        np.testing.assert_array_equal(labels, same)
        mirrored = (flipped == plain[:, :, ::-1]).all(axis=(1, 2, 3))
        assert ((flipped == plain).all(axis=(1, 2, 3)) ^ mirrored).all()
        turned.append(mirrored)
        np.testing.assert_array_equal(
            flipped, read_batch(data.images, data.labels, step, batch_size=32, seed=3, flip=True)[0]
        )
    assert 0.4 < np.mean(turned) < 0.6
    assert len({row.tobytes() for row in turned}) == 20  # drawn anew at every step
    other, _ = read_batch(data.images, data.labels, 0, batch_size=32, seed=4, flip=True)
    assert not np.array_equal(other, read_batch(data.images, data.labels, 0, batch_size=32, seed=3, flip=True)[0])


def test_stacked_batches_are_flipped_like_those_of_as_many_steps():
    data = Dataset("noise", np.random.default_rng(0).integers(0, 256, (64, 3, 4, 1), np.uint8))
    stacked, _ = read_batch(data.images, data.labels, 1, batch_size=8, seed=0, stacked=2, flip=True)
    for i in range(2):
        np.testing.assert_array_equal(
            stacked[i], read_batch(data.images, data.labels, 2 + i, batch_size=8, seed=0, flip=True)[0]
        )


@pytest.mark.parametrize("stacked", [1, 2])
def test_the_shares_of_hosts_side_by_side_are_the_batch_of_one(stacked):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (64, 3, 4, 1), np.uint8), np.arange(64, dtype=np.int32)
    read = lambda **share: read_batch(images, labels, 3, batch_size=8, seed=1, stacked=stacked, flip=True, **share)
    parts = [read(share=slice(start, start + 2)) for start in range(0, 8, 2)]
    for whole, shares in zip(read(), zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(shares, axis=0 if stacked == 1 else 1), whole)


def test_a_host_reads_no_more_than_its_share():
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, rows):
            asked.append(len(rows))
            return np.asarray(self)[rows]

    read_batch(np.zeros((64, 2, 2, 1), np.uint8).view(Watched), None, 0, batch_size=8, seed=0, share=slice(2, 5))
    assert asked == [3]


@pytest.mark.parametrize("count", [200, 300, 70_000])
def test_the_order_of_an_epoch_is_the_permutation_of_its_key(count):
    """However few bytes hold it: runs of before go on with the order that they began with."""
    known = np.random.Generator(np.random.Philox(key=[7, 1])).permutation(count)
    steps = count // 50
    found = [batch_indices(step, count=count, batch_size=50, seed=7) for step in range(steps, 2 * steps)]
    np.testing.assert_array_equal(np.concatenate(found), known)
    assert found[0].dtype == np.int64


def endless(steps, *, count, batch_size=4, seed=0):
    return [endless_indices(step, count=count, batch_size=batch_size, seed=seed) for step in steps]


@pytest.mark.parametrize("count", [3, 4, 10])
def test_an_endless_order_shows_every_image_as_often_whether_or_not_they_fill_batches(count):
    """Batches of 4 side by side are permutations side by side."""
    seen = np.concatenate(endless(range(count), count=count)).reshape(4, count)
    assert np.all(np.sort(seen, axis=1) == np.arange(count))
    assert len({tuple(row) for row in np.concatenate([seen, seen])}) > 1


def test_an_endless_order_is_known_from_seed_and_step_alone_and_is_no_epoch_of_the_other():
    (late,) = endless([10**9], count=7)
    np.testing.assert_array_equal(endless([10**9], count=7)[0], late)
    ours, other = (np.concatenate(endless(range(3), count=12, seed=seed)) for seed in (0, 1))
    assert not np.array_equal(ours, other)
    assert not np.array_equal(ours, epoch(0))


FEW = np.where(np.arange(12) % 5 == 0, np.arange(12), -1).astype(np.int32)  # of 0, 5 and 10


def test_beside_each_batch_is_one_of_labelled_images_with_their_labels(numbered):
    settings = {"batch_size": 4, "seed": 0}
    images, (labelled, labels) = read_beside_labelled(numbered.images, FEW, 2, **settings)
    np.testing.assert_array_equal(images, read_batch(numbered.images, None, 2, **settings)[0])
    np.testing.assert_array_equal(labelled[:, 0, 0, 0], labels)
    assert set(labels) == {0, 5, 10}
    assert labelled.shape == images.shape


def test_hosts_read_their_shares_of_labelled_batches_stacked_and_mirrored(numbered):
    settings = {"batch_size": 4, "seed": 1, "stacked": 2, "flip": True}
    whole = read_beside_labelled(numbered.images, FEW, 3, **settings)
    shares = [read_beside_labelled(numbered.images, FEW, 3, **settings, share=slice(i, i + 2)) for i in (0, 2)]
    (first, (_, told)), (second, (_, more)) = shares
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole[0])
    np.testing.assert_array_equal(np.concatenate([told, more], axis=1), whole[1][1])
