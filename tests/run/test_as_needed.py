"""Runs whose images are read and decoded as they are needed."""

import io
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_jax.config import MLP, CadenceConfig, Config, DataConfig
from gan_jax.config.checks import from_json
from gan_jax.errors import DataError
from gan_jax.run.checkpoints import newest, to_arrays
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.training import abstract_state


def encoded(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def config(tmp_path):
    """A run of a second or two on 24 pictures in a zip."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for i in range(24):
            archive.writestr(f"{i:02}.png", encoded(rng.integers(0, 256, (8, 8), np.uint8)))
    return Config(
        data=DataConfig(path=str(tmp_path / "mine.zip"), size=8, channels=1, flip=True, clusters=3),
        model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
        batch_size=8,
        steps=6,
        every=CadenceConfig(log=1, sample=6, checkpoint=3),
    )


def as_needed(config):
    return replace(config, data=replace(config.data, memory=0.0))


def outcome(path):
    """Weights, clusters, rows, and real pictures."""
    folder = RunFolder(path)
    config = from_json(folder.config.read_text())
    state = newest(folder.checkpoints, lambda notes: abstract_state(config, 0)).state
    arrays = {name: array.tobytes() for name, array in to_arrays(state).items()}
    return arrays, folder.metrics.read_text(), folder.clusters.read_bytes(), (path / "real.png").read_bytes()


def test_a_run_begun_in_memory_goes_on_without_and_is_the_same(config, tmp_path):
    train(config, tmp_path / "held")
    train(replace(config, steps=3), tmp_path / "parts")
    train(as_needed(config), tmp_path / "parts")
    assert outcome(tmp_path / "parts") == outcome(tmp_path / "held")


def test_a_picture_that_cannot_be_decoded_ends_it_by_name(config, tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "a") as archive:
        archive.writestr("bad.png", b"no picture")
    bad = replace(config.data, clusters=None, memory=0.0)
    with pytest.raises(DataError, match=r"mine\.zip: bad\.png cannot be read: not an image"):
        train(replace(config, data=bad), tmp_path / "run")


MILLION = """
import resource, sys
from pathlib import Path
from gan_jax.config import MLP, CadenceConfig, Config, DataConfig
from gan_jax.run.loop import train
source, run = sys.argv[1:]
data = DataConfig(path=source, size=32, memory=1.0)
model = MLP(latent_size=4, generator_width=8, discriminator_width=4)
train(Config(data=data, model=model, batch_size=64, steps=300, every=CadenceConfig(log=100, sample=300)), Path(run))
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_a_million_pictures_train_in_less_than_two_gibibytes(tmp_path):
    tiles = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    pictures = [encoded(picture) for picture in tiles]
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        for i in range(1_000_000):
            archive.writestr(f"{i // 1000:03}/{i % 1000:03}.png", pictures[i % 100])
    command = [sys.executable, "-c", MILLION, str(tmp_path / "mine.zip"), str(tmp_path / "run")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout.split()[-1]) < 2
