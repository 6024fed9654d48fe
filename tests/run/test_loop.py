"""Whole runs: what they leave behind, how they resume, how they stop."""

import json
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image
from runs import assert_same_runs, final_arrays

from gan_jax.cli import main
from gan_jax.config import MLP, AdamConfig, AnyModel, CadenceConfig, Config, DataConfig
from gan_jax.config.checks import from_json
from gan_jax.config.schema import kinds
from gan_jax.data.dataset import Dataset
from gan_jax.errors import ConfigError, DataError, DivergedError, RunError
from gan_jax.parallel import make_mesh
from gan_jax.run import sampling
from gan_jax.run.checkpoints import Checkpoints
from gan_jax.run.farewell import _two_of
from gan_jax.run.files import RunFolder
from gan_jax.run.labels import read_labels
from gan_jax.run.loop import _begins, train
from gan_jax.run.sampling import draw_from, of_run, open_run
from gan_jax.run.tracking.trackers import Trackers

TRAINER = Path(__file__).parent / "trainer.py"


def small(**changes):
    """A run of a second or two on the real digits."""
    settings = {
        "data": DataConfig(name="digits"),
        "model": MLP(latent_size=4, generator_width=8, discriminator_width=4),
        "batch_size": 8,
        "steps": 6,
        "every": CadenceConfig(log=2, sample=3, checkpoint=4),
    }
    return Config(**settings | changes)


def rows(path):
    return [json.loads(line) for line in RunFolder(path).metrics.read_text().splitlines()]


def test_a_run_leaves_all_that_was_promised(tmp_path, capsys, curves):
    train(small(), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    assert from_json(folder.config.read_text()) == small()
    assert [row["step"] for row in rows(folder.path)] == [2, 4, 6]
    assert {path.name for path in folder.samples.iterdir()} == {f"step_0000000{i}.png" for i in (0, 3, 6)}
    with Image.open(folder.animation) as animation:
        assert animation.n_frames == 3
    for picture in (folder.curves, folder.path / "real.png", folder.sample(6)):
        with Image.open(picture) as image:
            image.verify()
    (environment,) = json.loads(folder.environment.read_text())
    assert environment["data"]["images"] == 1797
    assert environment["packages"]["jax"] == jax.__version__
    told = capsys.readouterr().out
    for name in (folder.animation, folder.curves, "gan-jax sample", "gan-jax train"):
        assert str(name) in told
    log = folder.log.read_text()
    assert "trained to step 6" in log
    assert "; compiling first, for a large network a minute or more\n" in log


def test_a_checkpoint_under_another_number_does_not_pass_for_it(trained, tmp_path, capsys):
    trained(small(steps=4), tmp_path / "run")
    shutil.copytree(RunFolder(tmp_path / "run").checkpoints / "4", RunFolder(tmp_path / "run").checkpoints / "8")
    train(small(steps=8), tmp_path / "run")
    assert int(final_arrays(tmp_path / "run", small())["step"]) == 8
    told = capsys.readouterr().out
    assert "checkpoint 8 is damaged (ValueError: it holds step 4); set aside" in told
    assert "going on from step 4" in told


def test_sampling_says_which_checkpoints_it_passed_over(trained, tmp_path):
    trained(small(), tmp_path / "run")
    (RunFolder(tmp_path / "run").checkpoints / "6" / "commit_success.txt").unlink()
    remarks = open_run(str(tmp_path / "run")).remarks
    assert remarks == ["checkpoint 6 is damaged (commit_success.txt is missing); passed over"]


def test_a_strangers_files_are_told_not_stumbled_over(trained, tmp_path, capsys, curves):
    trained(small(steps=4), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    folder.environment.write_text("3")
    with folder.metrics.open("a") as file:
        file.write('{"step": 1}\n{"step": 2, "scores": 5, "protocol": {}}\n{"step": 3, "d/loss": "x"}\n')
        file.write('{"step": 4, "scores": {"fid": 1.0}, "protocol": {"samples": "many"}, "asked": true}\nno row\n')
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II5B", 20_000, 20_000, 8, 0, 0, 0, 0)
    folder.curves.unlink(missing_ok=True)
    folder.sample(1).write_bytes(header + struct.pack(">I", zlib.crc32(header[12:])) + bytes(20))
    train(small(), tmp_path / "run")
    told = capsys.readouterr().out
    assert "environment.json is damaged; set aside as environment.json.damaged-" in told
    assert "1 of 7 lines of metrics.jsonl are damaged; as it was: metrics.jsonl.damaged-" in told
    assert len(json.loads(folder.environment.read_text())) == 1
    with Image.open(folder.animation) as animation:
        assert animation.n_frames == 3  # of 0, 3 and 6
    assert folder.curves.exists()


def test_what_trackers_hold_back_is_written_before_each_checkpoint(tmp_path, monkeypatch):
    done = []
    flush, save = Trackers.flush, Checkpoints.save
    monkeypatch.setattr(Trackers, "flush", lambda self: done.append("shown") or flush(self))
    monkeypatch.setattr(Checkpoints, "save", lambda self, *args: done.append("checkpoint") or save(self, *args))
    train(small(steps=4), tmp_path / "run")
    assert done[:2] == ["shown", "checkpoint"]


@pytest.mark.parametrize("classes", [("7", "9"), ("cat", "dog, or wolf"), ("a b", "c"), ("only",)])
def test_what_to_try_next_names_classes_that_there_are(classes):
    text = _two_of(classes)
    assert read_labels(text, classes) == list(range(len(classes)))[:2]


@pytest.mark.parametrize("cut", [4, 5])
def test_a_run_in_two_parts_is_the_run_in_one(trained, tmp_path, cut):
    trained(small(), tmp_path / "whole")
    trained(small(steps=cut), tmp_path / "parts")
    train(small(), tmp_path / "parts")
    assert_same_runs(tmp_path / "parts", tmp_path / "whole", small())
    grids = [[path.name for path in sorted(RunFolder(tmp_path / run).samples.iterdir())] for run in ("whole", "parts")]
    assert grids[0] == grids[1]


def test_a_finished_run_keeps_its_last_row(trained, tmp_path):
    trained(small(steps=5), tmp_path / "run")
    train(small(steps=5), tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run")] == [2, 4, 5]


def test_damaged_rows_are_dropped_not_stumbled_over(trained, tmp_path):
    trained(small(steps=4), tmp_path / "run")
    with RunFolder(tmp_path / "run").metrics.open("ab") as file:
        file.write(b'3\n{"step": "x"}\n\xff\xfe\n{"step": 4, "d/lo')
    train(small(), tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run")] == [2, 4, 6]


def test_the_command_line_trains_previews_and_samples(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    little = ["--model", "mlp", "--model.generator-width", "8", "--model.discriminator-width", "4", "--batch-size", "8"]
    assert main(["train", "digits", *little, "--steps", "3", "--dry-run"]) == 0
    preview, said = capsys.readouterr()
    assert "compiling one step" in said
    for word in ("generator ", "parameters", "GFLOP", "MiB", "nothing was written"):
        assert word in preview
    assert re.search(r"this process   .* before the data .* at most until now, .* more are free\n", preview)
    assert not list(tmp_path.iterdir())
    assert main(["train", "digits", *little, "--steps", "3"]) == 0
    assert main(["train", "runs/digits", "--steps", "4"]) == 0
    assert main(["train", "runs/digits"]) == 0
    assert json.loads(Path("runs/digits/config.json").read_text())["steps"] == 4
    assert main(["sample", "runs/digits", "--count", "4", "--labels", "0-1"]) == 0
    with Image.open("runs/digits/samples_seed0_4_labels0-1.png") as grid:
        assert grid.width < 5 * grid.height  # four digits in a row, none of its places empty
    assert main(["sample", "runs/digits", "--labels", "1-0"]) == 2
    assert "no class '1-0'" in capsys.readouterr().err
    assert main(["sample", "runs"]) == 2
    assert "did you mean runs/digits?" in capsys.readouterr().err


def test_a_finished_run_says_so_and_changes_nothing(trained, tmp_path, capsys):
    trained(small(), tmp_path / "run")
    before = RunFolder(tmp_path / "run").metrics.read_bytes()
    train(small(), tmp_path / "run")
    assert "already at step 6" in capsys.readouterr().out
    assert RunFolder(tmp_path / "run").metrics.read_bytes() == before


def test_a_longer_run_is_not_made_shorter(trained, tmp_path):
    trained(small(), tmp_path / "run")
    train(small(steps=2), tmp_path / "run")
    assert from_json(RunFolder(tmp_path / "run").config.read_text()) == small()


def test_a_run_that_is_to_end_sooner_says_so(trained, tmp_path, capsys):
    trained(small(), tmp_path / "run")
    shutil.rmtree(RunFolder(tmp_path / "run").checkpoints / "6")
    train(small(steps=5), tmp_path / "run")
    assert "going on from step 4 to 5, no longer to 6\n" in capsys.readouterr().out
    assert from_json(RunFolder(tmp_path / "run").config.read_text()) == small(steps=5)


def test_a_new_run_is_refused_the_folder_of_something_else(tmp_path):
    (tmp_path / "src").mkdir()
    with pytest.raises(ConfigError, match=r"holds no run, but 'src', which is no part of one; choose a new folder"):
        train(small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["src"]


def test_checkpoints_without_a_config_are_not_taken_over(trained, tmp_path):
    trained(small(), tmp_path / "run")
    RunFolder(tmp_path / "run").config.unlink()
    with pytest.raises(RunError, match=r"holds checkpoints and no config\.json"):
        train(small(steps=8, seed=1), tmp_path / "run")


def test_a_damaged_picture_is_no_reason_to_fail_at_the_end(trained, tmp_path):
    trained(small(), tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    folder.sample(3).write_bytes(folder.sample(3).read_bytes()[:60])
    train(small(steps=8), tmp_path / "run")
    with Image.open(folder.animation) as animation:
        assert animation.n_frames == 3  # of 0, 6 and 8


def test_a_different_config_for_the_same_folder_is_refused(trained, tmp_path):
    trained(small(steps=4), tmp_path / "run")
    other = small(steps=4, seed=1, generator=AdamConfig(learning_rate=1e-3))
    with pytest.raises(ConfigError) as error:
        train(other, tmp_path / "run")
    assert "seed: 0 there, 1 now" in str(error.value)
    assert "generator.learning_rate: 0.0002 there, 0.001 now" in str(error.value)


def test_changed_data_are_refused(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(10):
        Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(pictures / f"{i}.png")
    config = small(data=DataConfig(path=str(pictures), size=8, channels=1), steps=2)
    train(config, tmp_path / "run")
    Image.new("L", (8, 8)).save(pictures / "another.png")
    with pytest.raises(DataError, match=r"not those that this run was trained on \(11 images now, 10 then\)"):
        train(replace(config, steps=4), tmp_path / "run")


def test_divergence_names_step_and_term_and_keeps_the_last_good_checkpoint(tmp_path):
    config = small(
        generator=AdamConfig(learning_rate=1e-4),
        every=CadenceConfig(log=1, sample=1000, checkpoint=2),
        steps=4,
    )
    train(config, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    config = replace(config, steps=1000, discriminator=replace(config.discriminator, learning_rate=1e29))
    folder.config.write_text(folder.config.read_text().replace('"learning_rate": 0.0002', '"learning_rate": 1e+29'))
    with pytest.raises(
        DivergedError, match=r"[dg]/\w+ is (nan|inf|-inf) at step \d+; the last good checkpoint is step"
    ):
        train(config, tmp_path / "run")
    for name, array in final_arrays(tmp_path / "run", config).items():
        assert np.all(np.isfinite(array)), name


def test_a_run_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot write the run folder .*choose one with --run"):
        train(small(), tmp_path / "file" / "run")


def test_a_second_run_on_one_folder_refuses(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.locked(), pytest.raises(RunError, match="in use by another run"):
        train(small(), folder.path)


def test_too_many_devices_or_a_batch_they_cannot_share_stop_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="devices: 99 were asked for"):
        train(small(devices=99), tmp_path / "run")
    with pytest.raises(ConfigError, match="batch_size: 9 cannot be shared by 2 devices"):
        train(small(batch_size=9), tmp_path / "run")
    assert not (tmp_path / "run").exists()


QUICK = [("dcgan", "non_saturating", True), ("article", "minimax", False)]  # and mlp in most other tests
OTHERS = set(product(["mlp", "dcgan", "article"], ["minimax", "non_saturating"], [False, True])) - set(QUICK)


@pytest.mark.parametrize(
    ("model", "loss", "conditional"),
    [*QUICK, *(pytest.param(*other, marks=pytest.mark.slow) for other in sorted(OTHERS))],
)
def test_each_combination_trains(tmp_path, model, loss, conditional):
    config = small(
        model=kinds(AnyModel)[model](latent_size=4, generator_width=2, discriminator_width=2),
        loss=loss,
        conditional=conditional,
        data=DataConfig(name="digits", size=28 if model == "article" else 8),
        steps=2,
    )
    train(config, tmp_path / "run")
    last = rows(tmp_path / "run")[-1]
    assert np.isfinite(list(last.values())).all()


def test_sampling_is_repeatable_and_image_i_does_not_depend_on_the_count(tmp_path):
    train(small(conditional=True), tmp_path / "run")
    arguments = {"interpolate": None, "seed": 3, "labels": "0-2"}
    run = of_run(str(tmp_path / "run"), averaged=True, best=False)

    def drawn(name, count):
        draw_from(run, out=tmp_path / name, count=count, **arguments)
        with np.load(tmp_path / name) as found:
            return dict(found)

    a, b, c = drawn("a.npz", 5), drawn("b.npz", 5), drawn("c.npz", 300)
    np.testing.assert_array_equal(a["images"], b["images"])
    np.testing.assert_array_equal(a["images"], c["images"][:5])
    np.testing.assert_array_equal(a["labels"], [0, 1, 2, 0, 1])
    assert a["images"].dtype == np.uint8
    assert a["images"].shape == (5, 8, 8, 1)


def test_more_images_than_memory_holds_are_refused_with_both_figures(trained, tmp_path, monkeypatch):
    trained(small(), tmp_path / "run")
    run = of_run(str(tmp_path / "run"), averaged=True, best=False)
    monkeypatch.setattr(sampling, "latents_by_index", None)  # nothing may be allocated
    with pytest.raises(ConfigError, match=r"count: 1,000,000,000,000 images need .* TB of memory, .* are free; draw"):
        draw_from(run, out=None, count=10**12, seed=0, labels=None, interpolate=None)


def test_sampling_writes_grids_folders_and_strips(trained, tmp_path):
    trained(small(), tmp_path / "run")
    run = of_run(str(tmp_path / "run"), averaged=True, best=False)
    common = {"seed": 0, "labels": None}
    draw_from(run, out=tmp_path / "images", count=3, interpolate=None, **common)
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [f"00000{i}.png" for i in range(3)]
    draw_from(run, out=tmp_path / "strip.png", count=2, interpolate=5, **common)
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.size == ((5 * 9 - 1) * 8, (2 * 9 - 1) * 8)
    with pytest.raises(ConfigError, match="this run is unconditional"):
        draw_from(run, out=None, count=1, interpolate=None, **common | {"labels": "1"})


def start(folder, steps, *fault):
    command = [sys.executable, str(TRAINER), str(folder), str(steps), *fault]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def finish(process, timeout=300):
    output, _ = process.communicate(timeout=timeout)
    return process.returncode, output


def load_trainer():
    import importlib.util

    spec = importlib.util.spec_from_file_location("trainer", TRAINER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The run that nobody disturbed, 12 steps."""
    path = tmp_path_factory.mktemp("reference") / "run"
    train(load_trainer().config(12), path)
    return path


@pytest.mark.parametrize("fault", ["save", pytest.param("deletion", marks=pytest.mark.slow)])
def test_a_kill_inside_a_save_or_a_deletion_costs_nothing(tmp_path, uninterrupted, fault, capsys):
    config = load_trainer().config(12)
    code, output = finish(start(tmp_path / "run", 12, fault))
    assert code == -signal.SIGKILL, output
    train(config, tmp_path / "run")
    assert "going on from step" in capsys.readouterr().out
    assert_same_runs(tmp_path / "run", uninterrupted, config)


def wait_for_rows(path, process, count=1, timeout=240):
    metrics, begun = RunFolder(path).metrics, time.monotonic()
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= count):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() - begun < timeout
        time.sleep(0.005)


OTHER_SIGNALS = [
    pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
    pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), *OTHER_SIGNALS])
def test_a_signal_finishes_the_step_saves_and_leaves(tmp_path, capsys, number, code):
    config = load_trainer().config(1_000_000)
    process = start(tmp_path / "run", 1_000_000)
    wait_for_rows(tmp_path / "run", process)
    process.send_signal(number)
    returned, output = finish(process)
    assert returned == code, output
    assert "stopped after step" in output
    arrays = final_arrays(tmp_path / "run", config)
    step = int(arrays["step"])
    assert rows(tmp_path / "run")[-1]["step"] == step
    train(load_trainer().config(step + 2), tmp_path / "run")
    assert f"going on from step {step}" in capsys.readouterr().out


@pytest.mark.slow
def test_ten_kills_at_random_moments_end_bit_for_bit_like_the_run_that_was_never_killed(tmp_path, capsys):
    steps, generator = 400, np.random.default_rng(0)
    code, output = finish(start(tmp_path / "whole", steps))
    assert code == 0, output
    kills = 0
    while kills < 10:
        process = start(tmp_path / "killed", steps)
        wait = time.monotonic() + 60
        process.stdout.readline()
        before = RunFolder(tmp_path / "killed").metrics
        size = before.stat().st_size if before.exists() else -1
        # From the first new row on, at a random moment: saves, deletions and steps are all hit.
        while process.poll() is None and time.monotonic() < wait:
            if before.exists() and before.stat().st_size not in (size, 0):
                break
            time.sleep(0.002)
        time.sleep(generator.uniform(0.0, 0.4))
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
    code, output = finish(start(tmp_path / "killed", steps))
    assert code == 0, output
    assert kills == 10, "the run ended too soon to be killed ten times; give it more steps"
    assert_same_runs(tmp_path / "killed", tmp_path / "whole", load_trainer().config(steps))
    with capsys.disabled():
        print(f"\n{kills} kills of {kills} survived, bit for bit")


def test_classes_of_ones_own_that_nobody_asked_for_are_said_to_be_there():
    data = Dataset("mine", np.zeros((4, 16, 16, 1), np.uint8), np.arange(4) % 2, ("cats", "dogs"))
    begins = "4 images of mine on 1 x cpu; "
    for conditional, told in ((False, "their 2 classes are told with --conditional alone; compiling"), (True, "com")):
        config = Config(conditional=conditional, data=DataConfig(path="mine", size=16))
        line = _begins(SimpleNamespace(config=config, data=data, mesh=make_mesh(jax.devices()[:1])), goes_on=True)
        assert line.startswith(begins + told)
