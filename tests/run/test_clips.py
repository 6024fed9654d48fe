"""Runs on clips: trained, killed, judged beside real clips and clips that do not move, sampled."""

from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import CadenceConfig, Config, DataConfig, EvaluateConfig, MoCoGAN, recipes
from gan_jax.config.build import build_gan, load_data
from gan_jax.config.schema import with_values
from gan_jax.gan import init
from gan_jax.images import to_frames
from gan_jax.metrics.motion import apart, motion
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.scoreboard import read_all
from gan_jax.run.training import example, make_step

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of:UserWarning")


def small(path, **changes):
    settings = {
        "data": DataConfig(name="clips", path=str(path), size=8, frames=4, channels=1),
        "model": MoCoGAN(latent_size=8, generator_width=2, discriminator_width=2, motion=1, memory=2, judged=2),
        "batch_size": 4,
        "steps": 4,
        "every": CadenceConfig(log=1, sample=4, checkpoint=2),
        "evaluate": EvaluateConfig(every=4, samples=20, best="speed_w1", features="pixels"),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A white pixel that goes to the right by one pixel a frame, in forty-four rows and places."""
    folder = tmp_path_factory.mktemp("clips") / "mine"
    folder.mkdir()
    for i in range(44):
        frames = np.zeros((4, 8, 8), np.uint8)
        frames[np.arange(4), i % 8, i % 5 + np.arange(4)] = 255
        first, *rest = map(Image.fromarray, frames)
        first.save(folder / f"{i:02}.gif", save_all=True, append_images=rest)
    return folder


@pytest.fixture(scope="module")
def run(clips):
    """A run that is over. Tests that change it copy it."""
    train(small(clips), clips.parent / "run")
    return RunFolder(clips.parent / "run")


@pytest.mark.slow  # the loop of test_tasks.py
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, clips, tmp_path):
    """Which frames are judged is drawn again as it was."""
    assert_a_killed_copy_ends_alike(run, small(clips), tmp_path / "killed")


@pytest.mark.slow
def test_the_recipe_of_ones_own_clips_trains(clips, tmp_path):
    least = {"batch_size": 8, "steps": 2, "every.log": 1, "data.path": str(clips), "data.size": 8, "data.frames": 4}
    networks = {"latent_size": 8, "generator_width": 2, "discriminator_width": 2, "motion": 1, "memory": 2, "judged": 2}
    least |= {f"model.{key}": value for key, value in networks.items()}
    train(with_values(recipes.load("clips_mocogan"), least), tmp_path / "run")
    assert len(rows := RunFolder(tmp_path / "run").metrics.read_text().splitlines()) == 2
    assert "NaN" not in "".join(rows)


def after_a_step(config, devices):
    """By plain SGD, whose steps are as close as its gradients."""
    sgd = optax.sgd(0.01)
    gan = replace(build_gan(config, 0), generator_optimizer=sgd, discriminator_optimizer=sgd)
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example(config)), mesh)
    begun = jax.device_get((state.generator.weights, state.discriminator.weights))
    step = parallel.compile_step(make_step(config, gan), mesh)
    state, _ = step(state, parallel.put_batch(mesh, load_data(config).images[:4]))
    return begun, jax.device_get((state.generator.weights, state.discriminator.weights))


@pytest.mark.slow
def test_two_devices_take_the_step_of_one(clips):
    (begun, ours), (_, theirs) = (after_a_step(small(clips), devices) for devices in (1, 2))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)
    assert max(jax.tree.leaves(jax.tree.map(lambda a, b: np.max(np.abs(a - b)), begun, ours))) > 1e-3


def test_scores_are_beside_real_clips_and_such_as_do_not_move_so(run):
    (found,) = read_all(run.metrics)
    scores = found.scores
    assert scores["real_speed_w1"] == scores["real_turn_w1"] == scores["still_turn_w1"] == 0
    assert scores["still_speed_w1"] == pytest.approx(1)
    assert scores["shuffled_turn_w1"] > 1
    assert {"speed_w1", "direction_w1", "pixels_fid", "real_pixels_fid"} <= scores.keys()
    assert "same_class" not in scores
    assert (found.protocol["samples"], found.protocol["things"]) == (20, "clips")


def test_grids_are_film_strips(run):
    with Image.open(run.sample(4, ".png")) as strips:
        assert strips.size == (8 * (16 * 9 - 1), 8 * (16 * 9 - 1))  # 64 clips, four side by side, eight times as large
    assert not run.animation.exists()


def test_samples_move_or_are_strips_or_arrays_and_nothing_else(run, tmp_path, capsys):
    for name in ("few.gif", "few.npz", "few.png"):
        assert main(["sample", str(run.path), "--count", "3", "--out", str(tmp_path / name)]) == 0
        assert "3 clips from the averaged weights of step 4" in capsys.readouterr().out
    arrays = np.load(tmp_path / "few.npz")["images"]
    assert (arrays.shape, arrays.dtype) == ((3, 4, 8, 8, 1), np.uint8)
    with Image.open(tmp_path / "few.gif") as moving:
        assert (moving.size, moving.n_frames, moving.info["duration"]) == ((8 * 17, 8 * 17), 4, 100)
    assert main(["sample", str(run.path), "--out", "few.txt"]) == 2
    assert "out: few.txt should end in .gif (a grid that moves)" in capsys.readouterr().err


def test_a_run_is_scored_again(run, clips, tmp_path, capsys):
    assert main(["evaluate", str(run.path), "--features", "pixels", "--samples", "22"]) == 0
    said = capsys.readouterr().out
    assert "comparing 22 clips of step 4 with 44 of mine" in said
    assert "shuffled turn W1 ↓" in said
    real = to_frames(load_data(small(clips)).images[:], 4)
    assert apart(motion(real), motion(real))["speed_w1"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--data.frames 6", "00.gif: 4 frames, of clips of 6; lower --data.frames"),
        ("--data.frames 2", "data.frames: a clip has 3 frames or more, not 2"),
        ("--model.judged 3", "model.judged: expected a divisor of the 4 frames, got 3"),
        ("--model.motion 2", "model.latent_size: 4 frames take 8 dimensions of noise, and 8 leave none of content"),
        ("--model dcgan", "model: dcgan makes pictures, and the data are clips; take --model mocogan"),
        ("--data.size 9", "data.size: model mocogan makes 8, 16, 28, 32, 64, 128 pixels"),
        ("--conditional", "model: mocogan is told no labels; add --no-conditional"),
        ("--augment diff_augment", "augment.name: augmentations are of pictures, not of clips; drop --augment"),
        ("--parallel pmap", "parallel: pmap is not for clips; choose jit"),
        ("--evaluate.best js4", "evaluate.best: js4 is no score of clips; add --evaluate.best speed_w1"),
        ("--data.clusters 3", "data.clusters: is of pictures, not of clips; leave it out"),
        ("--data.path clips.npz", "data.path: clips are animated GIF or WebP files, not arrays"),
        ("--data mnist", "model: mocogan makes clips, and the data are pictures"),
    ],
)
def test_what_cannot_be_is_one_line(clips, tmp_path, capsys, options, said):
    least = (
        f"train moving_mnist --data.path {clips} --data.size 8 --data.frames 4 --data.channels 1 --batch-size 4 "
        f"--model.latent-size 8 --model.motion 1 --model.judged 2 --run {tmp_path / 'run'}"
    )
    line = least.split(" --model.")[0] + f" --run {tmp_path / 'run'}" if "--model dcgan" in options else least
    assert main(f"{line} {options}".split()) in (2, 3)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
