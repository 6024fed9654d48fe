"""Latents with a range of their own, and no squares, from a file to samples in that range."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.cli import main
from gan_jax.config import ACGAN, DCGAN, MLP, R3GAN, SAGAN, SNGAN, Article, BigGAN, DataConfig, StyleGAN2
from gan_jax.run.files import RunFolder


@pytest.fixture
def latents(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 6, 8, 4)) * [4.0, 0.1, 2.0, 30.0] + [100.0, 3.0, 0.0, -50.0]
    np.savez(tmp_path / "latents.npz", images=images.astype(np.float32), labels=np.arange(40) % 2)
    return tmp_path / "latents.npz"


def test_latents_are_trained_on_and_come_back_in_their_own_range(latents, tmp_path, capsys):
    path = tmp_path / "run"
    small = "--model mlp --model.latent-size 4 --model.generator-width 8 --model.discriminator-width 4 --batch-size 8"
    seen = "--data.size 6x8 --data.channels 4 --data.deviation 0.5 --data.flip --conditional"
    assert main(f"train pictures --data.path {latents} --run {path} {small} {seen} --steps 2".split()) == 0
    folder = RunFolder(path)
    assert json.loads(folder.config.read_text())["data"]["deviation"] == 0.5
    for grid in (folder.path / "real.png", folder.sample(2)):
        with Image.open(grid) as picture:
            assert picture.mode == "RGB"
    assert main(f"sample {path} --count 30 --out {tmp_path / 'few.npz'}".split()) == 0
    drawn = np.load(tmp_path / "few.npz")["images"]
    assert (drawn.shape, drawn.dtype) == ((30, 6, 8, 4), np.float32)
    # A network at its start draws around 0, which is the middle of each channel.
    assert np.all(np.abs(drawn.mean((0, 1, 2)) - [100, 3, 0, -50]) < [4, 0.1, 2, 30])
    capsys.readouterr()
    assert main(f"evaluate {path} --features inception --weights {latents}".split()) == 2
    assert "inception looks at pictures, and latents.npz holds floats" in capsys.readouterr().err
    images = dict(np.load(latents))
    np.savez(latents, **images | {"images": 2 * images["images"] + np.arange(4)})
    assert main(f"train {path} --steps 3".split()) == 3
    assert "not those that this run was trained on" in capsys.readouterr().err


@pytest.mark.parametrize("model", [MLP, DCGAN, Article, ACGAN, SNGAN, SAGAN, BigGAN, R3GAN, StyleGAN2])
def test_no_generator_of_floats_is_confined(model):
    """Those that end in a tanh for pictures end in their last layer for floats; the others have no such end."""
    ends = [
        getattr(model().networks(data, 2)[0], "end", None)
        for data in (DataConfig(name="mnist"), DataConfig(path="/x.npz", size=28, channels=4, deviation=1.0))
    ]
    if model in (R3GAN, StyleGAN2):
        assert ends == [None, None]
    else:
        assert [float(end(np.float32(3.0))) > 1 for end in ends] == [False, True]
