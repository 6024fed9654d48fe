"""Runs whose discriminator learns of a teacher: from a file with features to samples, killed, and on two devices."""

from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from runs import assert_a_killed_copy_ends_alike

from gan_jax import parallel, per_device
from gan_jax.cli import main
from gan_jax.config import GAT, AugmentConfig, CadenceConfig, Config, DataConfig
from gan_jax.config.build import build_gan, example, load_data
from gan_jax.data.batches import read_batch
from gan_jax.gan import init
from gan_jax.run.files import RunFolder
from gan_jax.run.loop import train
from gan_jax.run.training import make_step


@pytest.fixture(scope="module")
def latents(tmp_path_factory):
    """Of 40 images, with what a teacher says of each and of its four patches."""
    rng = np.random.default_rng(0)
    images, said = rng.normal(size=(40, 4, 4, 2)), rng.normal(size=(40, 5, 3))
    path = tmp_path_factory.mktemp("taught") / "latents.npz"
    np.savez(path, images=images.astype(np.float32), features=said.astype(np.float16), labels=np.arange(40) % 2)
    return path


def small(latents, **changes):
    settings = {
        "data": DataConfig(path=str(latents), size=4, channels=2, deviation=1.0, features="5x3", flip=True),
        "model": GAT(latent_size=4, generator_width=8, discriminator_width=8, depth=8, heads=1, features=4),
        "loss": "relativistic",
        "augment": AugmentConfig("levels_diff_augment"),
        "batch_size": 8,
        "steps": 4,
        "every": CadenceConfig(log=1, sample=4, checkpoint=2),
    }
    return Config(**settings | changes)


@pytest.fixture(scope="module")
def run(latents, tmp_path_factory):
    """A run that is over. Tests that change it copy it."""
    path = tmp_path_factory.mktemp("taught") / "run"
    train(small(latents), path)
    return RunFolder(path)


@pytest.mark.slow
def test_a_run_that_is_killed_before_its_last_checkpoint_ends_as_if_it_were_not(run, latents, tmp_path):
    assert_a_killed_copy_ends_alike(run, small(latents), tmp_path / "killed")


@pytest.mark.slow
def test_a_run_is_drawn_from_without_features_and_refuses_to_go_on_with_others(run, latents, tmp_path, capsys):
    assert main(["sample", str(run.path), "--count", "3", "--out", str(tmp_path / "few.npz")]) == 0
    assert np.load(tmp_path / "few.npz")["images"].shape == (3, 4, 4, 2)
    arrays = dict(np.load(latents))
    np.savez(tmp_path / "other.npz", **arrays | {"features": -arrays["features"]})
    assert main(["train", str(run.path), "--data.path", str(tmp_path / "other.npz"), "--steps", "5"]) == 3
    assert "the data are not those that this run was trained on" in capsys.readouterr().err
    np.savez(tmp_path / "none.npz", images=arrays["images"])
    assert main(["train", str(run.path), "--data.path", str(tmp_path / "none.npz"), "--steps", "5"]) == 3
    assert "is called features; expected features of floats [40, 5, 3], or leave" in capsys.readouterr().err


def test_a_dry_run_counts_what_features_take(latents, tmp_path, capsys):
    sizes = "--model.generator-width 8 --model.discriminator-width 8 --model.depth 8 --model.heads 1 --model.features 4"
    data = f"--data.path {latents} --data.size 4 --data.channels 2 --data.deviation 1 --data.features 5x3"
    command = f"train pictures --model gat {sizes} {data} --batch-size 8 --model.unroll False --penalty.r1 0 --dry-run"
    assert main([*command.split(), "--run", str(tmp_path / "dry")]) == 0
    shown = capsys.readouterr().out
    assert "with 5 x 3 features each" in shown
    parameters = int(shown.split("discriminator  ")[1].split()[0].replace(",", ""))
    assert parameters - discriminator_size(latents, features=None) == 9 * 4 + 5 * 4 + 5 * 3
    assert not (tmp_path / "dry").exists()


def discriminator_size(latents, **changes):
    """How many parameters it has with other settings of the data, none of which is computed."""
    config = small(latents)
    config = replace(config, data=replace(config.data, **changes), loss="non_saturating", augment=AugmentConfig())
    state = jax.eval_shape(lambda: init(build_gan(config, 0), jax.random.key(0), example(config)))
    return sum(leaf.size for leaf in jax.tree.leaves(state.discriminator.weights.params))


def after_two_steps(config, way, devices):
    gan, data = build_gan(config, 0), load_data(config)
    gan = replace(gan, generator_optimizer=optax.sgd(0.01), discriminator_optimizer=optax.sgd(0.01))
    mesh = parallel.make_mesh(jax.devices()[:devices])
    state = way.make_state(lambda: init(gan, jax.random.key(0), example(config)), mesh)
    step = way.compile_step(make_step(config, gan, way), mesh)
    for i in range(2):
        batch = read_batch(data.images, None, i, batch_size=config.batch_size, seed=0, features=data.features)
        state, metrics = step(state, way.put_batch(mesh, *batch))
    state, metrics = way.first(state), way.first(metrics)
    return jax.device_get((state.generator.weights, state.discriminator.weights)), metrics


@pytest.mark.slow  # a minute
@pytest.mark.parametrize("way", [parallel, per_device])
def test_two_devices_take_the_steps_of_one(latents, way):
    config = small(latents)
    (ours, rows), (theirs, others) = after_two_steps(config, parallel, 1), after_two_steps(config, way, 2)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), ours, theirs)
    np.testing.assert_allclose(rows["d/loss"], others["d/loss"], rtol=1e-4)
