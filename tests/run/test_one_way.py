"""Runs from one domain to another: trained, killed, judged, applied the one way, on one device and on two."""

import json
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import CUT, CadenceConfig, Config, DataConfig, EvaluateConfig, RestyledOneWay
from gan_jax.config.build import build_gan, load_data
from gan_jax.gan import init
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.scoreboard import read_all
from gan_jax.run.training import example, make_step
from gan_jax.tasks.degradations import outlines

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:a Fréchet distance of:UserWarning"),
]

TINY = Config(
    data=DataConfig(name="digits"),
    task=RestyledOneWay(),
    model=CUT(generator_width=2, discriminator_width=2, blocks=1, layers=1, patches=6, features=16),
    loss="least_squares",
    batch_size=4,
    steps=4,
    every=CadenceConfig(log=1, sample=4, checkpoint=2),
    evaluate=EvaluateConfig(every=4, samples=40, features="pixels"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is over. Tests that change it copy it."""
    path = tmp_path_factory.mktemp("one_way") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_JAX_CACHE", str(path.parent / "cache"))
        train(TINY, path)
    return RunFolder(path)


def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, tmp_path, monkeypatch):
    """Places are drawn anew in each step: of the step's number, not of how long a process has run."""
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    assert_a_killed_copy_ends_alike(run, TINY, tmp_path / "killed")


def test_what_is_made_is_judged_beside_its_truth_as_of_a_task_of_both_ways(run):
    (found,) = read_all(run.metrics)
    test = load_data(TINY).test
    truth = test.images[:40, :8].astype(np.float32) / 127.5 - 1
    given = np.round(np.asarray(outlines(truth)) * 127.5 + 127.5) / 127.5 - 1
    np.testing.assert_allclose(found.scores["baseline_l1"], np.mean(np.abs(given - truth)), rtol=1e-4)
    assert {"psnr", "pixels_fid", "baseline_pixels_fid"} <= found.scores.keys()
    assert found.protocol["reference"] == f"digits, the {len(test)} held-out restyled_one_way images, 8x8x1"
    rows = json.loads(run.metrics.read_text().splitlines()[0])
    assert {"g/contrast", "g/contrast_of_real"} <= rows.keys()


def test_pictures_are_translated_the_one_way_alone(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((14, 10), 60).save("picture.png")
    assert main(["apply", str(run.path), "picture.png", "--out", "there.png"]) == 0
    assert np.asarray(Image.open("there.png")).shape == (10, 14)
    assert main(["apply", str(run.path), "picture.png", "--out", "back.png", "--reverse"]) == 2
    assert "was trained for restyled_one_way, which goes one way; drop --reverse" in capsys.readouterr().err
    assert not (tmp_path / "back.png").exists()


def after_a_step(devices):
    """By plain SGD, whose steps are as close as its gradients."""
    sgd = optax.sgd(0.01)
    gan = replace(build_gan(TINY, 10), generator_optimizer=sgd, discriminator_optimizer=sgd)
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example(TINY)), mesh)
    begun = jax.device_get((state.generator.weights, state.discriminator.weights))
    step = parallel.compile_step(make_step(TINY, gan), mesh)
    state, metrics = step(state, parallel.put_batch(mesh, load_data(TINY).images[:4]))
    return begun, jax.device_get((state.generator.weights, state.discriminator.weights)), metrics


def test_two_devices_take_the_step_of_one():
    (begun, ours, rows), (_, theirs, others) = after_a_step(1), after_a_step(2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), ours, theirs)
    moved = jax.tree.map(lambda a, b: np.max(np.abs(a - b)), begun, ours)
    assert max(jax.tree.leaves(moved)) > 2e-3
    np.testing.assert_allclose(rows["g/contrast"], others["g/contrast"], rtol=1e-4)
