"""Runs between two domains: trained, killed, judged, applied both ways, on one device and on two."""

import io
import json
import shutil
import zipfile
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import CadenceConfig, Config, CycleGAN, DataConfig, EvaluateConfig, Restyled
from gan_jax.config.build import build_gan, load_data
from gan_jax.gan import init
from gan_jax.run.drawing import as_made
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.pictures import enlargement
from gan_jax.run.scoreboard import read_all
from gan_jax.run.training import example, make_step
from gan_jax.tasks.degradations import outlines

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of:UserWarning")

TINY = Config(
    data=DataConfig(name="digits"),
    task=Restyled(pool=6),  # full after two steps
    model=CycleGAN(generator_width=2, discriminator_width=2, blocks=1, layers=1),
    loss="least_squares",
    batch_size=4,
    steps=4,
    every=CadenceConfig(log=1, sample=4, checkpoint=2),
    evaluate=EvaluateConfig(every=4, samples=40, features="pixels"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is over. Tests that change it copy it."""
    path = tmp_path_factory.mktemp("domains") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_JAX_CACHE", str(path.parent / "cache"))
        train(TINY, path)
    return RunFolder(path)


@pytest.mark.slow
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    assert_a_killed_copy_ends_alike(run, TINY, tmp_path / "killed")


@pytest.mark.slow
def test_what_is_made_is_judged_beside_its_truth_and_the_domain_that_it_should_be_in(run):
    """The baseline's distance, computed here anew: of outlines as they are to what they were drawn of."""
    (found,) = read_all(run.metrics)
    test = load_data(TINY).test
    truth = test.images[:40, :8].astype(np.float32) / 127.5 - 1
    given = np.round(np.asarray(outlines(truth)) * 127.5 + 127.5) / 127.5 - 1
    np.testing.assert_allclose(found.scores["baseline_l1"], np.mean(np.abs(given - truth)), rtol=1e-4)
    assert {"psnr", "baseline_psnr", "pixels_fid", "baseline_pixels_fid"} <= found.scores.keys()
    assert found.protocol["reference"] == f"digits, the {len(test)} held-out restyled images, 8x8x1"
    assert {"g/cycle", "g/identity"} <= json.loads(run.metrics.read_text().splitlines()[0]).keys()


@pytest.mark.parametrize("reverse", [False, True])
def test_images_are_compared_with_those_of_the_other_domain_under_labels_of_their_own(reverse):
    data = load_data(TINY).test
    made = as_made(replace(TINY, task=replace(TINY.task, reverse=reverse)), data)
    above, below = data.images[:, :8], data.images[:, 8:]
    drawn = np.round(np.clip(np.asarray(outlines(above / np.float32(127.5) - 1)) * 127.5 + 127.5, 0, 255))
    np.testing.assert_array_equal(made.images[:], drawn.astype(np.uint8) if reverse else below)
    np.testing.assert_array_equal(made.labels, data.labels[:, 1 - reverse])


@pytest.mark.slow
def test_a_grid_has_what_was_given_what_was_made_and_the_truth(run):
    with Image.open(run.sample(4)) as grid:
        pixels = np.asarray(grid)
    factor = enlargement((8, 8))
    cell = lambda i: pixels[: 8 * factor : factor, 9 * factor * i : (9 * i + 8) * factor : factor]
    truth = load_data(TINY).test.images[0, :8, :, 0]
    np.testing.assert_array_equal(cell(2), truth)
    expected = np.asarray(outlines(truth[None, ..., None] / np.float32(127.5) - 1))[0, ..., 0] * 127.5 + 127.5
    np.testing.assert_allclose(cell(0), expected, atol=0.51)
    assert not np.array_equal(cell(1), cell(0))


@pytest.mark.slow
def test_the_share_of_images_whose_class_survives_is_told_beside_that_of_what_was_given(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    copy = shutil.copytree(run.path, tmp_path / "copy")
    assert main(["evaluate", str(copy), "--samples", "1000"]) == 0
    scores = read_all(RunFolder(copy).metrics)[-1].scores
    assert 0 <= scores["label_accuracy"] <= 1
    assert 0 <= scores["baseline_label_accuracy"] <= 1


@pytest.mark.slow
def test_pictures_of_other_sizes_are_translated_either_way(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.effect_noise((14, 10), 60).save("picture.png")
    assert main(["apply", str(run.path), "picture.png", "--out", "there.png"]) == 0
    assert main(["apply", str(run.path), "picture.png", "--out", "back.png", "--reverse"]) == 0
    there, back = (np.asarray(Image.open(name)) for name in ("there.png", "back.png"))
    assert there.shape == back.shape == (10, 14)
    assert not np.array_equal(there, back)


@pytest.mark.slow
def test_pictures_of_ones_own_have_no_truth_to_be_shown(tmp_path, monkeypatch):
    """From a zip, in folders that do not match, mirrored."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    with zipfile.ZipFile("both.zip", "w") as archive:
        for folder, count in (("A", 24), ("B", 30)):
            for i in range(count):
                png = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).save(png, "PNG")
                archive.writestr(f"{folder}/{folder}{i}.png", png.getvalue())
    networks = "--model cyclegan --model.generator-width 2 --model.discriminator-width 2 --model.blocks 1"
    rest = "--no-conditional --data.size 8 --data.flip --batch-size 4 --steps 2 --every.sample 2 --every.checkpoint 2"
    command = f"train digits --data.path both.zip --task unpaired {networks} --model.layers 1 {rest} --run both"
    assert main(command.split()) == 0
    with Image.open(RunFolder(tmp_path / "both").sample(2)) as grid:
        factor = enlargement((8, 8))
        shown = np.asarray(grid)[: 8 * factor, :: 9 * factor]
    assert shown.any(axis=(0, 2)).tolist() == [True] * 4 + [False] * 8  # two pictures of A, and what became of each


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


@pytest.mark.slow
def test_two_devices_take_the_step_of_one():
    """To what normalisation over four pixels makes of rounding; with layers in float64 they were 3e-10 apart."""
    (begun, ours, rows), (_, theirs, others) = after_a_step(1), after_a_step(2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), ours, theirs)
    moved = jax.tree.map(lambda a, b: np.max(np.abs(a - b)), begun, ours)
    assert max(jax.tree.leaves(moved)) > 2e-3
    np.testing.assert_allclose(rows["g/cycle"], others["g/cycle"], rtol=1e-4)
