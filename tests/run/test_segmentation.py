"""A run that tells the class of every pixel of one's own pictures: trained, judged, applied."""

import numpy as np
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax.cli import main
from gan_jax.config.recipes import load_run
from gan_jax.metrics.segmentation import scores
from gan_jax.run.files import RunFolder
from gan_jax.run.scoreboard import read_all

TRAIN = (
    "train digits --no-conditional --data.path scenes --data.size 8 --task segmentation --task.classes 3 "
    "--task.test 0.3 --model pix2pix --model.generator-width 2 --model.discriminator-width 2 --model.layers 1 "
    "--batch-size 4 --steps 2 --every.sample 2 --every.checkpoint 2 --evaluate.every 2 --evaluate.best miou "
    "--evaluate.samples 20 --data.flip --run run"
)


@pytest.fixture
def scenes(tmp_path, monkeypatch):
    """Bars of two greys on black, and masks that tell them apart."""
    monkeypatch.chdir(tmp_path)
    for folder in "AB":
        (tmp_path / "scenes" / folder).mkdir(parents=True)
    for i in range(80):
        mask = np.zeros((8, 8), np.uint8)
        mask[:, i % 8] = 1 + i % 2
        Image.fromarray(mask * np.uint8(100)).save(f"scenes/A/{i}.png")
        Image.fromarray(mask).save(f"scenes/B/{i}.png")
    return tmp_path


def test_a_run_is_judged_beside_the_background_and_tells_classes_of_other_pictures(scenes, capsys):
    assert main(TRAIN.split()) == 0
    (found,) = read_all(RunFolder(scenes / "run").metrics)
    background = np.diag([7 / 8, 0, 0]) + np.array([[0, 0, 0], [1 / 16, 0, 0], [1 / 16, 0, 0]])
    assert found.scores["baseline_miou"] == pytest.approx(scores(background)["miou"], abs=0.02)
    assert {"miou", "pixel_accuracy", "baseline_pixel_accuracy"} <= found.scores.keys()
    assert main(["evaluate", "run"]) == 0
    assert "mIoU ↑" in capsys.readouterr().out
    Image.effect_noise((14, 10), 60).save("other.png")
    assert main(["apply", "run", "other.png", "--out", "told.png"]) == 0
    with Image.open("told.png") as told:
        assert told.size == (14, 10)
        assert told.mode == "P"
        assert set(np.unique(told)) <= {0, 1, 2}  # as a mask of one's own, which this could be
        assert told.getpalette()[:9] == [0, 0, 0, 255, 64, 64, 64, 255, 255]


@pytest.mark.slow
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(scenes):
    """Scored at its last step only, which comes again."""
    assert main(f"{TRAIN} --steps 4 --evaluate.every 4".split()) == 0
    assert_a_killed_copy_ends_alike(RunFolder(scenes / "run"), load_run("run"), scenes / "killed")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--task.classes 2", "B/1.png cannot be read: class 2 in a mask of 2 classes, from 0 on; raise --task.classes"),
        ("--model dcgan", "model: dcgan is not for --task segmentation; take --model pix2pix"),
        ("--evaluate.best fid", "evaluate.best: fid is no score of segmentation; add --evaluate.best miou"),
        (
            "--evaluate.features pixels",
            "evaluate.features: segmentation is compared by its masks, not in pixels; drop it",
        ),
        ("--task.cross-entropy 0 --loss none", "loss: none, and nothing else that the generator would learn by"),
        ("--task.classes 256", "task.classes: expected a whole number in [2, 255], got 256"),
    ],
)
def test_what_cannot_be_is_one_line(scenes, capsys, options, said):
    networks = TRAIN.split(" --model.")[0] if "--model " in options else TRAIN
    assert main(f"{networks} {options}".split()) in (2, 3)
    assert said in capsys.readouterr().err
    assert not (scenes / "run").exists()


def test_named_data_have_masks_or_have_none(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for line, said in (
        ("train mnist_segmentation --data mnist --data.size 32", "data.name: mnist has no masks; take cluttered_mnist"),
        (
            "train mnist_segmentation --task.classes 10",
            "task.classes: cluttered_mnist has ten digits and the background",
        ),
        (
            "train mnist_inpainting --data cluttered_mnist",
            "data.name: of cluttered_mnist pictures have masks below",
        ),
        ("train mnist_segmentation --data.size 16", "data.size: cluttered_mnist is made of 32x32 pixels, in colours"),
    ):
        assert main(line.split()) == 2
        assert said in capsys.readouterr().err
