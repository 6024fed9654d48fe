"""Runs that are judged: while they train, afterwards, and after a kill."""

import dataclasses
import resource
import shutil
import signal
import warnings
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax import parallel
from gan_jax.cli import main
from gan_jax.config import (
    MLP,
    CadenceConfig,
    Config,
    DataConfig,
    EvaluateConfig,
    Gated,
    Inpainting,
    Segmentation,
    SuperResolution,
)
from gan_jax.data import digits
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError, RunError
from gan_jax.metrics import classifier
from gan_jax.run import checkpoints, evaluation, sampling, watch
from gan_jax.run.checkpoints import newest, to_arrays
from gan_jax.run.comparing import check_beforehand
from gan_jax.run.files import RunFolder
from gan_jax.run.judging import Asked, Judge, samples_of
from gan_jax.run.logs import append, read_rows
from gan_jax.run.loop import train
from gan_jax.run.preview import preview
from gan_jax.run.sampling import open_run
from gan_jax.run.scoreboard import Evaluation, read_all
from gan_jax.run.training import abstract_state

pytestmark = pytest.mark.filterwarnings("ignore:a Fréchet distance of 30 samples:UserWarning")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache_folder(cache, monkeypatch):
    """One of these tests' own, and a classifier that learns for a moment only, and once."""
    monkeypatch.setenv("GAN_JAX_CACHE", str(cache))
    monkeypatch.setattr(classifier, "train", partial(classifier.train, steps=60))


def small(**changes):
    settings = {
        "data": DataConfig(name="digits"),
        "model": MLP(latent_size=4, generator_width=8, discriminator_width=4),
        "batch_size": 8,
        "steps": 8,
        "every": CadenceConfig(log=2, sample=100, checkpoint=4),
        "evaluate": EvaluateConfig(every=2, samples=30, features="pixels"),
    }
    return Config(**settings | changes)


PROTOCOL = {"features": "pixels", "samples": 30, "weights": "averaged", "reference": "digits"}


def judged_as(values, monkeypatch):
    """Training whose evaluations give these FIDs, one after the other."""

    def make_judge(*args, **kwargs):
        left = iter(values)
        return Judge(PROTOCOL, lambda s: Evaluation(int(s.step), {"pixels_fid": next(left)}, PROTOCOL))

    monkeypatch.setattr(watch, "make_judge", make_judge)


def best(path, config):
    return newest(RunFolder(path).best, lambda notes: abstract_state(config, len(notes["classes"])))


def test_the_best_checkpoint_is_kept_beside_the_latest(tmp_path, monkeypatch):
    judged_as([5.0, 3.0, float("nan"), 4.0], monkeypatch)
    train(small(track="tensorboard"), tmp_path)
    (events,) = RunFolder(tmp_path).events.iterdir()
    assert b"pixels_fid" in events.read_bytes()
    found = best(tmp_path, small())
    assert int(found.state.step) == 4
    assert found.notes["best"]["value"] == 3.0
    assert int(open_run(str(tmp_path)).state.step) == 8
    assert int(open_run(str(tmp_path), best=True).state.step) == 4
    assert sorted(p.name for p in RunFolder(tmp_path).best.iterdir() if p.name.isdigit()) == ["4"]


def test_a_resumed_run_remembers_its_best(tmp_path, monkeypatch):
    judged_as([1.0, 3.0], monkeypatch)
    train(small(steps=4), tmp_path)
    judged_as([2.0, 1.5], monkeypatch)
    train(small(), tmp_path)
    assert int(best(tmp_path, small()).state.step) == 2


@pytest.mark.slow  # two runs
def test_another_protocols_best_is_set_aside_not_compared(tmp_path, monkeypatch, capsys):
    judged_as([1.0, 3.0], monkeypatch)
    train(small(steps=4), tmp_path)
    judged_as([0.2, 0.5], monkeypatch)
    train(small(evaluate=EvaluateConfig(every=2, samples=30, features="pixels", best="fid")), tmp_path)
    assert int(best(tmp_path, small()).state.step) == 6
    changed = small(steps=10, evaluate=EvaluateConfig(every=2, samples=31, features="pixels"))
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(changed, tmp_path)
    assert int(best(tmp_path, small()).state.step) == 10
    assert "set aside" in capsys.readouterr().out
    assert len(list(tmp_path.glob("best.other-*"))) == 1


@pytest.mark.slow  # as test_loop.py has it of all checkpoints
def test_a_best_checkpoint_under_another_number_neither_wins_nor_evicts(tmp_path, monkeypatch, capsys):
    judged_as([3.0, 2.0], monkeypatch)
    train(small(steps=4), tmp_path)
    folder = RunFolder(tmp_path).best
    shutil.copytree(folder / "4", folder / "1000")
    judged_as([1.5, 1.0], monkeypatch)
    train(small(), tmp_path)
    assert int(best(tmp_path, small()).state.step) == 8
    assert "best: checkpoint 1000 is damaged (ValueError: it holds step 4); set aside" in capsys.readouterr().out


def test_more_samples_than_memory_holds_are_refused_with_both_figures(tmp_path):
    config = small(evaluate=EvaluateConfig(every=2, samples=10**13, features="pixels"))
    with pytest.raises(ConfigError, match=r"samples: 10,000,000,000,000 images .* need .* TB of memory, .* are free"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_in_two_parts_has_the_rows_and_the_best_of_the_run_in_one(trained, tmp_path, curves):
    trained(small(), tmp_path / "one")
    trained(small(steps=4), tmp_path / "two")
    (tmp_path / "two" / "scores.png").unlink(missing_ok=True)
    train(small(), tmp_path / "two")
    texts = [RunFolder(tmp_path / name).metrics.read_bytes() for name in ("one", "two")]
    assert texts[0] == texts[1]
    ours, theirs = (best(tmp_path / name, small()) for name in ("one", "two"))
    jax.tree.map(np.testing.assert_array_equal, to_arrays(ours.state), to_arrays(theirs.state))
    assert [e.step for e in read_all(RunFolder(tmp_path / "one").metrics)] == [2, 4, 6, 8]
    assert (tmp_path / "two" / "scores.png").exists()


def without_the_last_save(path):
    """As a kill leaves it before the last checkpoint is committed."""
    newest_one = max((p for p in RunFolder(path).checkpoints.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    shutil.rmtree(newest_one)


def test_scores_of_a_checkpoint_off_the_rows_beat_survive_a_kill(tmp_path):
    config = small(
        every=CadenceConfig(log=3, sample=100, checkpoint=5),
        evaluate=EvaluateConfig(every=5, samples=30, features="pixels"),
    )
    train(config, tmp_path)
    before = RunFolder(tmp_path).metrics.read_bytes()
    assert [e.step for e in read_all(RunFolder(tmp_path).metrics)] == [5, 8]
    without_the_last_save(tmp_path)
    train(config, tmp_path)
    assert RunFolder(tmp_path).metrics.read_bytes() == before


@pytest.mark.slow  # two runs
def test_a_longer_run_keeps_scores_made_by_hand_and_forgets_those_that_were_not_due(trained, tmp_path, curves):
    shorter = EvaluateConfig(every=4, samples=30, features="pixels")
    trained(small(steps=5, evaluate=shorter), tmp_path / "parts")
    assert main(["evaluate", str(tmp_path / "parts"), "--samples", "40", "--features", "pixels"]) == 0
    train(small(evaluate=shorter), tmp_path / "parts")
    found = read_all(RunFolder(tmp_path / "parts").metrics)
    assert [(e.step, e.protocol["samples"]) for e in found] == [(4, 30), (5, 40), (8, 30)]
    assert (tmp_path / "parts" / "scores.png").exists()


def test_what_was_asked_for_stays_where_the_same_row_ends_a_run_or_comes_after_a_lost_checkpoint(trained, tmp_path):
    shorter = EvaluateConfig(every=4, samples=30, features="pixels")
    trained(small(steps=5, evaluate=shorter), tmp_path)
    asked = ["evaluate", str(tmp_path), "--samples", "30", "--features", "pixels"]
    assert main(asked) == main(asked) == 0
    without_the_last_save(tmp_path)
    train(small(evaluate=shorter), tmp_path)
    found = read_rows(RunFolder(tmp_path).metrics)
    assert [(r["step"], "asked" in r) for r in found if "scores" in r] == [(4, False), (5, True), (8, False)]


def test_an_end_that_is_due_by_the_new_beat_stays(trained, tmp_path):
    trained(small(steps=5, evaluate=EvaluateConfig(every=4, samples=30, features="pixels")), tmp_path)
    train(small(steps=10, evaluate=EvaluateConfig(every=5, samples=30, features="pixels")), tmp_path)
    assert [e.step for e in read_all(RunFolder(tmp_path).metrics)] == [4, 5, 10]


def test_a_best_that_could_not_be_saved_does_not_stand_in_the_way_of_the_next(tmp_path, monkeypatch):
    judged_as([1.0, 3.0, 2.0, 4.0], monkeypatch)
    save, tries = checkpoints.Checkpoints.save, []

    def fail_once(self, step, state, notes):
        if "best" in notes and not tries:
            tries.append(step)
            raise RunError("no space left")
        save(self, step, state, notes)

    monkeypatch.setattr(checkpoints.Checkpoints, "save", fail_once)
    train(small(), tmp_path)
    assert tries == [2]
    assert int(best(tmp_path, small()).state.step) == 6


def test_a_row_that_fits_in_half_is_taken_back(tmp_path):
    path = tmp_path / "metrics.jsonl"
    append(path, {"step": 1})
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5, limit[1]))
    try:
        with pytest.raises(RunError, match="cannot write"):
            append(path, {"step": 2, "d/loss": 1.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, heard)
    assert path.read_bytes() == before


class State(NamedTuple):
    """As much of a state as the measuring looks at."""

    average: object = None


def test_conditions_of_many_classes_are_spread_over_all_of_them(monkeypatch):
    asked = []
    monkeypatch.setattr(sampling, "standing_statistics", lambda gan, w, key, labels, **more: asked.append(labels))
    for classes in (10, 128, 1000):
        sampling.sampling_weights(None, State(), [60] * classes)
    assert [len(np.unique(labels)) for labels in asked] == [10, 128, 128]
    assert set(np.asarray(asked[2]) // 100) == set(range(10))


def test_a_judge_compiles_the_measuring_once(monkeypatch):
    traced = []
    measure = lambda gan, weights, key, labels, **more: traced.append(weights) or weights
    monkeypatch.setattr(sampling, "standing_statistics", measure)
    weigh = sampling.compiled_weights(None)
    found = [weigh(State(average=jnp.float32(value))) for value in (1, 2)]
    assert (len(traced), found) == (1, [1, 2])


def test_too_few_pictures_are_one_line_before_anything_is_written(tmp_path):
    for i in range(10):
        (tmp_path / "few" / f"{i % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(tmp_path / "few" / f"{i % 2}" / f"{i}.png")
    config = small(data=DataConfig(path=str(tmp_path / "few"), size=8, channels=1), evaluate=EvaluateConfig(every=2))
    with pytest.raises(DataError, match="few: scores need 20 images or more, real and drawn; there are 10"):
        train(config, tmp_path / "run")
    said = []
    with pytest.raises(DataError, match="few: scores need 20 images or more"):
        preview(config, said.append)
    with pytest.raises(DataError, match="few: 10 images do not fill one batch of 16"):
        preview(replace(config, batch_size=16), said.append)
    assert not said  # of compiling
    filled = {"task": Inpainting(test=0.4, l1=1.0), "model": Gated(generator_width=4, discriminator_width=2)}
    with pytest.raises(DataError, match=r"there are 18 held out; raise --task\.test in another run, or add images"):
        check_beforehand(small(**filled), replace(data := digits.load(), test=Dataset("few", data.images[:18])))
    assert not (tmp_path / "run").exists()


def test_of_few_pictures_few_samples_are_drawn_and_it_is_said_why(tmp_path, capsys):
    (tmp_path / "few").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
    for i, picture in enumerate(noise):
        Image.fromarray(picture).save(tmp_path / f"few/{i}.png")
    data = DataConfig(path=str(tmp_path / "few"), size=8, channels=1)
    train(small(data=data, steps=2, evaluate=EvaluateConfig()), tmp_path / "run")
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "comparing 240 images of step 2 with 24 of few; 10 for each, as these are few: --samples draws" in told
    assert main(["evaluate", str(tmp_path / "run"), "--samples", "30"]) == 0
    assert "comparing 30 images of step 2 with 24 of few\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "images", "held_out", "asked", "drawn"),
    [
        ({}, 24, None, None, 240),
        ({}, 24, None, 300, 300),
        ({}, 499, None, None, 4990),
        ({}, 500, None, None, 5000),
        ({"task": SuperResolution()}, 800, 200, None, 200),
        ({"task": SuperResolution()}, 800, 200, 50, 50),
        ({"task": SuperResolution()}, 800, 200, 300, 200),
        ({"task": Segmentation(classes=3)}, 800, 30, None, 30),
        ({"data": DataConfig(name="moving_mnist")}, 90, None, None, 45),
        ({"data": DataConfig(name="moving_mnist")}, 90, None, 60, 45),
    ],
)
def test_how_many_are_drawn_is_one_rule_for_runs_as_they_train_and_after(changes, images, held_out, asked, drawn):
    of = lambda count: Dataset("some", np.zeros((count, 8, 8, 1), np.uint8))
    config, data = small(**changes), replace(of(images), test=held_out and of(held_out))
    assert samples_of(config, data, asked, 5000) == drawn


def test_missing_inception_weights_are_told_before_anything_is_written(tmp_path):
    config = small(evaluate=EvaluateConfig(every=2, features="inception", weights=str(tmp_path / "none.pth")))
    with pytest.raises(DataError, match=r"none\.pth: no such file"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # two runs
def test_pictures_that_have_moved_are_the_same_data(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    (tmp_path / "here").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "here" / f"{i:02}.png")
    config = lambda name: small(data=DataConfig(path=str(tmp_path / name), size=8, channels=1))
    train(dataclasses.replace(config("here"), steps=4), tmp_path / "run")
    (tmp_path / "here").rename(tmp_path / "there")
    train(config("there"), tmp_path / "run")
    first, *rest = read_all(RunFolder(tmp_path / "run").metrics)
    assert all(e.protocol == first.protocol for e in rest)
    assert not list((tmp_path / "run").glob("best.*"))


def test_scores_whose_row_cannot_be_written_are_shown(trained, tmp_path, monkeypatch, capsys):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    before = RunFolder(tmp_path).metrics.read_bytes()

    def full(*arguments):
        raise RunError("cannot write metrics.jsonl: No space left on device")

    monkeypatch.setattr(evaluation, "append", full)
    assert main(["evaluate", str(tmp_path), "--samples", "30", "--features", "pixels"]) == RunError.exit_code
    told = capsys.readouterr()
    assert "pixels FID ↓" in told.out
    assert "No space left" in told.err
    assert RunFolder(tmp_path).metrics.read_bytes() == before


def test_evaluating_does_not_change_the_run(trained, tmp_path):
    trained(small(), tmp_path / "judged")
    trained(small(evaluate=EvaluateConfig()), tmp_path / "left_alone")
    states = [to_arrays(open_run(str(tmp_path / name)).state) for name in ("judged", "left_alone")]
    jax.tree.map(np.testing.assert_array_equal, *states)


def test_a_collapse_is_told(tmp_path, monkeypatch, capsys):
    recalls = iter([0.8, 0.1])
    scores = lambda: {"pixels_fid": 1.0, "pixels_recall": next(recalls)}
    judge = Judge(PROTOCOL, lambda state: Evaluation(int(state.step), scores(), PROTOCOL))
    monkeypatch.setattr(watch, "make_judge", lambda *args, **kwargs: judge)
    train(small(steps=4), tmp_path)
    assert "warning at step 4: pixels_recall fell from 0.800 (step 2) to 0.100" in capsys.readouterr().out


def test_the_command_evaluates_the_newest_and_the_best(trained, tmp_path, capsys):
    trained(small(), tmp_path / "run")
    run = str(tmp_path / "run")
    capsys.readouterr()
    before = len(read_all(RunFolder(run).metrics))
    assert main(["evaluate", run, "--samples", "600"]) == 0
    shown = capsys.readouterr().out
    assert "classifier FID ↓" in shown
    assert "600 samples (seed 0, averaged weights) against digits, the 1797 training images, 8x8x1" in shown
    assert main(["evaluate", run, "--samples", "600"]) == 0
    again = capsys.readouterr().out
    told = lambda text: text[text.index("comparing 600 images") :]  # before it, the first time, the classifier learns
    assert told(again) == told(shown)
    assert len(read_all(RunFolder(run).metrics)) == before + 1
    assert main(["evaluate", run, "--samples", "600", "--best", "--raw"]) == 0
    assert "raw weights" in capsys.readouterr().out


def test_a_row_of_losses_that_a_kill_cut_short_does_not_swallow_the_evaluation(trained, tmp_path):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    with RunFolder(tmp_path).metrics.open("a") as file:
        file.write('{"step": 9, "d/lo')
    assert main(["evaluate", str(tmp_path), "--samples", "30", "--features", "pixels"]) == 0
    assert [e.step for e in read_all(RunFolder(tmp_path).metrics)] == [8]


def test_a_run_without_a_best_checkpoint_says_how_to_get_one(trained, tmp_path):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    with pytest.raises(RunError, match=r"no best checkpoint; a run trained with --evaluate\.every N keeps one"):
        open_run(str(tmp_path), best=True)


def test_data_that_have_changed_are_refused(trained, tmp_path, monkeypatch):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    other = evaluation.load_data(small(data=DataConfig(name="digits", size=16)))
    monkeypatch.setattr(evaluation, "load_data", lambda config: other)
    before = RunFolder(tmp_path).metrics.read_bytes()
    assert main(["evaluate", str(tmp_path), "--features", "pixels", "--samples", "30"]) == DataError.exit_code
    assert RunFolder(tmp_path).metrics.read_bytes() == before


def test_a_generator_that_draws_nan_is_one_line(trained, tmp_path):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    run = open_run(str(tmp_path))
    data = evaluation.load_data(run.config)
    asked = Asked(samples=30, kind="pixels")
    judge = evaluation.make_judge(run.config, run.gan, data, None, asked, mesh=parallel.make_mesh(), say=print)
    spoilt = jax.tree.map(lambda a: a * jnp.nan, run.state.average)
    with pytest.raises(RunError, match="the generator draws images that are not finite"):
        judge.evaluate(run.state._replace(average=spoilt))


def test_too_few_real_images_are_one_line(trained, tmp_path):
    trained(small(evaluate=EvaluateConfig()), tmp_path)
    run = open_run(str(tmp_path))
    data = evaluation.load_data(run.config)
    few = Dataset("few", data.images[:12])
    asked = Asked(samples=30, kind="pixels")
    with pytest.raises(DataError, match="few: scores need 20 images or more, real and drawn; there are 12"):
        evaluation.make_judge(run.config, run.gan, few, None, asked, mesh=parallel.make_mesh(), say=print)


def test_conditional_runs_are_asked_for_labels(tmp_path):
    config = small(conditional=True, evaluate=EvaluateConfig(every=8, samples=100, features="classifier"))
    train(config, tmp_path)
    (row,) = read_all(RunFolder(tmp_path).metrics)
    assert 0 <= row.scores["label_accuracy"] <= 1
    assert 1 <= row.scores["classes"] <= 10
