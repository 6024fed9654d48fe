"""How steps become programs does not change a run: several in one call, or by pmap."""

import json

import numpy as np
import pytest
from runs import final_arrays

from gan_jax.config import DCGAN, CadenceConfig, Config, DataConfig, EvaluateConfig, PenaltyConfig
from gan_jax.errors import ConfigError
from gan_jax.run.devices import choose_devices
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import _calls, train


def small(**changes):
    settings = {
        "data": DataConfig(name="digits"),
        "model": DCGAN(latent_size=4, generator_width=4, discriminator_width=4),
        "conditional": True,
        "batch_size": 8,
        "steps": 7,
        "every": CadenceConfig(log=3, sample=100, checkpoint=6),
        "evaluate": EvaluateConfig(every=6, samples=20, features="pixels"),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain")
    train(small(), path)
    return path


def rows(path):
    return [json.loads(line) for line in RunFolder(path).metrics.read_text().splitlines()]


@pytest.mark.parametrize("changes", [{"steps_per_call": 2}, {"parallel": "pmap"}], ids=lambda changes: str(changes))
def test_the_run_is_the_same_to_rounding(plain, tmp_path, changes):
    train(small(**changes), tmp_path)
    assert [row["step"] for row in rows(tmp_path)] == [row["step"] for row in rows(plain)]
    for ours, theirs in zip(rows(tmp_path), rows(plain), strict=True):
        assert ours.keys() == theirs.keys()
        for name in (name for name in ours if name not in ("scores", "protocol")):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-3, atol=2e-3, err_msg=name)
    ours, theirs = final_arrays(tmp_path, small()), final_arrays(plain, small())
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=5e-3, atol=5e-3, err_msg=name)


@pytest.mark.slow  # two more programs of a run
def test_another_way_goes_on_with_a_run_and_says_so(plain, tmp_path, capsys):
    train(small(steps=6), tmp_path)
    train(small(parallel="pmap"), tmp_path)
    assert (
        "begun on 2 x cpu, now on 2 x cpu by pmap: the same up to rounding, not bit for bit" in capsys.readouterr().out
    )
    np.testing.assert_allclose(rows(tmp_path)[-2]["g/loss"], rows(plain)[-2]["g/loss"], rtol=2e-3)


def test_no_call_goes_past_what_is_due():
    found = list(_calls(1, 14, {"log": 4, "checkpoint": 10}, 3))
    assert [step for call in found for step in call] == list(range(1, 14))
    assert all(call.stop <= due for due in (4, 8, 10, 12, 14) for call in found if call.start < due)
    assert {len(call) for call in found} == {1, 3}


def test_a_lazy_penalty_has_to_divide_what_pmap_shows_a_device():
    config = Config(batch_size=64, devices=2, penalty=PenaltyConfig(r1=1.0, lazy=64))
    assert len(choose_devices(config)) == 2
    with pytest.raises(ConfigError, match=r"penalty\.lazy: .* pmap shows a device 32 images, jit the whole of it"):
        choose_devices(Config(batch_size=64, devices=2, parallel="pmap", penalty=config.penalty))


def test_parts_of_a_batch_that_are_normalised_by_themselves_are_told_and_so_are_steps_in_one_program(tmp_path, capsys):
    changes = {"steps": 2, "evaluate": EvaluateConfig(), "every": CadenceConfig(log=2, sample=100, checkpoint=2)}
    train(small(accumulate=2, **changes), tmp_path)
    assert "accumulate: each of the 2 parts of a batch is normalised by itself" in capsys.readouterr().out
    train(small(accumulate=2, steps_per_call=2, **changes | {"steps": 4}), tmp_path)
    told = capsys.readouterr().out
    assert "begun on 2 x cpu, now on 2 x cpu, 2 steps in one program: the same up to rounding" in told
    assert "1797 images of digits on 2 x cpu; 2 steps are one program; compiling first, for a large" in told
