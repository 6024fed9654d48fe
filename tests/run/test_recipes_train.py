"""Recipes train, sample and come back, on real digits with tiny networks: some at the least size, all at their own."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from gan_jax.config import CadenceConfig, EvaluateConfig, Unpaired, UnpairedOneWay, recipes
from gan_jax.config.schema import with_values
from gan_jax.config.task import Judged
from gan_jax.data import digits
from gan_jax.run.loop import train
from gan_jax.run.sampling import draw_from, of_run

FAST = ("mnist",)
"""Compiled in seconds, with clusters, an anneal and a lazy penalty; the slow ones have every other kind of rule."""

KNOWN = {name: recipes.load(name).data for name in recipes.names()}
OWN_SIZE = [name for name, data in KNOWN.items() if not data.own and data.kind == "pictures"]
OWN_PICTURES = [name for name, data in KNOWN.items() if data.own and data.kind == "pictures" and not data.floats]
"""Those of text are in test_text.py, those of clips in test_clips.py."""

LEAST = 32
"""Pixels on a side of one's own pictures here: networks halve them."""

CASES = [(name, False) for name in FAST]
OTHERS = ("digits", "mnist_original", "cifar10_stylegan2_ada", "cifar10_r3gan")
CASES += [pytest.param(name, False, marks=pytest.mark.slow) for name in OTHERS]
CASES += [pytest.param(name, True, marks=pytest.mark.slow) for name in OWN_SIZE]
CASES += [pytest.param(name, False, marks=pytest.mark.slow) for name in OWN_PICTURES]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two hundred of scikit-learn's digits as PNGs in a zip, a folder for each class."""
    path = tmp_path_factory.mktemp("digits") / "digits.zip"
    data = digits.load()
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(200):
            png = io.BytesIO()
            Image.fromarray(data.images[i, :, :, 0]).save(png, "PNG")
            archive.writestr(f"{data.labels[i]}/{i:03}.png", png.getvalue())
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same in folders A and B: a digit, and a mask of it, which is a picture, too."""
    path = tmp_path_factory.mktemp("folders") / "folders.zip"
    data = digits.load()
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(200):
            image = data.images[i, :, :, 0]
            for folder, pixels in (("A", image), ("B", (image > 99) * np.uint8(1 + data.labels[i]))):
                png = io.BytesIO()
                Image.fromarray(pixels).save(png, "PNG")
                archive.writestr(f"{folder}/{i:03}.png", png.getvalue())
    return path


def in_two_folders(task):
    return task.of_masks or task.of_pairs or isinstance(task, Unpaired | UnpairedOneWay)


def tiny(config, pictures, *, own_size):
    """The recipe with all of its rules, small enough to be compiled in seconds; at its own size, or the least."""
    own, _ = config.data.image_size
    size = own if own_size else min(config.model.sizes or [min(own, LEAST)])
    least = {
        "model.generator_width": 8,
        "model.discriminator_width": 8,
        "model.latent_size": min(config.model.latent_size, 24),
        "generator.learning_rate": 1e-4,
        "penalty.lazy": min(config.penalty.lazy, 4),
    }
    least |= {"model.heads": 2} if hasattr(config.model, "heads") else {}
    least |= {"model.blocks": 1} if config.data.own and hasattr(config.model, "blocks") else {}
    if isinstance(config.task, Judged):
        least["task.test"] = config.task.test or 0.1  # these have no test images of their own
    return replace(
        with_values(config, least),
        data=replace(config.data, path=str(pictures), size=size, channels=config.data.image_channels),
        batch_size=8,
        discriminator_steps=min(config.discriminator_steps, 2),
        steps=3,
        every=CadenceConfig(log=1, sample=100, checkpoint=2),
        evaluate=EvaluateConfig(),
    )


@pytest.mark.parametrize(("name", "own_size"), CASES)
def test_recipe_trains_and_can_be_sampled_from(name, own_size, pictures, folders, tmp_path):
    config = recipes.load(name)
    config = tiny(config, folders if in_two_folders(config.task) else pictures, own_size=own_size)
    train(config, tmp_path / "run")
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 3
    assert "NaN" not in "".join(rows)
    if config.task.given:  # what is made of one's own pictures is in test_applying.py
        return
    labels = "0-9" if config.conditional else None
    draw_from(
        of_run(str(tmp_path / "run"), averaged=True, best=False),
        out=tmp_path / "few.npz",
        count=3,
        interpolate=None,
        seed=0,
        labels=labels,
    )
    images = np.load(tmp_path / "few.npz")["images"]
    assert images.shape == (3, *config.data.image_size, config.data.image_channels)
