import dataclasses
import json
import math
import re

import pytest

from gan_jax import recipes
from gan_jax.checks import MAY_CHANGE, changed_keys, check, check_new, check_same, from_json
from gan_jax.config import MODEL_SIZES, AnnealConfig, CadenceConfig, Config, DataConfig, NetworkConfig
from gan_jax.errors import ConfigError
from gan_jax.schema import flatten, to_json

OTHERS = {
    "data.name": "mnist",
    "data.path": "/pictures",
    "data.data_dir": "/tfds",
    "data.download": True,
    "data.size": 32,
    "data.channels": 3,
    "data.on_bad": "skip",
    "model": "mlp",
    "loss": "minimax",
    "conditional": True,
    "latent_size": 7,
    "generator.width": 7,
    "generator.learning_rate": 1e-3,
    "generator.beta1": 0.9,
    "generator.beta2": 0.9,
    "generator.epsilon": 1e-7,
    "discriminator.width": 7,
    "discriminator.learning_rate": 1e-3,
    "discriminator.beta1": 0.9,
    "discriminator.beta2": 0.9,
    "discriminator.epsilon": 1e-7,
    "discriminator_norm": "none",
    "discriminator_steps": 2,
    "generator_batch": "own",
    "r1": 1.0,
    "r2": 1.0,
    "wgan_gp": 1.0,
    "lecam": 0.1,
    "path_length": 2.0,
    "lazy": 4,
    "path_lazy": 4,
    "augment": "diff_augment",
    "augment_p": 0.5,
    "ada_target": 0.6,
    "ada_kimg": 100.0,
    "average_decay": 0.5,
    "half_life": 1e4,
    "average_width": 0.1,
    "anneal.images": 1000,
    "anneal.learning_rate": 1e-5,
    "anneal.beta2": 0.9,
    "anneal.penalty": 0.1,
    "anneal.augment_p": 0.3,
    "anneal.half_life": 1e5,
    "precision": "bfloat16",
    "batch_size": 32,
    "steps": 3000,
    "seed": 1,
    "devices": 2,
    "every.log": 7,
    "every.sample": 7,
    "every.checkpoint": 7,
    "every.keep": 7,
    "evaluate.every": 7,
    "evaluate.samples": 77,
    "evaluate.features": "pixels",
    "evaluate.weights": "/weights.pth",
    "evaluate.best": "recall",
    "tensorboard": True,
}


ADA, SOME_IMAGES = {"augment": "ada", "augment_p": 0.1}, {"anneal.images": 1000}
NEEDS = {
    "augment_p": ADA,
    "ada_target": ADA,
    "ada_kimg": ADA | {"ada_target": 0.6},
    "lazy": {"r1": 1.0},
    "path_lazy": {"path_length": 2.0},
    "anneal.images": {"anneal.learning_rate": 1e-5},
    "anneal.learning_rate": SOME_IMAGES,
    "anneal.beta2": SOME_IMAGES,
    "anneal.penalty": SOME_IMAGES | {"r1": 1.0},
    "anneal.augment_p": ADA | SOME_IMAGES,
    "anneal.half_life": SOME_IMAGES,
    "evaluate.best": {"evaluate.every": 10},
}
"""Keys that cannot be set alone, and what they need beside them."""


def with_key(config, key, value):
    name, _, rest = key.partition(".")
    inner = with_key(getattr(config, name), rest, value) if rest else value
    return dataclasses.replace(config, **{name: inner})


def complaint(config):
    with pytest.raises(ConfigError) as refused:
        check(config)
    return str(refused.value)


def test_every_key_has_another_value_to_try():
    assert list(OTHERS) == list(flatten(Config()))


@pytest.mark.parametrize("key", OTHERS)
def test_json_brings_back_every_key(key):
    config = with_key(Config(data=DataConfig(size=16)), key, OTHERS[key])
    for other, value in NEEDS.get(key, {}).items():
        config = with_key(config, other, value)
    assert from_json(to_json(config)) == config


def test_json_spells_out_every_key():
    assert json.loads(to_json(Config())) == dataclasses.asdict(Config())


def test_keys_missing_from_json_take_their_defaults():
    assert from_json('{"data": {"size": 16}}') == Config(data=DataConfig(size=16))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"batchsize": 8}', "batchsize: no such key; did you mean batch_size?"),
        ('{"generator": {"widht": 1}}', "generator.widht: no such key; did you mean generator.width?"),
        ('{"every": {"zzz": 1}}', "every.zzz: no such key; known are log, sample, checkpoint, keep"),
        ('{"data": 3}', "data: expected a group of keys, got 3"),
        ("[]", "config: expected a group of keys, got []"),
        ('{"steps": "many"}', "steps: expected a whole number, got 'many'"),
        ('{"r1": NaN}', "r1: expected a finite number from 0, got nan"),
        ("{", "not JSON"),
    ],
)
def test_json_that_is_not_a_config_is_refused(text, said):
    with pytest.raises(ConfigError) as refused:
        from_json(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("key", OTHERS)
def test_a_key_may_change_only_where_no_step_depends_on_it(key):
    old, new = Config(), with_key(Config(), key, OTHERS[key])
    if key in MAY_CHANGE:
        check_same(old, new, "runs/a")
        return
    assert changed_keys(old, new) == {key: (flatten(old)[key], OTHERS[key])}
    with pytest.raises(ConfigError) as refused:
        check_same(old, new, "runs/a")
    assert f"{key}: {flatten(old)[key]!r} there, {OTHERS[key]!r} now" in str(refused.value)


def test_the_keys_that_may_change_exist():
    assert set(flatten(Config())) >= MAY_CHANGE


def test_all_wrong_values_are_named_at_once():
    said = complaint(
        Config(
            data=DataConfig(size=-1),
            generator=NetworkConfig(beta1=1.0, learning_rate=math.inf),
            batch_size=0,
            seed=2**32,
            every=CadenceConfig(log=0),
        )
    )
    for key in ("data.size", "generator.beta1", "generator.learning_rate", "batch_size", "seed", "every.log"):
        assert f"{key}: expected" in said
    assert len(said.splitlines()) == 6


def test_wrong_types_and_wrong_values_are_named_together():
    assert complaint(Config(model="dcgn", steps=0)).splitlines() == [
        f"model: expected one of {', '.join(MODEL_SIZES)}, got 'dcgn'; did you mean dcgan?",
        "steps: expected a whole number from 1, got 0",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 10.0),
        ("steps", True),
        ("steps", None),
        ("data.size", "16"),
        ("data.channels", 2),
        ("data.channels", True),
        ("data.path", 3),
        ("conditional", 1),
        ("r1", "0"),
    ],
)
def test_a_value_of_another_type_is_named(key, value):
    said = complaint(with_key(Config(), key, value))
    assert said.startswith(f"{key}: expected")
    assert repr(value) in said


def test_a_group_of_keys_must_be_of_its_kind():
    assert complaint(Config(data={"size": 3})) == "data: expected a DataConfig, got {'size': 3}"


def test_a_whole_number_will_do_for_a_number():
    assert check(Config(r1=1)).r1 == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (Config(data=DataConfig(path="/pictures")), "data.size: your own pictures need a size"),
        (Config(data=DataConfig(size=30)), "data.size: model dcgan makes 8, 16, 28, 32, 64, 128 pixels"),
        (Config(model="article"), "data.size: model article makes 28 pixels, not 8; try --data.size 28"),
        (Config(devices=3), "batch_size: 64 cannot be shared by 3 devices; try 63 or 66"),
        (Config(batch_size=2, devices=4), "batch_size: 2 cannot be shared by 4 devices; try 4"),
        (Config(batch_size=1), "batch_size: model dcgan normalises over the batch"),
        (Config(anneal=AnnealConfig(beta2=0.9)), "anneal.images: expected the images until anneal.beta2 is reached"),
        (Config(anneal=AnnealConfig(images=10)), "anneal.images: there is nothing to anneal"),
        (Config(model="acgan"), "conditional: model acgan names the labels that it is told"),
        (Config(model="mlp", discriminator_norm="none"), "discriminator_norm: is for --model dcgan, not mlp"),
        (
            Config(DataConfig(size=32), "stylegan2", batch_size=48),
            "batch_size: model stylegan2 compares groups of 32; 48 images are no multiple of it",
        ),
        (
            Config(DataConfig(size=32), "biggan", latent_size=126),
            "latent_size: model biggan splits latents into 4 at 32 pixels; try 128",
        ),
        (
            Config(DataConfig(size=32), "sagan", generator=NetworkConfig(width=4)),
            "generator.width: model sagan needs 8 or more, got 4",
        ),
        (Config(model="mlp", precision="bfloat16"), "precision: model mlp computes in float32, not bfloat16"),
        (Config(lazy=3), "lazy: expected a divisor of the batch size 64, got 3"),
        (Config(augment_p=0.5), "augment_p: is for --augment ada, ada_cutout or ada_full, not none"),
        (
            Config(augment="ada", ada_target=0.6, anneal=AnnealConfig(images=10, augment_p=0.5)),
            "ada_target: augment_p can adapt or be annealed, not both",
        ),
        (
            Config(half_life=10.0, anneal=AnnealConfig(images=10, half_life=5.0)),
            "half_life: an annealed half-life starts from 0",
        ),
        (Config(half_life=10.0, average_width=0.1), "average_width: an average has a width or a half-life"),
        (
            Config(DataConfig(size=32), "stylegan2", batch_size=96, lazy=2, r1=1.0),
            "lazy: model stylegan2 compares groups of 32; 48 images are no multiple of it",
        ),
        (Config(ada_target=0.0), "ada_target: is for --augment ada"),
        (Config(path_length=2.0, path_lazy=3), "path_lazy: expected a divisor of the batch size 64, got 3"),
        (Config(steps=10**400), "steps: expected a whole number from 1"),
        (Config(r1=1e39), "r1: expected a finite number from 0"),
        (Config(average_width=0.3), "average_width: expected a number in [0.001, 0.2886], got 0.3"),
    ],
)
def test_keys_that_do_not_go_together_are_named(config, said):
    assert said in complaint(config)


def test_the_mlp_makes_any_size_from_a_batch_of_one():
    check(Config(data=DataConfig(size=13), model="mlp", batch_size=1))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (Config(path_lazy=4), "path_lazy: there are no path lengths to take of fewer latents"),
        (Config(lazy=4), "lazy: there is no penalty to take of fewer images; add one such as --r1, or --lazy 1"),
        (Config(lazy=4, path_length=2.0, path_lazy=8), "lazy: there is no penalty to take of fewer images"),
        (Config(augment="ada"), "augment_p: ada with a probability of 0 does nothing"),
        (
            Config(augment="ada", anneal=AnnealConfig(images=10, augment_p=0.0)),
            "augment_p: ada with a probability of 0 does nothing",
        ),
        (Config(augment="ada", augment_p=0.5, ada_kimg=5.0), "ada_kimg: is for an augment_p that adapts"),
        (Config(anneal=AnnealConfig(images=10, penalty=0.1)), "anneal.penalty: there is no penalty to anneal"),
    ],
)
def test_keys_that_would_do_nothing_are_refused_of_new_runs_alone(config, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_new(config)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("name", [name for name in recipes.names() if name != "pictures"])
def test_no_recipe_asks_for_what_does_nothing(name):
    check_new(recipes.load(name))
