import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from gan_jax.data import clusters, reading
from gan_jax.errors import DataError

KINDS = 3


def blots(count=90, size=8, channels=1, seed=0):
    """Pictures of three kinds, each bright in rows of its own, and which kind each is of."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(KINDS, size=count)
    images = rng.integers(0, 60, size=(count, size, size, channels))
    for i, kind in enumerate(kinds):
        images[i, 2 * kind : 2 * kind + 2] += 180
    return images.astype(np.uint8), kinds


def test_like_goes_to_like():
    images, kinds = blots()
    labels = clusters.partition(images, KINDS)
    assert labels.dtype == np.int32
    assert len(set(zip(labels.tolist(), kinds.tolist(), strict=True))) == KINDS


def test_all_of_an_image_counts_whatever_its_shape():
    """Kinds that differ at the ends of wide images, which a square cut out of their middle would not show."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(KINDS, size=90)
    wide = rng.integers(0, 60, size=(90, 8, 96, 1)).astype(np.uint8)
    for i, kind in enumerate(kinds):
        wide[i, :, 6 * kind : 6 * kind + 6] += 180
    labels = clusters.partition(wide, KINDS)
    assert len(set(zip(labels.tolist(), kinds.tolist(), strict=True))) == KINDS


@pytest.mark.parametrize("wanted", [1, 7, 90])
def test_no_cluster_is_empty(wanted):
    labels = clusters.partition(blots()[0], wanted)
    assert np.unique(labels).tolist() == list(range(wanted))


def test_it_is_a_function_of_images_and_seed():
    images = np.random.default_rng(0).integers(0, 256, size=(200, 6, 6, 3)).astype(np.uint8)
    one, same, other = (clusters.partition(images, 9, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_all_are_parted_where_only_some_are_learnt_from(monkeypatch):
    monkeypatch.setattr(clusters, "FITTED", 30)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 16 * 64)
    images, kinds = blots()
    labels = clusters.partition(images, KINDS)
    assert len(labels) == len(images)
    assert len(set(zip(labels.tolist(), kinds.tolist(), strict=True))) == KINDS


def test_blocks_change_nothing(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, size=(100, 6, 6, 1)).astype(np.uint8)
    whole = clusters.partition(images, 5)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 7 * 36)
    np.testing.assert_array_equal(clusters.partition(images, 5), whole)


def test_large_images_are_compared_small(monkeypatch):
    monkeypatch.setattr(clusters, "PIXELS", 8)
    images, kinds = blots(count=30)
    large = images.repeat(4, axis=1).repeat(4, axis=2)
    labels = clusters.partition(large, KINDS)
    assert len(set(zip(labels.tolist(), kinds[:30].tolist(), strict=True))) == KINDS


def test_more_clusters_than_images_that_differ_are_refused():
    images = blots(count=4)[0].repeat(5, axis=0)
    with pytest.raises(DataError, match="5 are more than the images that differ, 4 of the 20 looked at; ask for fewer"):
        clusters.partition(images, 5)
    with pytest.raises(DataError, match="1 or more, not into 0"):
        clusters.partition(images, 0)


def test_images_that_differ_where_nobody_looks_are_alike(monkeypatch):
    monkeypatch.setattr(clusters, "COMPONENTS", 1)
    images = np.zeros((40, 4, 4, 1), np.uint8)
    images[:20, :2] = 200  # the one component
    images[np.arange(40), 3, np.arange(40) % 4] += 1
    assert clusters.partition(images, 2).tolist() in ([0] * 20 + [1] * 20, [1] * 20 + [0] * 20)
    with pytest.raises(DataError, match="9 are more than the images that differ"):
        clusters.partition(images, 9)


def test_images_that_are_all_alike_are_one_cluster():
    assert clusters.partition(np.full((5, 4, 4, 1), 7, np.uint8), 1).tolist() == [0] * 5


PROGRAM = """
import hashlib, numpy as np
from gan_jax.data import clusters, reading
images = np.random.default_rng(0).integers(0, 256, size=(3000, 12, 12, 1)).astype(np.uint8)
print(hashlib.sha256(clusters.partition(images, 20).data).hexdigest())
"""


@pytest.mark.slow
def test_neither_process_nor_threads_nor_kernels_show():
    def told(**environment):
        command = [sys.executable, "-c", PROGRAM]
        ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
        return ran.stdout

    one = told(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    assert one == told(OMP_NUM_THREADS="4", OPENBLAS_NUM_THREADS="4")
    assert one == told(OPENBLAS_CORETYPE="Prescott")


def test_frequencies_count_the_classes():
    assert clusters.frequencies(np.array([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]


def test_labels_are_drawn_as_often_as_they_are():
    counts = np.array([100, 0, 300, 600], np.int32)
    drawn = np.bincount(clusters.labels_by_frequency(jax.random.key(0), counts, 4000), minlength=4)
    assert drawn[1] == 0
    np.testing.assert_allclose(drawn / 4000, counts / 1000, atol=0.03)  # some four deviations


def test_a_label_depends_on_its_number_only():
    counts = np.arange(1, 6, dtype=np.int32)
    many = clusters.labels_by_frequency(jax.random.key(3), counts, 50)
    assert many.dtype == np.int32
    np.testing.assert_array_equal(clusters.labels_by_frequency(jax.random.key(3), counts, 20), many[:20])
    assert not np.array_equal(clusters.labels_by_frequency(jax.random.key(4), counts, 50), many)
