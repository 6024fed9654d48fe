"""Several processes as one run, over the loopback address: the same rows, one folder, one end."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import assert_same_runs, final_arrays

from gan_jax import parallel
from gan_jax.config import Config, StartConfig, recipes
from gan_jax.config.hosts import HostsConfig
from gan_jax.errors import ConfigError
from gan_jax.run import hosts, joining, signals
from gan_jax.run.files import RunFolder
from gan_jax.run.logs import read_rows
from gan_jax.run.loop import train
from gan_jax.run.stopping import IN_FLIGHT, Stopping

RECIPE = """
from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig, EvaluateConfig, PenaltyConfig


def get_config():
    return Config(
        data=DataConfig(name="digits", flip=True),
        model=DCGAN(latent_size=4, generator_width=4, discriminator_width=4),
        conditional=True,
        discriminator_steps=2,
        penalty=PenaltyConfig(r1=0.1),
        batch_size=8,
        steps=6,
        every=CadenceConfig(log=1, sample=1000, checkpoint=3),
        evaluate=EvaluateConfig(every=4, samples=20, features="pixels"),
    )
"""


@pytest.fixture
def recipe(tmp_path):
    """Batch statistics, labels, penalties, flips, k = 2, scores: all that hosts share, in a run of seconds."""
    path = tmp_path / "small.py"
    path.write_text(RECIPE)
    return path


def start(recipe, folder, *, count=2, devices=1, steps=6, own=None, common=(), program=("-m", "gan_jax")):
    """Processes of one run, each with so many devices; `own` are options of single ones, by index."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    # The last of two holds.
    environment = os.environ | {
        "XLA_FLAGS": os.environ["XLA_FLAGS"] + f" --xla_force_host_platform_device_count={devices}"
    }
    group = {"--run": folder, "--steps": steps, "--hosts.count": count, "--hosts.coordinator": f"127.0.0.1:{port}"}
    options = [
        recipe,
        *(part for pair in group.items() for part in pair),
        "--hosts.silence",
        20,
        "--hosts.patience",
        60,
        *common,
    ]
    each = [[*options, "--hosts.index", index, *(own or {}).get(index, ())] for index in range(count)]
    return [
        subprocess.Popen(
            [sys.executable, *map(str, program), "train", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        for words in each
    ]


def end(processes, timeout=240):
    """The exit code and the last line of each."""
    try:
        said = [process.communicate(timeout=timeout)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, ["", *lines.strip().splitlines()][-1]) for p, lines in zip(processes, said, strict=True)]


def test_two_processes_leave_what_one_with_two_devices_does(recipe, tmp_path, curves):
    processes = start(recipe, tmp_path / "two")
    train(recipes.load(str(recipe)), tmp_path / "one")
    (first, _), (second, said) = ends = end(processes)
    assert (first, second) == (0, 0), ends
    assert said.startswith(("[Gloo]", "waiting for"))  # the first host alone speaks of the run
    assert_same_runs(tmp_path / "two", tmp_path / "one", recipes.load(str(recipe)))
    names = lambda path: {file.relative_to(path) for file in path.rglob("*") if "state" not in file.parts}
    assert names(tmp_path / "two") == names(tmp_path / "one")
    wrote = {file.name for file in (tmp_path / "two" / "checkpoints" / "6" / "state").glob("ocdbt.process_*")}
    assert wrote == {"ocdbt.process_0", "ocdbt.process_1"}  # each its shards
    assert "1797 images of digits on 2 x cpu on 2 hosts" in RunFolder(tmp_path / "two").log.read_text()


@pytest.mark.slow
def test_four_processes_leave_what_one_with_four_devices_does_to_rounding(recipe, tmp_path):
    """Gloo adds four numbers in another order than XLA does; of two there is but one order."""
    config = recipes.load(str(recipe))
    processes = start(recipe, tmp_path / "four", count=4)
    alone = start(recipe, tmp_path / "one", count=1, devices=4)
    assert [code for code, _ in end([*processes, *alone])] == [0] * 5
    four, one = RunFolder(tmp_path / "four"), RunFolder(tmp_path / "one")
    assert "on 4 x cpu on 4 hosts" in four.log.read_text()
    assert "on 4 x cpu;" in one.log.read_text()
    ours, theirs = read_rows(four.metrics), read_rows(one.metrics)
    assert len(ours) == len(theirs) == config.steps + 2  # and scores of two steps
    for row, other in zip(ours, theirs, strict=True):
        numbers, others = (r.pop("scores", None) or {"loss": r.pop("d/loss")} for r in (row, other))
        assert numbers == pytest.approx(others, rel=1e-4)
        assert row.keys() == other.keys()
        assert row["step"] == other["step"]
    arrays = final_arrays(four.path, config)
    for name, array in final_arrays(one.path, config).items():
        np.testing.assert_allclose(arrays[name], array, atol=1e-5, rtol=1e-4, err_msg=name)


PREPARED = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()


@pytest.mark.slow
@pytest.mark.skipif(not [*PREPARED.glob("mnist/*/dataset_info.json")], reason=f"no MNIST is prepared in {PREPARED}")
@pytest.mark.parametrize("memory", [0, 1])
def test_two_processes_train_on_mnist_as_one_with_two_devices_does(recipe, tmp_path, memory):
    """Decoded as needed, each its own share of the records, and from memory."""
    recipe.write_text(RECIPE.replace('name="digits", flip=True', f'name="mnist", data_dir={str(PREPARED)!r}'))
    common = ["--data.memory", memory]
    processes = start(recipe, tmp_path / "two", common=common)
    alone = start(recipe, tmp_path / "one", count=1, devices=2, common=common)
    ends = end([*processes, *alone])
    assert [code for code, _ in ends] == [0] * 3, ends
    assert_same_runs(tmp_path / "two", tmp_path / "one", recipes.load(str(recipe)))
    assert "60000 images of mnist on 2 x cpu on 2 hosts" in RunFolder(tmp_path / "two").log.read_text()


@pytest.mark.slow
def test_four_processes_go_on_with_what_two_began_to_rounding(recipe, tmp_path):
    assert [code for code, _ in end(start(recipe, tmp_path / "run", steps=3))] == [0, 0]
    assert [code for code, _ in end(start(recipe, tmp_path / "run", count=4))] == [0, 0, 0, 0]
    assert "begun on 2 x cpu on 2 hosts, now on 4 x cpu on 4 hosts: the same up to rounding" in (
        RunFolder(tmp_path / "run").log.read_text()
    )
    train(recipes.load(str(recipe)), tmp_path / "one")
    config = recipes.load(str(recipe))
    ours, theirs = final_arrays(tmp_path / "run", config), final_arrays(tmp_path / "one", config)
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], atol=2e-3, rtol=2e-3, err_msg=name)


@pytest.mark.slow
def test_two_processes_begin_with_the_networks_of_another_run_as_one_does(recipe, tmp_path):
    config = recipes.load(str(recipe))
    train(replace(config, seed=1, steps=3), tmp_path / "other")
    processes = start(recipe, tmp_path / "two", common=["--from", tmp_path / "other"])
    begun = replace(config, start=StartConfig(run=str(tmp_path / "other")))
    train(begun, tmp_path / "one")
    assert [code for code, _ in end(processes)] == [0, 0]
    assert_same_runs(tmp_path / "two", tmp_path / "one", begun)
    assert recipes.load_run(tmp_path / "two") == recipes.load_run(tmp_path / "one")


def until(condition, seconds=120):
    """Waits for something, and fails where it does not come."""
    end_of_patience = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_of_patience
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("signalled", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_one_stops_all_after_the_same_step_saved(recipe, tmp_path, signalled, number):
    processes = start(recipe, tmp_path / "run", steps=100_000)
    until(lambda: RunFolder(tmp_path / "run").metrics.exists() and RunFolder(tmp_path / "run").metrics.stat().st_size)
    processes[signalled].send_signal(number)
    (first, said), (second, also) = end(processes)
    assert (first, second) == (143, 143)
    assert said == also
    step = int(said.split("stopped after step ")[1].split(",")[0])
    assert (RunFolder(tmp_path / "run").checkpoints / str(step) / "commit_success.txt").exists()


@pytest.mark.slow
def test_kills_of_one_at_random_moments_cost_nothing(recipe, tmp_path):
    """Ten times one of two processes is killed, and the other ends by itself; then the run is the run in one piece."""
    kills, rng, steps = 0, random.Random(0), 300
    recipe.write_text(RECIPE.replace("steps=6", f"steps={steps}").replace("every=4", "every=50"))
    train(recipes.load(str(recipe)), tmp_path / "one")
    while kills < 10:
        processes = start(recipe, tmp_path / "two", steps=steps)
        victim = rng.randrange(2)
        time.sleep(rng.uniform(6, 14))
        processes[victim].send_signal(signal.SIGKILL)
        ends = end(processes)
        assert ends[victim][0] == -signal.SIGKILL, ends
        assert ends[1 - victim][0] in (2, 5), ends
        kills += 1
    assert [code for code, _ in end(start(recipe, tmp_path / "two", steps=steps))] == [0, 0]
    assert_same_runs(tmp_path / "two", tmp_path / "one", recipes.load(str(recipe)))


MISTAKES = {
    "other settings": (
        {1: ["--penalty.r1", 0.2]},
        2,
        r"penalty.r1: host 0 has 0.1, host 1 has 0.2; give all hosts the same",
    ),
    "the same index": ({1: ["--hosts.index", 0]}, 2, "hosts.index: two processes have 0; give each its own"),
    "another count": ({1: ["--hosts.count", 4]}, 2, "hosts.count: host 0 has 2, host 1 has 4"),
    "a folder of its own": ({1: ["--run", "elsewhere"]}, 2, "has to be one folder that all hosts share"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_one_host_is_one_line_on_all(recipe, tmp_path, mistake, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, code, line = MISTAKES[mistake]
    (first, said), (second, also) = end(start(recipe, tmp_path / "run", own=own))
    assert (first, second) == (code, code)
    for text in (said, also):
        assert re.search(line, text), text


@pytest.mark.slow
def test_pictures_that_one_host_has_not_end_the_run_on_all(recipe, tmp_path):
    for index in range(20):
        (tmp_path / "pictures" / str(index % 2)).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), index).save(tmp_path / "pictures" / str(index % 2) / f"{index}.png")
    own = {0: ["--data.path", tmp_path / "pictures"], 1: ["--data.path", tmp_path / "nowhere"]}
    ends = end(start(recipe, tmp_path / "run", own=own, common=["--data.size", 8, "--data.channels", 1]))
    assert [code for code, _ in ends] == [3, 3]
    assert all(re.search("host 1: .*nowhere: no such folder or zip", said) for _, said in ends), ends


@pytest.mark.parametrize(
    ("group", "line"),
    [
        (HostsConfig(count=2, index=0), "hosts.coordinator: missing; coordinator, count and index go together"),
        (HostsConfig(coordinator="here", count=2, index=0), "hosts.coordinator: expected ADDRESS:PORT"),
        (HostsConfig(coordinator="here:1", count=2, index=2), "hosts.index: expected 0 to 1 of 2 processes, got 2"),
    ],
)
def test_wrong_options_are_named(group, line):
    (wrong,) = group.wrong(Config())
    assert wrong.startswith(line)


def test_a_coordinator_that_does_not_answer_is_one_line():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    with pytest.raises(ConfigError, match=f"hosts.coordinator: nobody answers at {address} within 1 s"):
        joining._await_coordinator(HostsConfig(coordinator=address, count=2, index=1, patience=1))


@pytest.mark.parametrize(
    ("environment", "many"),
    [
        ({}, False),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4"}, False),  # in a batch script, before srun
        ({"SLURM_STEP_NODELIST": "node[1-4]", "SLURM_NTASKS": "4"}, True),
        ({"SLURM_STEP_NODELIST": "node1", "SLURM_NTASKS": "1"}, False),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, False),  # a notebook
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, True),
    ],
)
def test_surroundings_say_whether_there_may_be_others(environment, many):
    assert joining._many(environment) == many


@pytest.mark.parametrize("together", [1, 3])
def test_the_loudest_wish_comes_out_of_the_step_that_it_went_into(monkeypatch, together):
    """What each host has heard goes in with its share of the batch, and is read by all IN_FLIGHT calls later."""
    monkeypatch.setattr(hosts, "several", lambda: True)
    mesh = parallel.make_mesh()
    stopping = Stopping(mesh, stacked=1)
    one = stopping.step(lambda state, batch: (state, {"d/loss": batch.images.sum()}))
    step = parallel.compile_step(one if together == 1 else parallel.several(one), mesh)
    wishes = [0, 0, signal.SIGTERM, signal.SIGTERM, signal.SIGTERM, signal.SIGTERM]
    heard = []
    for wish in wishes:
        monkeypatch.setattr(signals, "wished", lambda wish=wish: wish or None)
        batches = [stopping.batch(parallel.put_batch(mesh, np.ones((4, 1), np.float32))) for _ in range(together)]
        _, metrics = step({}, batches[0] if together == 1 else batches)
        heard.append(stopping.wished(metrics))
        assert metrics.keys() == {"d/loss"}
    assert heard == [None] * (2 + IN_FLIGHT) + [signal.SIGTERM] * (4 - IN_FLIGHT)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [0, 1])
def test_a_mistake_of_ours_on_one_host_ends_all_and_is_shown_there(recipe, tmp_path, broken):
    """Not an error that anybody foresaw: a host must not wait for one that is gone."""
    fault = tmp_path / "fault.py"
    fault.write_text(
        "import sys\n"
        "from gan_jax.run import loop\n"
        "from gan_jax.__main__ import main\n"
        "def fail(*args):\n"
        "    raise TypeError('nobody foresaw this')\n"
        f"if '--hosts.index' in sys.argv and sys.argv[sys.argv.index('--hosts.index') + 1] == '{broken}':\n"
        f"    loop.{'_note' if broken == 0 else 'read'} = fail\n"
        "sys.exit(main())\n"
    )
    ends = end(start(recipe, tmp_path / "run", program=[fault]))
    assert ends[broken] == (1, "gan-jax: TypeError: nobody foresaw this")
    assert ends[1 - broken] == (1, f"gan-jax: host {broken} ended the run: TypeError: nobody foresaw this")
