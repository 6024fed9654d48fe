"""Runs of a task: trained, killed, judged beside the truth and the baseline, on one device and on two."""

import shutil
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import (
    ESRGAN,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Inpainting,
    Pairs,
    Pix2Pix,
    Segmentation,
    SuperResolution,
)
from gan_jax.config.build import build_gan, load_data
from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError
from gan_jax.gan import init
from gan_jax.images import to_bytes, to_float
from gan_jax.metrics.fidelity import l1, psnr, ssim
from gan_jax.run import comparing
from gan_jax.run.evaluation import make_judge
from gan_jax.run.files import RunFolder
from gan_jax.run.judging import Asked
from gan_jax.run.loop import train
from gan_jax.run.pictures import enlargement
from gan_jax.run.scoreboard import read_all, table
from gan_jax.run.training import example, make_step
from gan_jax.tasks.task import made

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of 20 samples:UserWarning")

SAMPLES = 20


def small(**changes):
    """Boxes in digits that are large enough for SSIM."""
    settings = {
        "data": DataConfig(name="digits", size=16),
        "task": Inpainting(holes="boxes", l1=10.0),
        "model": Pix2Pix(generator_width=4, discriminator_width=4, depth=2, layers=1),
        "batch_size": 4,
        "steps": 4,
        "every": CadenceConfig(log=1, sample=4, checkpoint=2),
        "evaluate": EvaluateConfig(every=4, samples=SAMPLES, features="pixels"),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is over. Tests that change it copy it."""
    path = tmp_path_factory.mktemp("task") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_JAX_CACHE", str(path.parent / "cache"))
        train(small(), path)
    return RunFolder(path)


def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, tmp_path, monkeypatch):
    """Holes are drawn again as they were, and scores come again with the same bytes."""
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    assert_a_killed_copy_ends_alike(run, small(), tmp_path / "killed")


def test_scores_are_those_of_held_out_images_beside_the_truth_and_the_baseline(run):
    """The baseline's, computed here anew: of the first images that were held out, each with a hole of its own."""
    (found,) = read_all(run.metrics)
    test = load_data(small()).test
    task, (key, *_) = small().task.build(), jax.random.split(jax.random.key(0), 3)
    images = jnp.asarray(test.images[:SAMPLES])
    batch = jax.vmap(
        lambda i, image: jax.tree.map(lambda leaf: leaf[0], made(task, jax.random.fold_in(key, i), image[None]))
    )(jnp.arange(SAMPLES), images)
    without, hole = to_float(to_bytes(task.baseline(batch.condition))), task.marked(batch.condition)
    squared = 4 / 10 ** (psnr(without, batch.images, hole) / 10)
    for name, expected in {
        "baseline_psnr": 10 * np.log10(4 / np.mean(squared)),
        "baseline_l1": np.mean(l1(without, batch.images, hole)),
        "baseline_ssim": np.mean(ssim(without, batch.images)),
    }.items():
        np.testing.assert_allclose(found.scores[name], expected, rtol=1e-4)
        assert np.isfinite(found.scores[name.removeprefix("baseline_")])
    assert {"pixels_fid", "baseline_pixels_fid"} <= found.scores.keys()
    real, filled, true = (
        np.asarray(to_float(x), np.float64).reshape(len(x), -1) for x in (test.images, without, images)
    )
    unit = np.sqrt(2 * np.sum(np.var(real, axis=0, ddof=1)))  # these are small: their features are the pixels
    expected = np.mean(np.linalg.norm(filled - true, axis=1)) / unit
    np.testing.assert_allclose(found.scores["baseline_pixels_feature_distance"], expected, rtol=1e-4)
    assert 0 < found.scores["pixels_feature_distance"] < 1
    assert "pixels feature distance ↓" in "\n".join(table([found]))
    assert found.protocol["reference"] == "digits, the 180 held-out inpainting images, 16x16x1"
    assert (found.protocol["samples"], found.protocol["compared"]) == (SAMPLES, SAMPLES)


@pytest.mark.slow
def test_a_run_can_be_scored_again_and_of_no_more_images_than_were_held_out(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    copy = shutil.copytree(run.path, tmp_path / "copy")
    assert main(["evaluate", str(copy), "--samples", "1000", "--features", "pixels"]) == 0
    assert "comparing 180 images of step 4 with 180 of digits" in capsys.readouterr().out
    first, again = read_all(RunFolder(copy).metrics)
    assert again.protocol["samples"] == 180
    assert again.scores.keys() == first.scores.keys()


def test_memory_is_asked_for_what_is_compared_and_not_for_what_nobody_draws(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    copy, asked = shutil.copytree(run.path, tmp_path / "copy"), []
    monkeypatch.setattr(comparing, "require_memory", lambda needed, what, mend: asked.append(what))
    assert main(["evaluate", str(copy), "--features", "pixels"]) == 0
    comparing.check_beforehand(replace(small(), evaluate=EvaluateConfig()), load_data(small()))
    assert {what.partition(" images")[0] for what in asked} == {"samples: 180"}


@pytest.mark.parametrize(
    "config",
    [small(), small(data=DataConfig(name="cluttered_mnist"), task=Segmentation(classes=3), evaluate=EvaluateConfig())],
    ids=lambda config: config.task.called,
)
def test_too_few_held_out_images_are_no_scores_and_what_would_help_is_told(config):
    """Held in memory, too, of which what is judged is a copy."""
    size = (4, *config.read_size, config.data.image_channels)
    few = Dataset("few", np.zeros(size, np.uint8))
    data, kind = replace(few, images=np.zeros((36, *size[1:]), np.uint8), test=few), config.evaluate.features
    with pytest.raises(
        DataError, match=r"20 images or more, .* there are 4 held out; raise --task\.test in another run"
    ):
        make_judge(config, build_gan(config, 0), data, None, Asked(SAMPLES, kind), mesh=parallel.make_mesh(), say=print)


def test_a_grid_has_what_was_given_what_was_made_and_the_truth_side_by_side(run):
    """Where the hole is not, all three are the same."""
    with Image.open(run.sample(4)) as grid:
        pixels = np.asarray(grid)
    factor = enlargement((16, 16))
    assert pixels.shape[1] == (12 * 17 - 1) * factor
    cells = [pixels[: 16 * factor, 17 * factor * i : 17 * factor * i + 16 * factor] for i in range(3)]
    given, drawn, truth = (cell[::factor, ::factor] for cell in cells)
    test = load_data(small()).test
    np.testing.assert_array_equal(truth, test.images[0, ..., 0])
    known = given != 128  # zeros in the hole
    assert 0.1 < np.mean(~known) < 0.8
    np.testing.assert_array_equal(drawn[known], truth[known])
    np.testing.assert_array_equal(given[known], truth[known])


def test_samples_of_nothing_are_refused(run, capsys):
    assert main(["sample", str(run.path), "--count", "4"]) == 2
    assert "was trained for inpainting of something given; use gan-jax apply" in capsys.readouterr().err


def test_a_run_of_a_task_can_be_looked_at_before_it_is_begun(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    task = "--no-conditional --task inpainting --task.holes boxes --task.l1 10 --batch-size 4"
    model = "--model pix2pix --model.generator-width 4 --model.discriminator-width 4 --model.depth 1 --model.layers 1"
    assert main(f"train digits {task} {model} --dry-run".split()) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


TINY = small(data=DataConfig(), model=Pix2Pix(generator_width=4, discriminator_width=4, depth=1, layers=1))


def gentle(config):
    """The GAN of a config by plain SGD, whose steps are as close as its gradients."""
    sgd = optax.sgd(0.01)
    return replace(build_gan(config, 0), generator_optimizer=sgd, discriminator_optimizer=sgd)


def after_two_steps(config, gan, devices):
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example(config)), mesh)
    step = parallel.compile_step(make_step(config, gan), mesh)
    size = (4, *config.read_size, config.data.image_channels)
    for i in range(2):
        images = np.random.default_rng(i).integers(0, 256, size, np.uint8)
        images = images % 3 if config.task.of_masks else images
        state, metrics = step(state, parallel.put_batch(mesh, images))
    return jax.device_get((state.generator.weights, state.discriminator.weights)), metrics


LARGER = replace(
    TINY,
    task=SuperResolution(factor=2, l1=1.0),
    model=ESRGAN(generator_width=4, discriminator_width=2, depth=1, blocks=1, growth=2),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (TINY, "g/l1"),
        (LARGER, "g/l1"),
        (replace(TINY, task=Pairs(l1=1.0)), "g/l1"),
        (replace(TINY, task=Segmentation(classes=3)), "g/cross_entropy"),
    ],
    ids=lambda of: of.task.called if isinstance(of, Config) else of,
)
def test_two_devices_make_what_is_given_and_the_steps_of_one(config, shown):
    gan = gentle(config)
    (ours, rows), (theirs, others) = (after_two_steps(config, gan, devices) for devices in (1, 2))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)
    np.testing.assert_allclose(rows[shown], others[shown], rtol=1e-4)


@pytest.mark.slow
def test_a_killed_run_of_super_resolution_ends_as_if_it_were_not(tmp_path):
    config = replace(LARGER, evaluate=EvaluateConfig())
    train(config, tmp_path / "run")
    assert_a_killed_copy_ends_alike(RunFolder(tmp_path / "run"), config, tmp_path / "killed")


def test_without_a_game_the_generator_learns_from_the_truth_and_the_discriminator_rests():
    config = replace(TINY, loss="none")
    gan = build_gan(config, 0)
    begun = init(gan, jax.random.key(0), example(config))
    (generator, discriminator), metrics = after_two_steps(config, gan, 1)
    assert metrics["d/loss"] == metrics["g/loss"] == 0
    assert 0 < metrics["g/l1"] < 2
    jax.tree.map(np.testing.assert_array_equal, discriminator.params, begun.discriminator.weights.params)
    moved = jax.tree.map(
        lambda a, b: not np.allclose(a, b, atol=1e-6), generator.params, begun.generator.weights.params
    )
    assert all(jax.tree.leaves(moved))
