"""The README's examples run as they stand."""

import re
from pathlib import Path

from PIL import Image

from gan_jax.config import DCGAN, Config, recipes
from gan_jax.run.loop import train

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_library_examples_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second, told, opened, *_ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "range(1500)" in first
    scope = {}
    exec(first.replace("range(1500)", "range(3)"), scope)
    with Image.open("digits.png") as drawn:
        assert drawn.size == (568, 568)
    exec(second, scope)
    assert scope["metrics"]["d/loss"].shape == (3,)
    assert "range(1500)" in told
    exec(told.replace("range(1500)", "range(3)"), scope)
    assert scope["drawn"].shape == (6, 8, 8, 1)
    tiny = DCGAN(generator_width=4, discriminator_width=4)
    train(Config(conditional=True, model=tiny, batch_size=8, steps=1), tmp_path / "runs/digits")
    exec(opened, scope)
    assert scope["drawn"].shape == (10, 8, 8, 1)


def test_the_example_of_the_metrics_runs():
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "frechet" in block)
    scope = {}
    exec(example, scope)
    assert 0 < scope["fid"] < 5
    assert 0.2 < scope["precision"] <= 1


def test_every_recipe_is_in_the_table():
    for name in recipes.names():
        assert f"`{name}`" in README


def test_every_file_that_is_linked_exists():
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
