"""Runs on text: trained, killed, read, judged beside the training text and n-gram models, on one device and on two."""

import shutil
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import (
    AdamConfig,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Likelihood,
    PenaltyConfig,
    RelGAN,
    WGANText,
    recipes,
)
from gan_jax.config.build import build_gan, load_data
from gan_jax.config.schema import with_values
from gan_jax.errors import ConfigError, DataError
from gan_jax.gan import init
from gan_jax.metrics.ngrams import divergences
from gan_jax.run.files import RunFolder
from gan_jax.run.logs import ASKED, read_rows
from gan_jax.run.loop import train
from gan_jax.run.scoreboard import read_all
from gan_jax.run.training import example, make_step

TEXT = "the cat sat on the mat\nand then that hat ate the oat\n" * 40


def small(path, **changes):
    settings = {
        "data": DataConfig(name="text", path=str(path), size=8, alphabet=16),
        "model": WGANText(
            latent_size=4, generator_width=4, discriminator_width=4, blocks=1, spelling="straight_through"
        ),
        "loss": "wasserstein",
        "penalty": PenaltyConfig(wgan_gp=10.0),
        "discriminator_steps": 2,
        "batch_size": 4,
        "steps": 4,
        "generator": AdamConfig(beta1=0.5, beta2=0.9),
        "every": CadenceConfig(log=1, sample=4, checkpoint=2),
        "evaluate": EvaluateConfig(every=4, samples=20, best="js4"),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "mine.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def run(text):
    """A run that is over. Tests that change it copy it."""
    train(small(text), text.parent / "run")
    return RunFolder(text.parent / "run")


@pytest.mark.slow  # the loop of test_tasks.py
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, text, tmp_path):
    """Characters are drawn again as they were."""
    assert_a_killed_copy_ends_alike(run, small(text), tmp_path / "killed")


@pytest.mark.slow
def test_the_recipe_at_the_published_settings_trains(text, tmp_path):
    least = {"batch_size": 4, "steps": 2, "every.log": 1, "data.path": str(text), "data.size": 8, "data.alphabet": 16}
    least |= {f"model.{key}": 4 for key in ("latent_size", "generator_width", "discriminator_width")}
    least |= {"model.blocks": 1, "evaluate.every": None}
    train(with_values(recipes.load("text_wgan_gp"), least), tmp_path / "run")
    assert len(rows := RunFolder(tmp_path / "run").metrics.read_text().splitlines()) == 2
    assert "NaN" not in "".join(rows)


def test_scores_are_of_as_many_pieces_beside_the_training_text_and_models_of_it(run, text):
    (found,) = read_all(run.metrics)
    data = load_data(small(text))
    pieces = lambda source: source.images[np.linspace(0, len(source) - 1, 20).astype(int)].reshape(20, 8)
    for name, value in divergences(pieces(data), pieces(data.test)).items():
        assert found.scores[f"training_{name}"] == pytest.approx(value)
        assert found.scores["markov1_js4"] > found.scores["training_js4"] > 0
        assert 0 < found.scores[name] <= 1
    assert found.protocol["reference"] == "the last 0.1 of the text, 26 pieces of 8 characters"
    assert (found.protocol["samples"], found.protocol["compared"]) == (20, 20)


def test_grids_are_lines_of_a_file_and_the_curves_are_there(run):
    assert "pieces of mine.txt, 26 more held out, on " in run.log.read_text()
    drawn = run.sample(4, ".txt").read_text("utf-8").splitlines()
    assert (len(drawn), {len(line) for line in drawn}) == (64, {8})
    real = (run.path / "real.txt").read_text("utf-8").splitlines()
    assert all(line.replace("\u240a", "\n") in TEXT for line in real)
    assert run.curves.exists()
    assert not run.scores.exists()  # a single point is no curve
    assert not run.animation.exists()
    assert not list(run.path.rglob("step_*.png"))
    assert str(run.animation) not in run.log.read_text("utf-8")


def test_samples_are_printed_or_written_and_are_no_pictures(run, tmp_path, capsys):
    assert main(["sample", str(run.path), "--count", "3"]) == 0
    *lines, told = capsys.readouterr().out.splitlines()
    assert told == "3 pieces from the averaged weights of step 4"
    assert main(["sample", str(run.path), "--count", "3", "--out", str(tmp_path / "few.txt")]) == 0
    assert (tmp_path / "few.txt").read_text("utf-8").splitlines() == lines
    assert main(["sample", str(run.path), "--out", "few.png"]) == ConfigError.exit_code
    assert "out: few.png should end in .txt (a line for each)" in capsys.readouterr().err


def test_a_run_is_scored_again_and_not_in_features_of_pictures(run, tmp_path, capsys):
    copy = RunFolder(shutil.copytree(run.path, tmp_path / "copy"))
    assert main(["evaluate", str(copy.path), "--samples", "26"]) == 0
    said = capsys.readouterr().out
    assert "comparing 26 pieces of step 4 with 26 of mine.txt" in said
    assert "js4 ↓" in said
    row = read_rows(copy.metrics)[-1]
    assert row[ASKED]
    assert row["protocol"]["compared"] == 26
    assert main(["evaluate", str(copy.path), "--features", "pixels"]) == ConfigError.exit_code
    assert "features: text is compared by its n-grams, not in pixels" in capsys.readouterr().err


def test_nothing_can_be_made_of_pictures(run, capsys):
    assert main(["apply", str(run.path), "mine.png"]) == ConfigError.exit_code
    assert "draws samples; use gan-jax sample" in capsys.readouterr().err


def test_a_run_does_not_go_on_with_another_text(run, text, tmp_path):
    copy, other = shutil.copytree(run.path, tmp_path / "copy"), tmp_path / "other.txt"
    other.write_text(TEXT.replace("mat", "mäh"))
    with pytest.raises(DataError, match=r"other\.txt: the data are not those that this run was trained on"):
        train(small(other, steps=6), copy)


@pytest.mark.slow  # the preview of test_tasks.py
def test_a_run_can_be_looked_at_before_it_is_begun(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = "--model.generator-width 4 --model.discriminator-width 4 --model.blocks 1 --data.size 8"
    assert main(f"train shakespeare --data.path {text} {options} --dry-run".split()) == 0
    assert "mine.txt: 1901 pieces (1, 8, 1)" in capsys.readouterr().out


def after_two_steps(config, gan, data, devices):
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = parallel.make_state(lambda: init(gan, jax.random.key(0), example(config)), mesh)
    step = parallel.compile_step(make_step(config, gan), mesh)
    for i in range(2):
        state, _ = step(state, parallel.put_batch(mesh, data.images[4 * i : 4 * i + 4]))
    return jax.device_get((state.generator.weights, state.discriminator.weights))


@pytest.mark.slow  # of what it is made, test_relgan.py and docs/tasks.md have quick tests
def test_a_writer_that_is_to_be_likely_plays_the_game_too_and_prints_what_it_writes(text, tmp_path, capsys):
    """Bits of a character are at first those of a choice among all of the alphabet, and fall."""
    run = small(
        text,
        model=RelGAN(latent_size=8 * 16, generator_width=8, discriminator_width=4, embedding=4, views=2),
        task=Likelihood(),
        loss="relativistic",
        penalty=PenaltyConfig(),
        discriminator_steps=1,
        batch_size=16,
        generator=AdamConfig(learning_rate=0.05),
        steps=20,
        evaluate=EvaluateConfig(),
    )
    train(run, tmp_path / "run")
    rows = list(read_rows(RunFolder(tmp_path / "run").metrics))
    assert rows[0]["g/bits"] == pytest.approx(4, abs=0.6)
    assert rows[-1]["g/bits"] < rows[0]["g/bits"] - 1
    assert all(row["d/loss"] > 0 for row in rows)
    capsys.readouterr()
    assert main(["sample", str(tmp_path / "run"), "--count", "3"]) == 0
    *written, told = capsys.readouterr().out.splitlines()
    assert [len(line) for line in written] == [8] * 3
    assert told.startswith("3 pieces from the averaged weights of step 20")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wgan_text", "relgan"])
def test_two_devices_compute_the_steps_of_one(text, name):
    config, sgd = small(text, discriminator_steps=1), optax.sgd(0.01)
    if name == "relgan":
        memory = RelGAN(latent_size=8 * 16, generator_width=8, discriminator_width=4, embedding=4, views=2)
        config = replace(config, model=memory, loss="relativistic", penalty=PenaltyConfig(), task=Likelihood())
    gan = replace(build_gan(config, 0), generator_optimizer=sgd, discriminator_optimizer=sgd)
    ours, theirs = (after_two_steps(config, gan, load_data(config), devices) for devices in (1, 2))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)
