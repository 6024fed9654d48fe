"""A run on pairs of one's own, through the command line: trained, shown, applied, judged, killed."""

import numpy as np
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax.cli import main
from gan_jax.config.recipes import load_run
from gan_jax.run.files import RunFolder
from gan_jax.run.pictures import enlargement
from gan_jax.run.scoreboard import read_all

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of 24 samples:UserWarning")

TRAIN = (
    "train digits --no-conditional --data.path drawn --data.size 8 --task pairs --task.l1 1 --task.test 0.3 "
    "--loss none --model pix2pix --model.generator-width 2 --model.discriminator-width 2 --model.layers 1 "
    "--batch-size 4 --steps 4 --every.log 1 --every.sample 4 --every.checkpoint 2"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Dark pictures in A, and in B the same, light: a run from A to B, and one from B to A."""
    folder = tmp_path_factory.mktemp("pairs")
    dark = np.random.default_rng(0).integers(0, 100, (80, 8, 8), np.uint8)
    for name, added in (("A", 0), ("B", 128)):
        (folder / "drawn" / name).mkdir(parents=True)
        for i, picture in enumerate(dark):
            Image.fromarray(picture + np.uint8(added)).save(folder / "drawn" / name / f"{i}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(f"{TRAIN} --run there".split()) == 0
        assert main(f"{TRAIN} --task.reverse --run back".split()) == 0
    return folder


@pytest.fixture
def folder(runs, monkeypatch):
    monkeypatch.chdir(runs)
    return runs


@pytest.mark.parametrize(("run", "given"), [("there", "A"), ("back", "B")])
def test_the_one_of_a_pair_is_given_and_the_other_is_the_truth(folder, run, given):
    with Image.open(RunFolder(folder / run).sample(4)) as grid:
        pixels = np.asarray(grid)
    factor = enlargement((8, 8))
    cell = lambda i: pixels[: 8 * factor : factor, 9 * factor * i : (9 * i + 8) * factor : factor].astype(int)
    dark, light = (cell(0), cell(2)) if given == "A" else (cell(2), cell(0))
    assert dark.max() < 100
    np.testing.assert_array_equal(light, dark + 128)


def test_pictures_of_ones_own_are_given_whole(folder):
    Image.effect_noise((14, 10), 60).save("picture.png")
    for run in ("there", "back"):
        assert main(["apply", run, "picture.png", "--out", f"{run}.png"]) == 0
    there, back = (np.asarray(Image.open(f"{run}.png")) for run in ("there", "back"))
    assert there.shape == back.shape == (10, 14, 3)
    assert not np.array_equal(there, back)


@pytest.mark.slow
def test_the_baseline_is_what_is_given_as_it_is(folder, capsys):
    assert main(["evaluate", "there", "--features", "pixels", "--samples", "1000"]) == 0
    assert "comparing 24 images of step 4 with 24 of drawn" in capsys.readouterr().out
    (found,) = read_all(RunFolder(folder / "there").metrics)
    assert found.scores["baseline_l1"] == pytest.approx(128 / 127.5, rel=1e-4)
    assert np.isfinite(found.scores["l1"])


@pytest.mark.slow
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(folder, tmp_path):
    assert_a_killed_copy_ends_alike(RunFolder(folder / "back"), load_run("back"), tmp_path / "killed")
