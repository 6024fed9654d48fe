"""Runs that begin with the networks of another."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from runs import assert_a_killed_copy_ends_alike, final_arrays

from gan_jax import cli
from gan_jax.config import MLP, CadenceConfig, Config, DataConfig, StartConfig
from gan_jax.config.recipes import load_run
from gan_jax.config.schema import to_json, with_values
from gan_jax.errors import ConfigError
from gan_jax.run.beginning import begin
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.training import abstract_state

BEFORE = Config(
    data=DataConfig(name="digits"),
    model=MLP(latent_size=4, generator_width=8, discriminator_width=4),
    batch_size=8,
    steps=2,
    every=CadenceConfig(log=1, sample=100, checkpoint=2),
)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "run"
    train(BEFORE, path)
    return path


def after(other, **start):
    return replace(BEFORE, seed=1, steps=4, start=StartConfig(run=str(other), **start))


def begun(config):
    return begin(config, abstract_state(config, 10), 10)


def test_networks_are_taken_over_and_noted(other):
    config, state, said = begun(after(other))
    theirs = final_arrays(other, BEFORE)
    np.testing.assert_array_equal(state.average.params["hidden_0"]["kernel"], theirs["average.params.hidden_0.kernel"])
    assert len(config.start.sha256) == 64
    assert said[0] == f"began with the networks of {other}, step 2"
    assert [line.split(" taken")[0] for line in said[1:]] == [
        "  generator: 6 of 6 arrays",
        "  discriminator: 6 of 6 arrays",
        "  average: 6 of 6 arrays",
    ]
    assert begun(config)[0] == config


def test_a_run_goes_on_to_the_same_bits_with_the_other_folder_gone(other, tmp_path):
    source = shutil.copytree(other, tmp_path / "source")
    config = after(source, freeze=1)
    train(config, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    noted = json.loads(run.config.read_text())["start"]
    assert noted == {"run": str(source), "sha256": begun(config)[0].start.sha256, "freeze": 1}
    found, theirs = final_arrays(run.path, config), final_arrays(source, BEFORE)
    name = "discriminator.weights.params.{}.kernel"
    np.testing.assert_array_equal(found[name.format("maxout_0")], theirs[name.format("maxout_0")])
    assert not np.array_equal(found[name.format("logit")], theirs[name.format("logit")])
    assert "frozen in the discriminator: maxout_0" in run.log.read_text()
    shutil.rmtree(source)
    assert_a_killed_copy_ends_alike(run, config, tmp_path / "killed")
    assert load_run(tmp_path / "killed") == load_run(run.path)


def test_a_folder_that_changed_is_noticed_where_the_run_begins(other):
    with pytest.raises(ConfigError, match=f"{other} holds other networks .* now of its step 2"):
        begun(after(other, sha256="0" * 64))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": MLP(latent_size=3, generator_width=6, discriminator_width=6)}, "nothing fits of the networks of"),
        ({"data": DataConfig(name="digits", size=12), "start.freeze": 1}, "maxout_0.kernel would stay as it was drawn"),
        ({"start.freeze": 3}, "expected 2 at most, got 3; .* has to learn: maxout_0, maxout_1, logit"),
    ],
)
def test_what_cannot_be_begun_with_is_refused(changes, line, other):
    groups = {key: value for key, value in changes.items() if "." not in key}
    config = with_values(replace(after(other), **groups), {k: v for k, v in changes.items() if "." in k})
    with pytest.raises(ConfigError, match=line):
        begun(config)


def test_another_size_takes_what_fits(other):
    told = "\n".join(begun(replace(after(other), data=DataConfig(name="digits", size=12)))[2])
    assert "  generator: 4 of 6 arrays taken over: hidden_0.bias, hidden_0.kernel, hidden_1.bias" in told
    assert "\n    fresh: pixels.kernel, 8x64 there, 8x144 here\n" in told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--from", "nowhere"], "nowhere is not a run folder"),
        (["--from="], "start.run: expected the folder of a run"),
        (["--start.freeze", "1"], "layers drawn at random would stay so; name the run with --from RUN"),
        (["--start.sha256", "ab"], "start.sha256: is of a run's networks; name the run"),
        (["--start.freeze", "-1"], "start.freeze: expected a whole number from 0, got -1"),
    ],
)
def test_options_that_cannot_be_are_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "digits", *arguments]) == 2
    assert line in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_run_that_began_with_another_is_not_gone_on_with_by_a_third(other, tmp_path, capsys):
    folder, third = RunFolder(tmp_path / "run"), str(tmp_path / "third")
    folder.path.mkdir()
    folder.config.write_text(to_json(after(third, sha256="0" * 64)))
    assert cli.main(["train", str(folder.path), "--from", str(other)]) == 2
    assert f"start.run: '{third}' there, '{other}' now" in capsys.readouterr().err


@pytest.mark.slow
def test_pmap_begins_with_the_same_to_rounding(other, tmp_path):
    config = replace(after(other), steps=1)
    train(config, tmp_path / "jit")
    train(replace(config, parallel="pmap"), tmp_path / "pmap")
    ours, theirs = (final_arrays(tmp_path / way, config) for way in ("pmap", "jit"))
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-3, atol=2e-3, err_msg=name)
