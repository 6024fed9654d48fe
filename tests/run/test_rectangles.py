"""Pictures that are no squares, from files to grids and samples."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.cli import main
from gan_jax.run.files import RunFolder


@pytest.fixture
def pictures(tmp_path):
    """Real digits side by side, 16 wide and 10 high, in two classes."""
    from gan_jax.data import digits

    data = digits.load().images[..., 0]
    for i in range(24):
        pair = np.pad(np.concatenate([data[2 * i], data[2 * i + 1]], axis=1), ((1, 1), (0, 0)))
        (tmp_path / f"pairs/{i % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pair).save(tmp_path / f"pairs/{i % 2}/{i:02}.png")
    return tmp_path / "pairs"


@pytest.mark.slow
def test_pictures_that_are_no_squares_are_trained_on_and_drawn(pictures, tmp_path, capsys):
    path, size = tmp_path / "run", "--data.size 10x16 --data.channels 1"
    small = "--model.latent-size 4 --model.generator-width 8 --model.discriminator-width 4 --batch-size 8 --steps 2"
    line = f"train pictures --model mlp --data.path {pictures} --run {path} {size} {small} --augment diff_augment"
    assert main(line.split()) == 0
    folder = RunFolder(path)
    assert json.loads(folder.config.read_text())["data"]["size"] == "10x16"
    with Image.open(folder.path / "real.png") as grid:
        assert grid.size == (4 * (8 * 17 - 1), 4 * (8 * 11 - 1))
    assert main(f"sample {path} --count 3 --out {tmp_path / 'few.npz'}".split()) == 0
    assert np.load(tmp_path / "few.npz")["images"].shape == (3, 10, 16, 1)
    capsys.readouterr()
    assert main(f"train {path} --data.size 10".split()) == 2
    assert "data.size: '10x16' there, 10 now" in capsys.readouterr().err
