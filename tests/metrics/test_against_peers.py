"""The same features, given to torch-fidelity and prdc: pip install -e '.[benchmark]', then pytest -m slow."""

import jax
import numpy as np
import pytest

from gan_jax.metrics.frechet import frechet_distance
from gan_jax.metrics.inception_score import inception_score
from gan_jax.metrics.kernel import kernel_distance
from gan_jax.metrics.moments import moments
from gan_jax.metrics.neighbours import density_coverage, precision_recall

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(64, 64))
REAL = (RNG.normal(size=(2000, 64)) @ MIX).astype(np.float32)
FAKE = (RNG.normal(size=(1500, 64)) @ MIX * 0.9 + 0.3).astype(np.float32)


@pytest.fixture
def torch():
    pytest.importorskip("torch_fidelity", reason="torch-fidelity comes with the benchmark extra")
    return pytest.importorskip("torch")


@pytest.fixture
def prdc():
    return pytest.importorskip("prdc", reason="prdc comes with the benchmark extra")


def test_fid(torch):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (REAL, FAKE)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(moments(REAL), moments(FAKE)) == pytest.approx(theirs, rel=1e-4)


def test_kid_over_one_subset_that_is_everything(torch):
    from torch_fidelity.metric_kid import kid_features_to_metric

    real = REAL[:1500]
    theirs = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(FAKE), kid_subsets=1, kid_subset_size=1500, verbose=False
    )["kernel_inception_distance_mean"]
    ours, _ = kernel_distance(real, FAKE, jax.random.key(0), subsets=1, size=1500)
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_precision_and_recall(torch):
    from torch_fidelity.metric_prc import prc_features_to_metric

    theirs = prc_features_to_metric(torch.from_numpy(FAKE), torch.from_numpy(REAL), save_cpu_ram=False, verbose=False)
    precision, recall = precision_recall(REAL, FAKE, k=3)
    assert 0.1 < recall < 0.99
    assert precision == pytest.approx(theirs["precision"], rel=1e-4)
    assert recall == pytest.approx(theirs["recall"], rel=1e-4)


def test_inception_score(torch):
    from torch_fidelity.metric_isc import isc_features_to_metric

    theirs = isc_features_to_metric(torch.from_numpy(FAKE / 4), splits=10, shuffle=False)
    mean, std = inception_score(FAKE / 4, splits=10)
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-4)
    assert std == pytest.approx(theirs["inception_score_std"], rel=1e-3)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_recall_density_coverage(prdc, k):
    theirs = prdc.compute_prdc(real_features=REAL, fake_features=FAKE, nearest_k=k)
    precision, recall = precision_recall(REAL, FAKE, k=k)
    density, coverage = density_coverage(REAL, FAKE, k=k)
    ours = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}
    assert ours == pytest.approx(theirs, rel=1e-4)
