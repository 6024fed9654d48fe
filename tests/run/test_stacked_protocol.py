"""Stacked MNIST judged by the field's protocol, on the real data: they must cover all modes themselves."""

from pathlib import Path

import pytest

from gan_jax.config import Config, DataConfig
from gan_jax.config.build import load_data
from gan_jax.metrics.extractor import extract_all
from gan_jax.metrics.modes import mode_coverage
from gan_jax.run import features

SHARED = Path(__file__).parents[3] / "shared" / "data" / "tfds"


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason=f"needs MNIST as tensorflow-datasets prepares it, in {SHARED}")
def test_real_images_cover_all_thousand_modes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path))
    config = Config(data=DataConfig(name="stacked_mnist", data_dir=str(SHARED)))
    data = load_data(config)
    said = []
    extractor = features.make(None, config, data, weights=None, download=False, say=said.append)
    accuracy = float(said[-1].split("held-out accuracy ")[1].split(" %")[0])
    told = extract_all(extractor, data.images[:25_600])
    covered, divergence = mode_coverage(told.labels, 1000)
    with capsys.disabled():
        print(f"\nheld-out accuracy {accuracy} %, {covered} modes, KL {divergence:.4f} of the real images")
    assert accuracy > 99
    assert covered == 1000
    assert divergence < 0.05
    assert (told.labels == data.labels[:25_600]).mean() > 0.97
