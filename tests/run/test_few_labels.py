"""Runs that make a classifier of few labels: trained, killed, judged, drawn from, on one device and on two."""

import shutil
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from PIL import Image
from runs import assert_a_killed_copy_ends_alike, built_once

from gan_jax import parallel, per_device
from gan_jax.cli import main
from gan_jax.config import FMGAN, CadenceConfig, Config, DataConfig, EvaluateConfig, FewLabels
from gan_jax.config.build import build_gan, load_data
from gan_jax.data.batches import read_beside_labelled
from gan_jax.data.labelled import few
from gan_jax.gan import init
from gan_jax.images import to_float
from gan_jax.run.checkpoints import newest
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.scoreboard import read_all, table
from gan_jax.run.training import abstract_state, example, make_step

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of 20 samples:UserWarning")


def small(**changes):
    """Twenty of the digits with a label."""
    settings = {
        "data": DataConfig(name="digits"),
        "task": FewLabels(labels=20),
        "model": FMGAN(latent_size=8, generator_width=16, discriminator_width=32),
        "batch_size": 32,
        "steps": 4,
        "every": CadenceConfig(log=1, sample=4, checkpoint=2),
        "evaluate": EvaluateConfig(every=2, samples=20, features="pixels", best="error"),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that is over. Tests that change it copy it."""

    def build(folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GAN_JAX_CACHE", str(folder / "cache"))
            train(small(), folder / "run")

    return RunFolder(built_once(tmp_path_factory, "few", build) / "run")


@pytest.mark.slow  # the loop of test_tasks.py and test_text.py, which are quick
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, tmp_path, monkeypatch):
    """Labelled images come again in their order, and so do the scores."""
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    assert_a_killed_copy_ends_alike(run, small(), tmp_path / "killed")


def test_the_error_is_that_of_the_discriminator_over_the_images_held_out(run):
    """Computed here anew."""
    first, last = read_all(run.metrics)
    state = newest(run.checkpoints, lambda notes: abstract_state(small(), 10)).state
    test, gan = load_data(small()).test, build_gan(small(), 10)
    params, _ = state.discriminator.weights
    logits = gan.discriminator.apply({"params": params}, to_float(test.images)).logits
    assert last.scores["error"] == pytest.approx(np.mean(np.argmax(logits, -1) != test.labels))
    assert {"error", "pixels_fid"} <= first.scores.keys()
    assert "error of the discriminator, not averaged, over 180 test images" in last.protocol["conventions"]
    assert last.protocol["reference"] == "digits, the 1617 training images, 8x8x1"
    kept = newest(run.best, lambda notes: abstract_state(small(), 10)).notes["best"]
    assert (kept["metric"], kept["value"]) == ("error", min(e.scores["error"] for e in (first, last)))


def test_pictures_are_named_by_the_command_line(run, tmp_path, capsys):
    """Held-out images, one of them four times as large and in colour: the classes that make up the error."""
    test = load_data(small()).test
    for i, image in enumerate(test.images[:20]):
        picture = Image.fromarray(image[..., 0])
        picture = picture.resize((32, 32), Image.Resampling.NEAREST).convert("RGB") if i == 3 else picture
        (tmp_path / "in").mkdir(exist_ok=True)
        picture.save(tmp_path / f"in/{i:02d}.png")
    assert main(["apply", str(run.path), str(tmp_path / "in"), "--out", str(tmp_path / "named.tsv")]) == 0
    assert "20 pictures, named by the discriminator of step 4: " in capsys.readouterr().out
    head, *rows = [line.split("\t") for line in (tmp_path / "named.tsv").read_text().splitlines()]
    assert head == ["picture", "class", "probability"]
    state, gan = newest(run.checkpoints, lambda notes: abstract_state(small(), 10)).state, build_gan(small(), 10)
    logits = gan.discriminator.apply({"params": state.discriminator.weights[0]}, to_float(test.images[:20])).logits
    likely = np.asarray(jax.nn.softmax(logits))
    for i, (name, found, share) in enumerate(rows):
        assert (name, found) == (f"{i:02d}.png", str(np.argmax(likely[i]))) or i == 3
        assert float(share) == pytest.approx(np.max(likely[i]), abs=6e-4) or i == 3
    (tmp_path / "in/00.png").rename(tmp_path / "0\t0.png")  # a name that would be two cells
    assert main(["apply", str(run.path), str(tmp_path / "0\t0.png")]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["\t".join(head), "\t".join(["0?0.png", *rows[0][1:]])]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("digit.png --mask digit.png", 2, "mask: does nothing of a run that names pictures, which makes none; drop"),
        ("digit.png --raw", 2, "raw: does nothing of a run that names pictures"),
        ("digit.png --out named.png", 2, "named.png should end in .tsv (a table)"),
        ("digit.png --out there.tsv", 2, "there.tsv is there already; name another place with --out"),
        (".", 3, "torn.png cannot be read: not an image; mend it, or take it away"),
        ("nowhere.png", 3, "nowhere.png: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_named_is_one_line(run, tmp_path, monkeypatch, capsys, arguments, code, told):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("digit.png")
    Path("torn.png").write_text("no picture")
    Path("there.tsv").write_text("kept")
    before = sorted(Path().iterdir())
    assert main(["apply", str(run.path), *arguments.split()]) == code
    out, err = capsys.readouterr()
    assert told in err
    assert (out, err.count("\n"), Path("there.tsv").read_text()) == ("", 1, "kept")
    assert sorted(Path().iterdir()) == before


def test_the_baseline_is_the_error_of_the_nearest_labelled_image(run):
    """Computed here anew, of the twenty that the run was shown."""
    data = load_data(small())
    shown = few(data, 20, small().seed)
    rows = np.flatnonzero(shown >= 0)
    apart = data.test.images[:, None].astype(int) - data.images[rows][None]
    told = shown[rows][np.argmin(np.sum(apart**2, axis=(2, 3, 4)), axis=1)]
    found = read_all(run.metrics)[-1]
    assert found.scores["baseline_error"] == pytest.approx(np.mean(told != data.test.labels))
    assert 0 < found.scores["baseline_error"] < 0.6
    assert "baseline error ↓" in "\n".join(table([found]))


@pytest.mark.slow  # for what it compiles
def test_it_is_drawn_from_and_scored_by_the_command_line(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GAN_JAX_CACHE", str(run.path.parent / "cache"))
    copy = shutil.copytree(run.path, tmp_path / "copy")
    assert main(["sample", str(copy), "--count", "3", "--out", str(tmp_path / "few.npz")]) == 0
    assert np.load(tmp_path / "few.npz")["images"].shape == (3, 8, 8, 1)
    assert main(["evaluate", str(copy), "--samples", "20", "--features", "pixels"]) == 0
    shown = capsys.readouterr().out
    assert "comparing 20 images of step 4 with 1,617 of digits" in shown
    assert "error ↓" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--task.labels 25", "digits: 25 labels are not as many of each of 10 classes; try --task.labels 30"),
        ("--task.labels 5000", "of which 500 would be labelled; lower --task.labels to"),
        ("--conditional", "conditional: networks of --task few_labels are given few labels, not the images' classes"),
    ],
)
def test_labels_that_cannot_be_shown_are_refused_and_nothing_is_written(options, said, tmp_path, capsys):
    given = f"--no-conditional --task few_labels --model fmgan --penalty.r1 0 --run {tmp_path / 'run'} {options}"
    assert main(f"train digits {given}".split()) in (2, 3)
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run" / "config.json").exists()


def after_two_steps(config, way, devices):
    gan, data = build_gan(config, 10), load_data(config)
    gan = replace(gan, generator_optimizer=optax.sgd(0.01), discriminator_optimizer=optax.sgd(0.01))
    labels = few(data, config.task.labels, config.seed)
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = way.make_state(lambda: init(gan, jax.random.key(0), example(config)), mesh)
    step = way.compile_step(make_step(config, gan, way), mesh)
    for i in range(2):
        batch = read_beside_labelled(data.images, labels, i, batch_size=config.batch_size, seed=0)
        state, metrics = step(state, way.put_batch(mesh, *batch))
    state, metrics = way.first(state), way.first(metrics)
    return jax.device_get((state.generator.weights, state.discriminator.weights)), metrics


@pytest.mark.slow
@pytest.mark.parametrize("way", [parallel, per_device])
def test_two_devices_take_the_steps_of_one(way):
    (ours, rows), (theirs, others) = after_two_steps(small(), parallel, 1), after_two_steps(small(), way, 2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)
    np.testing.assert_allclose(rows["g/loss"], others["g/loss"], rtol=1e-4)
