"""The benchmarks: what they count, and that their machinery holds. What they find is never asserted."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import comparison  # noqa: E402
import machine  # noqa: E402
import scaling  # noqa: E402
from peers import ours  # noqa: E402
from peers.agreement import disagreement  # noqa: E402
from peers.setups import SETUPS, Case, Running  # noqa: E402
from peers.shapes import SHAPES, WHOLE  # noqa: E402
from standing import Standing, in_turn  # noqa: E402

from gan_jax import penalties  # noqa: E402
from gan_jax.flops import count  # noqa: E402
from gan_jax.layers.convolution import convolution, transposed_convolution  # noqa: E402
from gan_jax.layers.grouped import grouped_convolution  # noqa: E402

IMAGES = jnp.ones((2, 8, 8, 4))
PIXELS = 2 * 8 * 8


def test_a_product_counts_two_for_each_multiplication():
    assert count(lambda a, b: a @ b, jnp.ones((3, 5)), jnp.ones((5, 7))) == 2 * 3 * 5 * 7


@pytest.mark.parametrize(
    ("operator", "kernel", "flops"),
    [
        (convolution, (3, 3, 4, 6), 2 * PIXELS * 9 * 4 * 6),
        (partial(convolution, stride=2), (4, 4, 4, 6), 2 * PIXELS / 4 * 16 * 4 * 6),
        (partial(transposed_convolution, stride=2), (4, 4, 6, 4), 2 * PIXELS * 16 * 4 * 6),
        (partial(grouped_convolution, groups=2), (3, 3, 2, 6), 2 * PIXELS * 9 * 2 * 6),
    ],
    ids=["same", "down", "up", "grouped"],
)
def test_a_convolution_counts_what_it_multiplies_and_both_its_gradients_as_much(operator, kernel, flops):
    kernel = jnp.ones(kernel)
    assert count(operator, IMAGES, kernel) == flops
    slopes = jax.grad(lambda x, k: jnp.sum(operator(x, k) ** 2), argnums=(0, 1))
    assert count(slopes, IMAGES, kernel) == 3 * flops


def test_what_is_asked_twice_counts_once_and_what_nobody_needs_not():
    kernel = jnp.ones((3, 3, 4, 4))
    once = count(convolution, IMAGES, kernel)

    def program(x, kernel):
        convolution(x + 1, kernel)
        return convolution(x, kernel) + jax.jit(convolution)(x, kernel)

    assert count(program, IMAGES, kernel) == once
    assert count(lambda x, k: convolution(x, k) + convolution(2 * x, k), IMAGES, kernel) == 2 * once


def test_a_penalty_shares_the_forward_pass_of_the_loss():
    kernel = jnp.ones((3, 3, 4, 4))
    once = count(convolution, IMAGES, kernel)
    critic = lambda x: jnp.sum(jax.nn.softplus(convolution(x, kernel)), axis=(1, 2, 3))
    key = jax.random.key(0)
    both = lambda x: jnp.mean(critic(x)) + penalties.r1(1.0)(key, critic, x, x)
    assert count(both, IMAGES) == 2 * once


def test_the_body_of_a_scan_counts_each_time():
    a = jnp.ones((4, 4))
    repeated = lambda a: lax.scan(lambda carry, _: (carry @ a, None), a, length=5)[0]
    assert count(repeated, a) == 5 * count(jnp.matmul, a, a)


def measured(speed, **others):
    return {"speed": speed, "peak": 2e9, "device": "CPU", "flops": 3e9, "rate": 6e9} | others


def test_rows_have_the_ratio_and_the_utilisation():
    case = Case("sngan", 8, 10, "float32")
    rounds = {"gan_jax": [measured(10.0), measured(20.0)], "PyTorch eager": [measured(30.0)], "PyTorch compiled": []}
    ours, eager, compiled = comparison.rows(case, rounds)
    assert ours == "| sngan 1/8, batch 10, float32 | gan_jax | 15.0 (10.0-20.0) |  | 2.00 | 75.0% |"
    assert eager.endswith("| PyTorch eager | 30.0 (30.0-30.0) | 0.50 | 2.00 | 150.0% |")
    assert compiled.endswith("| PyTorch compiled | failed, see above | | | |")
    assert {row.count("|") for row in (ours, eager, compiled)} == {comparison.HEAD.splitlines()[0].count("|")}


def test_a_peer_without_ours_still_has_its_row():
    rounds = {"gan_jax": [], "PyTorch eager": [measured(30.0)]}
    failed, eager = comparison.rows(Case("sngan", 8, 10, "float32"), rounds)
    assert "failed" in failed
    assert "30.0" in eager


def test_a_step_is_timed_until_it_is_done(monkeypatch):
    """On a GPU the clock waits once for every ten steps, or for what half a second is enough for; on a CPU for each."""
    case, told = Case("sngan", 8, 4, "float32"), []
    for device, seconds in (("CPU", 1e-6), ("some GPU", 1e-6), ("some GPU", 0.2)):
        calls, clock = [], iter(range(10**6))
        monkeypatch.setattr(comparison.time, "perf_counter", lambda clock=clock, each=seconds: each * next(clock))
        note = lambda what, calls=calls: calls.append(what)
        running = Running(lambda images, note=note: note(images.shape), partial(note, "wait"), device)
        comparison.prepare(case, running, seconds=0)()
        told.append(calls)
    step = (4, 32, 32, 3)
    for calls, together in zip(told, (1, 10, 2), strict=True):
        assert calls == [step, "wait"] * 3 + [*[step] * together, "wait"] * 5


STAND = """
import sys, time
print("a remark")
time.sleep(float(sys.argv[1]))
print("ready", flush=True)
for number, _ in enumerate(sys.stdin):
    if number == int(sys.argv[2]):
        break
    time.sleep(float(sys.argv[3]))
    print("another", '{"turn": %d}' % number, sep="\\n", flush=True)
"""


def test_processes_that_are_ready_are_asked_in_turn_and_others_are_left_out(capfd):
    start = lambda *how: Standing([sys.executable, "-c", STAND, *map(str, how)], os.environ)
    processes = {
        "quick": start(0, 9, 0),
        "late": start(60, 9, 0),
        "broken": start(0, 1, 0),
        "hanging": start(0, 9, 60),
        "slow": start(0.5, 9, 0),
    }
    both = [{"turn": 0}, {"turn": 1}]
    found = in_turn(processes, rounds=2, patience=4, each=1.5)
    assert found == {"quick": both, "late": [], "broken": [], "hanging": [], "slow": both}
    assert capfd.readouterr().err == "late: failed, or was not ready after 4 s\nhanging: failed\nbroken: failed\n"
    assert all(one._process.returncode is not None for one in processes.values())


@pytest.mark.parametrize(("answers", "gpu"), [(("True", "True"), True), (("True", "False"), False)])
def test_both_sides_compute_on_a_gpu_or_none_does(tmp_path, answers, gpu):
    pythons = {}
    for name, answer in zip(("gan_jax", "PyTorch"), answers, strict=True):
        python = tmp_path / name
        python.write_text(f"#!/bin/sh\necho a word of its own; echo {answer}\n")
        python.chmod(0o755)
        pythons[name] = str(python)
    assert machine.have_gpu(pythons) is gpu
    assert (machine.environment(gpu).get("CUDA_VISIBLE_DEVICES") == "-1") is not gpu


def test_sides_that_differ_end_the_comparison(tmp_path):
    arrays = {"logits": np.ones(3), "images": np.ones(3), "generator.a": np.ones(3), "discriminator.a": np.ones(3)}
    save = lambda ours: np.savez(tmp_path / "both.npz", **arrays, **{f"ours:{n}": a for n, a in ours.items()})
    save(arrays)
    assert set(disagreement(tmp_path).values()) == {0.0}
    save(arrays | {"generator.a": np.array([1.0, 1.0, 1.1])})
    with pytest.raises(SystemExit, match="not the same network"):
        disagreement(tmp_path)


def test_widened_layers_are_the_papers():
    """R3GAN's widest has 768 channels, twice as many within a block, in groups of 16."""
    wide = [shape.widened(8) for shape in SHAPES if shape.network == "R3GAN"]
    assert max(shape.large for shape in wide) == 1536
    assert {shape.small // shape.groups for shape in wide if shape.groups > 1} == {16}
    assert {shape.widened(8).large for shape in SHAPES if shape.network == "SNGAN"} == {3, 128, 256}
    assert set(WHOLE) < {shape.network for shape in SHAPES}


def test_blocks_that_are_stacked_are_named_one_by_one():
    kernels = np.arange(12).reshape(2, 3, 2)
    found = dict(ours._flat({"levels": {"blocks": {"kernel": kernels}, "bias": kernels[:, 0]}, "scale": kernels[0]}))
    assert len(found) == 2 * 3 + 2 + 1
    np.testing.assert_array_equal(found["levels/1/blocks/2/kernel"], kernels[1, 2])
    np.testing.assert_array_equal(found["levels/1/bias"], kernels[1, 0])


def test_scaling_shows_what_is_above_the_ideal():
    case = scaling.Case("mlp", "jit", 4, 2)
    assert scaling.row(case, [3.0, 2.0, 4.0], 1.5).endswith("| jit | 2 | 4 | 3.00 (2.00-4.00) | 1.50 | 2.00 |")
    assert scaling.row(case, None, 1.5).count("|") == scaling.row(case, [1.0], None).count("|") == 8


BARE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ImportError(f"{{name}} is not here")
sys.meta_path.insert(0, Absent())
"""


def run_without(absent, program, **environment):
    """Runs a program, from the folder of the benchmarks, where some packages cannot be imported."""
    paths = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent)])
    return subprocess.run(
        [sys.executable, "-c", BARE.format(absent=set(absent)) + program],
        env=os.environ | {"PYTHONPATH": paths} | environment,
        capture_output=True,
        text=True,
    )


COMMAND_LINE = {"tyro", "tensorflow_datasets", "array_record", "importlib_resources", "tensorboardX"}
SHELL = {"PIL", "matplotlib", "sklearn", "threadpoolctl", "tensorflow", "keras"}  # rich and orbax come with Flax


def test_what_runs_on_a_gpu_needs_jax_flax_and_optax_alone():
    program = f"""
import backends, comparison, layers, machine, scaling
from peers import ours
from peers.setups import Case
from peers.shapes import SHAPES
for network in {list(SETUPS)}:
    ours.build(Case(network, 1, 64, "bfloat16"), 64)
for network in scaling.PIXELS:
    scaling.build(network)
for tiny in backends.MODELS.values():
    tiny.pair("float32")
layers.with_gan_jax(SHAPES[0], 1, comparison.PRECISIONS["float32"], True)
from gan_jax import parallel
print(machine.versions("gan_jax"))
"""
    done = run_without(COMMAND_LINE | SHELL, program)
    assert done.returncode == 0, done.stderr


def test_training_for_quality_needs_no_command_line(tmp_path):
    """From an .npz in place of tensorflow-datasets, by keys in place of options; compiles nothing."""
    images = np.arange(80 * 28 * 28, dtype=np.uint8).reshape(80, 28, 28, 1)
    classes = np.array([str(i) for i in range(10)])
    np.savez(tmp_path / "mnist.npz", images=images, labels=np.arange(80, dtype=np.int32) % 10, classes=classes)
    program = f"""
import json, quality
from pathlib import Path
from gan_jax.run.loop import build_gan, load_data
quality.prepared.load = quality.carried(Path({str(tmp_path / "mnist.npz")!r}))
config = quality.configured(
    Path("none"), "mnist", Path("mnist.npz"), ["steps=7", "loss=hinge", "data.size=32"])
data = load_data(config)
build_gan(config, len(data.classes))
print(json.dumps([config.steps, config.loss, data.images.shape, data.classes]))
"""
    done = run_without(COMMAND_LINE, program)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [7, "hinge", [80, 32, 32, 1], list(map(str, range(10)))]


def on_gpu(*arguments, **environment):
    command = [BENCHMARKS / "on_gpu.sh", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)


def test_parts_that_fail_are_lines_of_the_table(tmp_path):
    done = on_gpu(tmp_path / "out", "checks", PYTHON="false")
    assert done.returncode == 1
    rows = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert len(rows) == 7
    assert all("failed: exit code 1, see log.txt" in row and row.count("|") == 7 for row in rows)
    assert done.stdout.splitlines()[-7:] == rows


def test_a_table_whose_machine_cannot_be_told_has_its_head(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\n[ "$1" = -c ] && echo "| head |"\n')
    python.chmod(0o755)
    on_gpu(tmp_path / "out", "--minutes", 0, "layers", PYTHON=str(python))
    first, *rows = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert first == "| head |"
    assert len(rows) == 3


@pytest.mark.parametrize("there", [True, False])
def test_the_machine_is_told_with_pytorch_or_without(monkeypatch, capsys, there):
    asked = []
    monkeypatch.setattr(machine, "have_gpu", lambda pythons: asked.extend(pythons))
    monkeypatch.setitem(sys.modules, "torch", torch if there else None)
    machine.main()
    told = capsys.readouterr().out
    assert ("torch 9.9" in told) == ("both sides" in told) == ("PyTorch" in asked) == there
    assert ("no PyTorch here" in told) == (not there)
    assert f"jax {jax.__version__}" in told


torch = SimpleNamespace(__version__="9.9", __spec__=object())


def test_parts_for_which_no_time_is_left_are_lines_too(tmp_path):
    on_gpu(tmp_path / "out", "--minutes", 0, "layers", PYTHON="false")
    rows = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert len(rows) == 3
    assert all("not begun: the time was up" in row for row in rows)


@pytest.mark.parametrize("wrong", [[], ["out", "--mintues", "3"], ["out", "--minutes", "soon"], ["out", "train"]])
def test_a_wrong_command_line_is_told_how_to_write_it(tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    done = on_gpu(*wrong)
    assert done.returncode == 2
    assert done.stderr.startswith("benchmarks/on_gpu.sh FOLDER")
    assert not list(tmp_path.iterdir())


def test_a_run_is_packed_and_goes_on_from_its_pieces(tmp_path):
    """A stand-in trains: it adds a line to the run at each call. The best checkpoint is not packed."""
    python, out = tmp_path / "python", tmp_path / "out"
    python.write_text(
        """#!/bin/sh
[ "${1##*/}" = quality.py ] || exit 0
mkdir -p "$4/best" "$GAN_JAX_CACHE" && touch "$4/best/large" && echo "$3 $5 $6 $7" >>"$4/calls" && echo "| a row |"
"""
    )
    python.chmod(0o755)
    train = ["--minutes", 2, "--pack", "train", "mnist", "mnist.npz", "steps=9"]
    for calls in (1, 2):
        done = on_gpu(out, *train, PYTHON=str(python))
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in out.iterdir()) == ["log.txt", "mnist.tar.00", "table.md"]
        held = subprocess.run(["tar", "-xOf", out / "mnist.tar.00", "mnist/calls"], capture_output=True, text=True)
        assert held.stdout.splitlines() == ["75 mnist mnist.npz steps=9"] * calls
    names = subprocess.run(["tar", "-tf", out / "mnist.tar.00"], capture_output=True, text=True).stdout.split()
    assert set(names) == {"mnist/", "mnist/calls", "cache/"}
    assert (out / "table.md").read_text().splitlines() == ["| a row |"] * 2


@pytest.mark.slow
def test_the_rehearsal_goes_through(tmp_path):
    pytest.importorskip("torch")
    done = on_gpu(tmp_path, "--rehearse", PYTHON=sys.executable)
    assert done.returncode == 0, (tmp_path / "log.txt").read_text()
    table = (tmp_path / "table.md").read_text()
    assert "failed" not in table
    assert "DIFFER" not in table
    assert all(f"| {what}" in table for what in ("sngan 1/32", "r3gan 1/32", "gat 1/32", "dcgan", "article"))


@pytest.mark.slow
@pytest.mark.parametrize("way", scaling.WAYS)
def test_two_processes_take_their_steps(way):
    assert len(scaling.run(scaling.Case("mlp", way, 2, 2), chunks=2)) == 2
