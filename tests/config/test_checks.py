import dataclasses
import json
import math
import re

import jax
import jax.numpy as jnp
import pytest

from gan_jax.config import (
    MLP,
    R3GAN,
    AdamConfig,
    AnyModel,
    CadenceConfig,
    Config,
    DataConfig,
    Inpainting,
    PenaltyConfig,
    recipes,
)
from gan_jax.config.checks import MAY_CHANGE, changed_keys, check, check_new, check_same, from_json
from gan_jax.config.schema import flatten, kinds, to_json, with_values
from gan_jax.errors import ConfigError

OTHERS = {
    "steps": 3000,
    "batch_size": 32,
    "seed": 1,
    "conditional": True,
    "loss": "minimax",
    "discriminator_steps": 2,
    "generator_batch": "own",
    "devices": 2,
    "parallel": "pmap",
    "steps_per_call": 4,
    "accumulate": 2,
    "remat": True,
    "track": "tensorboard,wandb",
    "data.name": "mnist",
    "data.path": "/pictures",
    "data.size": 32,
    "data.alphabet": 65,
    "data.test": 0.2,
    "data.frames": 8,
    "data.channels": 3,
    "data.deviation": 0.5,
    "data.features": "17x64",
    "data.flip": True,
    "data.clusters": 5,
    "data.data_dir": "/tfds",
    "data.download": True,
    "data.on_bad": "skip",
    "data.memory": 1.0,
    "task": "inpainting",
    "model": "r3gan",
    "model.latent_size": 7,
    "model.generator_width": 7,
    "model.discriminator_width": 7,
    "model.precision": "bfloat16",
    "model.norm": "none",
    "model.told": "projection",
    "start.run": "/runs/other",
    "start.sha256": "0" * 64,
    "start.freeze": 2,
    "generator.learning_rate": 1e-3,
    "generator.beta1": 0.9,
    "generator.beta2": 0.9,
    "generator.epsilon": 1e-7,
    "generator.clip": 1.0,
    "generator.weight_decay": 0.1,
    "generator.base_width": 768,
    "discriminator.learning_rate": 1e-3,
    "discriminator.beta1": 0.9,
    "discriminator.beta2": 0.9,
    "discriminator.epsilon": 1e-7,
    "discriminator.clip": 1.0,
    "discriminator.weight_decay": 0.1,
    "discriminator.base_width": 768,
    "penalty.r1": 1.0,
    "penalty.r2": 1.0,
    "penalty.by_difference": True,
    "penalty.wgan_gp": 1.0,
    "penalty.lecam": 0.1,
    "penalty.path_length": 2.0,
    "penalty.lazy": 4,
    "penalty.path_lazy": 4,
    "augment.name": "diff_augment",
    "augment.p": 0.5,
    "augment.target": 0.6,
    "augment.kimg": 100.0,
    "average.decay": 0.5,
    "average.half_life": 1e4,
    "average.width": 0.1,
    "anneal.images": 1000,
    "anneal.learning_rate": 1e-5,
    "anneal.beta2": 0.9,
    "anneal.penalty": 0.1,
    "anneal.augment_p": 0.3,
    "anneal.half_life": 1e5,
    "every.log": 7,
    "every.sample": 7,
    "every.checkpoint": 7,
    "every.keep": 7,
    "evaluate.every": 7,
    "evaluate.samples": 77,
    "evaluate.features": "pixels",
    "evaluate.weights": "/weights.pth",
    "evaluate.best": "recall",
}


ADA, SOME_IMAGES = {"augment.name": "ada", "augment.p": 0.1}, {"anneal.images": 1000}
FLOATS = {"data.path": "/latents.npz", "data.size": 8, "data.channels": 4, "data.deviation": 0.5}
INPAINTING = {"task": "inpainting", "model": "pix2pix", "data.size": 16}
TEXT = {"data.path": "/mine.txt", "data.size": 32, "model": "wgantext"}
CLIPS = {"data.name": "moving_mnist", "model": "mocogan"}
LARGER = {"task": "super_resolution", "model": "esrgan", "data.size": 16}
FEW_LABELS = {"task": "few_labels", "model": "fmgan"}
RESTYLED = {"task": "restyled", "model": "cyclegan", "data.size": 16}
ONE_WAY = {"task": "restyled_one_way", "model": "cut", "data.size": 16}
NEEDS = {
    "task": {"model": "pix2pix", "data.size": 16},
    "data.deviation": {"data.path": "/latents.npz"},
    "data.features": FLOATS | {"model": "gat"},
    "data.alphabet": TEXT,
    "data.test": TEXT,
    "data.frames": CLIPS,
    "model.told": {"conditional": True},
    "start.sha256": {"start.run": "/runs/other"},
    "start.freeze": {"start.run": "/runs/other"},
    "augment.p": ADA,
    "augment.target": ADA,
    "augment.kimg": ADA | {"augment.target": 0.6},
    "penalty.lazy": {"penalty.r1": 1.0},
    "penalty.path_lazy": {"penalty.path_length": 2.0},
    "anneal.images": {"anneal.learning_rate": 1e-5},
    "anneal.learning_rate": SOME_IMAGES,
    "anneal.beta2": SOME_IMAGES,
    "anneal.penalty": SOME_IMAGES | {"penalty.r1": 1.0},
    "anneal.augment_p": ADA | SOME_IMAGES,
    "anneal.half_life": SOME_IMAGES,
    "evaluate.weights": {"evaluate.every": 10},
}
"""Keys that cannot be set alone, and what they need beside them."""


def complaint(config):
    with pytest.raises(ConfigError) as refused:
        check(config)
    return str(refused.value)


def test_every_key_has_another_value_to_try():
    assert list(OTHERS) == list(flatten(Config()))


@pytest.mark.parametrize("key", OTHERS)
def test_json_brings_back_every_key(key):
    config = with_values(Config(data=DataConfig(size=16)), {key: OTHERS[key]} | NEEDS.get(key, {}))
    assert from_json(to_json(config)) == config


def test_json_spells_out_every_key_and_names_the_model():
    spelled = dataclasses.asdict(Config())
    spelled["model"] = {"name": "dcgan"} | spelled["model"]
    spelled["task"] = {"name": "none"}
    assert json.loads(to_json(Config())) == spelled


def test_a_key_of_another_kind_asks_for_nothing_at_its_default():
    assert from_json('{"task": {"name": "none", "factor": 4, "test": 0.1}}') == Config()
    with pytest.raises(ConfigError, match=r"task.factor: no such key; known are none"):
        from_json('{"task": {"name": "none", "factor": 2}}')


def test_a_config_of_when_tensorboard_had_a_key_of_its_own_is_read():
    assert from_json('{"tensorboard": true}') == Config(track="tensorboard")
    assert from_json('{"tensorboard": false}') == Config()
    with pytest.raises(ConfigError, match="tensorboard: no such key"):
        from_json('{"tensorboard": "yes"}')


@pytest.mark.parametrize("track", ["", "tensorbord", "wandb,wandb", "tensorboard, wandb"])
def test_trackers_that_there_are_not_are_refused_with_those_that_there_are(track):
    with pytest.raises(ConfigError, match=r"track: expected one or more of tensorboard, wandb, with commas"):
        check(Config(track=track))


def test_keys_missing_from_json_take_their_defaults():
    assert from_json('{"data": {"size": 16}}') == Config(data=DataConfig(size=16))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"batchsize": 8}', "batchsize: no such key; did you mean batch_size?"),
        ('{"generator": {"beta3": 1}}', "generator.beta3: no such key; did you mean generator.beta2?"),
        ('{"model": {"latent_size": 1}}', "model.name: expected one of mlp, dcgan, article"),
        ('{"model": {"name": "mlp", "norm": "none"}}', "model.norm: no such key"),
        (
            '{"task": {"name": "inpainting", "called": "x"}}',
            "task.called: no such key; known are test, l1, perceptual, vgg, holes",
        ),
        ('{"model": {"name": []}}', "model.name: expected one of mlp, dcgan"),
        ('{"model": "mlp"}', "model: expected a group of keys, got 'mlp'"),
        (f'{{"steps": {"9" * 5000}}}', "not JSON"),
        ('{"steps": ' + "[" * 100_000, "not JSON"),
        ('{"every": {"zzz": 1}}', "every.zzz: no such key; known are log, sample, checkpoint, keep"),
        ('{"model_type": "bert", "dim": 768}', "not of gan_jax: none of its keys is known, model_type, dim"),
        ('{"sede": 1, "stps": 3}', "sede: no such key; did you mean seed?"),
        ('{"data": 3}', "data: expected a group of keys, got 3"),
        ("[]", "config: expected a group of keys, got []"),
        ('{"steps": "many"}', "steps: expected a whole number, got 'many'"),
        ('{"penalty": {"r1": NaN}}', "penalty.r1: expected a finite number from 0, got nan"),
        ("{", "not JSON"),
    ],
)
def test_json_that_is_not_a_config_is_refused(text, said):
    with pytest.raises(ConfigError) as refused:
        from_json(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("key", OTHERS)
def test_a_key_may_change_only_where_no_step_depends_on_it(key):
    old, new = Config(), with_values(Config(), {key: OTHERS[key]})
    if key in MAY_CHANGE:
        check_same(old, new, "runs/a")
        return
    changed = changed_keys(old, new)
    assert changed[key] == (flatten(old)[key], OTHERS[key])
    assert all(other.startswith(f"{key}.") for other in changed if other != key)  # another model has other keys
    with pytest.raises(ConfigError) as refused:
        check_same(old, new, "runs/a")
    assert f"{key}: {flatten(old)[key]!r} there, {OTHERS[key]!r} now" in str(refused.value)


def test_the_keys_that_may_change_exist():
    assert set(flatten(Config())) | {"task.vgg"} >= MAY_CHANGE  # which inpainting has, and the like
    assert "task.vgg" in flatten(Config(task=Inpainting()))


def test_all_wrong_values_are_named_at_once():
    said = complaint(
        Config(
            data=DataConfig(size=-1),
            generator=AdamConfig(beta1=1.0, learning_rate=math.inf),
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
        "steps: expected a whole number from 1, got 0",
        f"model: expected one of {', '.join(kinds(AnyModel))}, got 'dcgn'; did you mean dcgan?",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 10.0),
        ("steps", True),
        ("steps", None),
        ("data.size", "16"),
        ("data.channels", True),
        ("data.path", 3),
        ("conditional", 1),
        ("penalty.r1", "0"),
    ],
)
def test_a_value_of_another_type_is_named(key, value):
    said = complaint(with_values(Config(), {key: value}))
    assert said.startswith(f"{key}: expected")
    assert repr(value) in said


def test_a_group_of_keys_must_be_of_its_kind():
    assert complaint(Config(data={"size": 3})) == "data: expected a DataConfig, got {'size': 3}"


def test_a_whole_number_will_do_for_a_number():
    assert check(Config(penalty=PenaltyConfig(r1=1))).penalty.r1 == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"data.path": "/pictures"}, "data.size: your own pictures need a size"),
        (
            {"data.size": "50x64"},
            "128 pixels on the longer side, multiples of 16 on the other, not 50x64; try --data.size 48x64",
        ),
        ({"data.size": "24x28", "model": "article"}, "model article makes 28 pixels, not 24x28; try --data.size 28"),
        ({"data.size": "64x64"}, "data.size: expected 64 for images of that size, got '64x64'"),
        ({"data.size": "0x64"}, "data.size: expected a whole number from 1, got 0"),
        ({"data.channels": 2}, "data.channels: pictures have 1 (greyscale) or 3 (RGB), not 2; for floats add"),
        ({"data.channels": 17}, "data.channels: expected a whole number in [1, 16], got 17"),
        (
            {"data.deviation": 0.5},
            "data.deviation: is of floats in an .npz, an .npy, or a folder of .npy, not of the named",
        ),
        (
            FLOATS | {"augment.name": "ada", "augment.p": 0.5},
            "augment.name: ada turns colours, of 1 channel or",
        ),
        (FLOATS | {"data.clusters": 5}, "data.clusters: are found among pictures, not among floats"),
        ({"data.size": 30}, "data.size: model dcgan makes 8, 16, 28, 32, 64, 128 pixels"),
        ({"model": "article"}, "data.size: model article makes 28 pixels, not 8; try --data.size 28"),
        ({"devices": 3}, "batch_size: 64 cannot be shared by 3 devices; try 63 or 66"),
        ({"batch_size": 2, "devices": 4}, "batch_size: 2 cannot be shared by 4 devices; try 4"),
        ({"batch_size": 1}, "batch_size: model dcgan normalises over the batch"),
        ({"accumulate": 3}, "accumulate: expected a divisor of the batch size 64, got 3"),
        ({"accumulate": 64}, "accumulate: model dcgan normalises over a part, which needs 2 images or more, got 1"),
        (
            {"data.size": 32, "model": "stylegan2", "accumulate": 4},
            "accumulate: model stylegan2 compares groups of 32; 16 are no multiple of it",
        ),
        ({"model": "gat", "model.patch": 3}, "model.patch: patches of 3 pixels do not fill 8; try a divisor of it"),
        ({"model": "gat", "model.depth": 6}, "model.depth: expected a multiple of 4, one part for each level, got 6"),
        (
            {"model": "gat", "model.heads": 5},
            "model.generator_width: expected a multiple of 20, 4 for each head, got 384",
        ),
        (
            {"model": "gat", "model.attention": "cudnn"},
            "model.attention: cudnn's is for 16 bits; add --model.precision",
        ),
        (
            {"model": "gat", "model.attention": "cudnn", "model.precision": "bfloat16", "penalty.r1": 1.0},
            "model.attention: cudnn's has no second derivatives; add --penalty.by-difference",
        ),
        (
            {"model": "gat", "augment.name": "diff_augment"},
            "augment.name: diff_augment is of one image, and model gat shows four levels; take --augment levels",
        ),
        (
            FLOATS | {"data.features": 64},
            "data.features: are for --model gat, and model dcgan learns none; drop --data.features",
        ),
        (
            FLOATS | {"model": "gat", "data.features": "18x64"},
            "data.features: 18 of an image are not those of its 16 patches of 2x2 pixels; bring 16x64, 17x64 or 64 of",
        ),
        (
            {"model": "gat", "data.features": 64},
            "data.features: come in an .npz, or beside an .npy of images; name one with --data.path",
        ),
        ({"data.features": "17x"}, "data.features: expected numbers of each image, such as 768, or places x numbers"),
        ({"data.features": 0}, "data.features: expected a whole number from 1, got 0"),
        (
            INPAINTING | {"data.path": "/pictures.npz", "data.features": 64},
            "data.features: are for --model gat, and model pix2pix learns none",
        ),
        ({"model": "gat", "penalty.wgan_gp": 10.0}, "penalty.wgan_gp: looks between an image and four levels"),
        (
            {"model": "gat", "penalty.path_length": 2.0},
            "penalty.path_length: is of one image, and model gat shows four",
        ),
        (
            {"model": "gat", "conditional": True, "parallel": "pmap"},
            "parallel: the mean style of each label is of the whole batch, in model gat; take jit",
        ),
        (
            {"model": "gat", "conditional": True, "accumulate": 2},
            "accumulate: the mean style of each label is of the whole batch, in model gat; take 1",
        ),
        (RESTYLED | {"penalty.path_length": 2.0}, "penalty.path_length: is of one image, and model cyclegan makes two"),
        (RESTYLED | {"generator_batch": "own"}, "generator_batch: of two domains no batch of its own is told from one"),
        (ONE_WAY | {"penalty.path_length": 2.0}, "penalty.path_length: is of latents, and model cut has none; drop it"),
        (
            ONE_WAY | {"penalty.wgan_gp": 10.0},
            "penalty.wgan_gp: looks between what is real and what is made, which has",
        ),
        (ONE_WAY | {"generator_batch": "own"}, "generator_batch: of two domains no batch of its own is told from one"),
        ({"augment.name": "levels"}, "augment.name: levels is for --model gat, whose images have levels"),
        ({"anneal.beta2": 0.9}, "anneal.images: expected the images until anneal.beta2 is reached"),
        ({"anneal.images": 10}, "anneal.images: there is nothing to anneal"),
        ({"conditional": True, "data.clusters": 5}, "data.clusters: networks are told these or classes"),
        ({"model": "acgan"}, "conditional: model acgan names the labels that it is told"),
        (
            {"data.size": 32, "model": "stylegan2", "batch_size": 48},
            "batch_size: model stylegan2 compares groups of 32; 48 are no multiple of it",
        ),
        (
            {"data.size": 32, "model": "biggan", "model.latent_size": 126},
            "model.latent_size: model biggan splits latents into 4 at 32 pixels; try 128",
        ),
        (
            {"data.size": 32, "model": "sagan", "model.generator_width": 4},
            "model.generator_width: model sagan needs 8 or more, got 4",
        ),
        (
            {"model": "r3gan", "model.discriminator_width": 20},
            "model.discriminator_width: model r3gan splits 20 chan",
        ),
        ({"penalty.lazy": 3}, "penalty.lazy: expected a divisor of the batch size 64, got 3"),
        ({"augment.p": 0.5}, "augment.p: is for --augment ada, ada_cutout or ada_full, not none"),
        (
            {"augment.name": "ada", "augment.target": 0.6, "anneal.images": 10, "anneal.augment_p": 0.5},
            "augment.target: augment.p can adapt or be annealed, not both",
        ),
        (
            {"average.half_life": 10.0, "anneal.images": 10, "anneal.half_life": 5.0},
            "average.half_life: an annealed half-life starts from 0",
        ),
        ({"average.half_life": 10.0, "average.width": 0.1}, "average.width: an average has a width or a half-life"),
        (
            {"data.size": 32, "model": "stylegan2", "batch_size": 96, "penalty.lazy": 2, "penalty.r1": 1.0},
            "penalty.lazy: model stylegan2 compares groups of 32; 48 are no multiple of it",
        ),
        ({"augment.target": 0.0}, "augment.target: is for --augment ada"),
        ({"penalty.path_length": 2.0, "penalty.path_lazy": 3}, "penalty.path_lazy: expected a divisor of the batch"),
        (
            {"model": "wgantext"},
            "model: wgantext makes text, and the data are pictures; name a text with --data",
        ),
        (TEXT | {"model": "dcgan"}, "model: dcgan makes pictures, and the data are text; take --model wgantext"),
        (
            {"data.name": "text", "data.size": 32, "model": "wgantext"},
            "data.path: expected a file of text, got noth",
        ),
        (
            TEXT | {"model": "relgan", "data.alphabet": 65},
            "model.latent_size: 32 characters of an alphabet of 65 are drawn by 2080 numbers, not 3072; try --model",
        ),
        (TEXT | {"model": "relgan", "model.heads": 3}, "model.heads: 3 heads cannot share 256 numbers; try --model.h"),
        (
            TEXT | {"model": "relgan", "data.size": 4},
            "data.size: model relgan looks at 5 characters and more, not at",
        ),
        (TEXT | {"task": "likelihood"}, "model: wgantext has no likelihood; take --model relgan, or drop --task"),
        ({"task": "likelihood"}, "task: likelihood is of text, not of pictures; drop --task"),
        (
            TEXT | {"data.size": None},
            "data.size: a text is read in pieces of 4 characters or more, such as 32, not None",
        ),
        (
            TEXT | {"data.size": "1x32"},
            "data.size: a text is read in pieces of 4 characters or more, such as 32, not 1x",
        ),
        (TEXT | {"data.size": 3}, "data.size: a text is read in pieces of 4 characters or more, such as 32, not 3"),
        (TEXT | {"data.flip": True}, "data.flip: is of pictures, not of text; leave it out"),
        (TEXT | {"data.clusters": 5}, "data.clusters: is of pictures, not of text; leave it out"),
        (TEXT | {"data.test": 1.0}, "data.test: expected a share above 0 and below 1, got 1"),
        (TEXT | {"data.alphabet": 257}, "data.alphabet: expected a whole number in [2, 256], got 257"),
        ({"data.alphabet": 65}, "data.alphabet: is of text, not of pictures; leave it out, or name one with"),
        (TEXT | {"augment.name": "diff_augment"}, "augment.name: augmentations are of pictures, not of text"),
        (TEXT | {"task": "inpainting"}, "task: inpainting is of pictures, not of text; drop --task"),
        (TEXT | {"parallel": "pmap"}, "parallel: pmap is not for text; choose jit, whose numbers are the same"),
        (TEXT | {"evaluate.every": 9}, "evaluate.best: fid is no score of text; add --evaluate.best js4"),
        (
            {"evaluate.every": 9, "evaluate.best": "js1"},
            "evaluate.best: js1 is no score of pictures; add --evaluat",
        ),
        (
            TEXT | {"evaluate.features": "pixels"},
            "evaluate.features: text is compared by its ngrams, not in pixels; drop it",
        ),
        ({"loss": "none"}, "loss: none is no game; it is for a --task, with --task.l1"),
        (
            {"model": "pix2pix"},
            "model: pix2pix is given an image, and makes one of it; add --task inpainting, or another",
        ),
        ({"model": "cut"}, "add --task unpaired_one_way or restyled_one_way, or take another model"),
        (
            {"task": "inpainting"},
            "model: dcgan is not for --task inpainting; take --model pix2pix or --model gated or --",
        ),
        (
            INPAINTING | FLOATS,
            "task: tasks are of pictures, not of floats; drop --data.deviation",
        ),
        (LARGER | {"task.factor": 1}, "task.factor: 1 does not make 16 pixels smaller evenly"),
        (LARGER | {"task.factor": 5}, "task.factor: 5 does not make 16 pixels smaller evenly"),
        (
            LARGER | {"task.factor": 3, "data.size": 24},
            "task.factor: model esrgan doubles images, and 3 is no power of two; try 2 or 4",
        ),
        (INPAINTING | {"task": "pairs"}, "data.path: pairs are your own; name their folder or .zip"),
        (
            INPAINTING | {"augment.name": "ada", "augment.p": 0.3},
            "augment.name: what inpainting gives and makes",
        ),
        (
            INPAINTING | {"data.size": 8},
            "model.layers: 3 leave 1 of 8 pixels, and normalisation nothing of that; try",
        ),
        (
            INPAINTING | {"task": "pairs", "data.path": "p.npz"},
            "data.path: pairs are pictures, not arrays; name a",
        ),
        (INPAINTING | {"task": "colouring"}, "task: colouring makes colours of grey, and these data have"),
        (INPAINTING | {"task.test": 0.0}, "task.test: 0 is of data with test images of their own, mnist, "),
        (INPAINTING | {"task.test": 1.0}, "task.test: expected a share below 1, got 1"),
        (FEW_LABELS | {"task.test": 0.0}, "task.test: 0 is of data with test images of their own, mnist, "),
        (
            FEW_LABELS | {"task.test": 0.0, "data.name": "mnist", "data.path": "/mine", "data.size": 28},
            "task.test: 0 is",
        ),
        (FEW_LABELS | {"task.test": 1.0}, "task.test: expected a share below 1, got 1"),
        (
            FEW_LABELS | {"conditional": True},
            "conditional: networks of --task few_labels are given few labels, not the images' classes; add --no-c",
        ),
        (
            FEW_LABELS | {"data.clusters": 5},
            "data.clusters: networks of --task few_labels are given few labels, not the images' clusters; drop",
        ),
        ({"task": "few_labels"}, "model: dcgan is not for --task few_labels; take --model fmgan"),
        ({"model": "fmgan"}, "model: fmgan is for few labels; add --task few_labels"),
        (
            {"evaluate.best": "error", "evaluate.every": 5},
            "evaluate.best: error is a classifier's; add --task few_labels",
        ),
        (
            INPAINTING | {"conditional": True},
            "conditional: networks of --task inpainting are given images alone, not the images' classes; add --no",
        ),
        (
            INPAINTING | {"data.clusters": 5},
            "data.clusters: networks of --task inpainting are given images alone, not the images' clusters; drop",
        ),
        (
            LARGER | {"augment.name": "diff_augment"},
            "augment.name: what super_resolution gives and makes cannot be augmented alike; drop --augment",
        ),
        (
            INPAINTING | {"task.perceptual": 1.0},
            "task.perceptual: VGG19 sees what is compared; add --task.vgg, torchvision's vgg19-dcbb9e9d.pth",
        ),
        (
            INPAINTING | {"task.vgg": "/vgg19-dcbb9e9d.pth"},
            "task.vgg: nothing is compared in it; add --task.perceptual 200",
        ),
        (
            INPAINTING | {"task.perceptual": 1.0, "task.vgg": "/vgg19-dcbb9e9d.pth", "data.size": 8},
            "task.perceptual: VGG19 sees nothing in 8 pixels; try --data.size 16, or more",
        ),
        (
            INPAINTING | {"loss": "none"},
            "loss: none, and nothing else that the generator would learn by; add --task.l1",
        ),
        (RESTYLED | {"task": "unpaired"}, "data.path: two domains are your own pictures; name their folder"),
        (
            RESTYLED | {"task": "unpaired", "data.path": "p.npz"},
            "data.path: two domains are pictures, not arrays; name a folder or .zip of them",
        ),
        (RESTYLED | {"model": "pix2pix"}, "model: pix2pix is not for --task restyled; take --model cyclegan"),
        (INPAINTING | {"model": "cyclegan"}, "model: cyclegan is not for --task inpainting; take --model pix2pix or"),
        (
            RESTYLED | {"augment.name": "diff_augment"},
            "augment.name: what restyled gives and makes",
        ),
        (
            RESTYLED | {"loss": "none", "task.cycle": 0.0, "task.identity": 0.0},
            "loss: none, and nothing else that the generator would learn by",
        ),
        (RESTYLED | {"data.size": 18}, "data.size: model cyclegan halves images twice, and 4 does not divide 18"),
        (RESTYLED | {"data.size": 8}, "model.layers: 3 leave 1 of 8 pixels, and normalisation nothing of that; try"),
        (
            ONE_WAY | {"task": "unpaired_one_way", "data.path": "p.npz"},
            "data.path: two domains are pictures, not arrays; name a folder or .zip of them",
        ),
        (
            ONE_WAY | {"task": "restyled"},
            "model: cut is not for --task restyled; take --model cyclegan, or --task unpaired_one_way or restyled_",
        ),
        (ONE_WAY | {"model": "cyclegan"}, "model: cyclegan is not for --task restyled_one_way; take --model cut"),
        (ONE_WAY | {"task.test": 0.0}, "task.test: of restyled_one_way images some are held out; add --task.test"),
        (ONE_WAY | {"task.temperature": 0.0}, "task.temperature: expected a finite number above 0"),
        (ONE_WAY | {"model.patches": 0}, "model.patches: expected a whole number from 1"),
        (
            ONE_WAY | {"loss": "none", "task.contrast": 0.0, "task.contrast_of_real": 0.0},
            "loss: none, and nothing else that the generator would learn by",
        ),
        (ONE_WAY | {"data.size": 18}, "data.size: model cut halves images twice, and 4 does not divide 18"),
        (ONE_WAY | {"data.size": 8}, "model.layers: 3 leave 1 of 8 pixels, and normalisation nothing of that; try"),
        (INPAINTING | {"parallel": "pmap"}, "parallel: pmap is not for tasks; choose jit, whose numbers are the same"),
        (
            LARGER | {"model": "pix2pix"},
            "model: pix2pix is not for --task super_resolution; take --model esrgan or --model srgan",
        ),
        (INPAINTING | {"model.depth": 5}, "model.depth: 16 pixels cannot be halved 5 times"),
        (LARGER | {"model.depth": 5}, "model.depth: 16 pixels cannot be halved 5 times; try a smaller depth"),
        ({"steps": 10**400}, "steps: expected 2,147,483,647 at most"),
        ({"steps": 2**63}, "steps: expected 2,147,483,647 at most"),
        ({"penalty.r1": 1e39}, "penalty.r1: expected a finite number from 0"),
        ({"generator.learning_rate": 1e-46}, "generator.learning_rate: expected a finite number above 0, got 1e-46"),
        ({"average.width": 0.3}, "average.width: expected a finite number in [0.001, 0.2886], got 0.3"),
        ({"evaluate.weights": "/w.pth"}, "evaluate.weights: they are read where a run is scored; add --evaluate.every"),
    ],
)
def test_keys_that_do_not_go_together_are_named(values, said):
    assert said in complaint(with_values(Config(), values))


@pytest.mark.parametrize(
    "values",
    [
        INPAINTING,
        INPAINTING | {"loss": "none", "task.l1": 1.0},
        INPAINTING | {"loss": "none", "task.perceptual": 1.0, "task.vgg": "/vgg19-dcbb9e9d.pth"},
        INPAINTING | {"model": "esrgan"},
        INPAINTING | {"task": "colouring", "data.channels": 3},
        INPAINTING | {"task": "from_edges", "model.depth": 3},
        LARGER | {"loss": "none", "task.agreement": 1.0},
        INPAINTING | {"data.name": "mnist", "task.test": 0.0},
        FEW_LABELS | {"task.labels": 50, "task.test": 0.2, "parallel": "pmap"},
        FEW_LABELS | {"data.name": "mnist", "task.test": 0.0, "loss": "none"},
        RESTYLED,
        RESTYLED | {"loss": "none", "task.cycle": 0.0, "task.reverse": True},
        RESTYLED | {"task": "unpaired", "data.path": "photos.zip", "data.flip": True},
        ONE_WAY | {"task.reverse": True, "penalty.r1": 1.0},
        ONE_WAY | {"loss": "none", "task.contrast_of_real": 0.0},
        ONE_WAY | {"task": "unpaired_one_way", "data.path": "photos.zip", "data.flip": True},
    ],
)
def test_tasks_and_translators_that_go_together_pass(values):
    config = with_values(Config(), values)
    assert check_new(config) == from_json(to_json(config)) == config


def test_the_mlp_makes_any_size_from_a_batch_of_one():
    check(Config(data=DataConfig(size=13), model=MLP(), batch_size=1))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model.told": "projection"}, "model.told: nothing is told; add --conditional or --data.clusters"),
        (FLOATS | {"model": "gat", "model.teacher": 2.0}, "model.teacher: there is no teacher; add --data.features"),
        (
            FLOATS | {"model": "gat", "model.teacher": 0.0, "data.features": 64},
            "model.teacher: with a weight of 0 nobody learns of features; add --model.teacher 1",
        ),
        ({"penalty.path_lazy": 4}, "penalty.path_lazy: there are no path lengths to take of fewer latents"),
        ({"penalty.lazy": 4}, "penalty.lazy: there is no penalty to take of fewer images; add one such as"),
        (
            {"penalty.lazy": 4, "penalty.path_length": 2.0, "penalty.path_lazy": 8},
            "penalty.lazy: there is no penalty to take of fewer images",
        ),
        ({"augment.name": "ada"}, "augment.p: ada with a probability of 0 does nothing"),
        (
            {"augment.name": "ada", "anneal.images": 10, "anneal.augment_p": 0.0},
            "augment.p: ada with a probability of 0 does nothing",
        ),
        ({"augment.name": "ada", "augment.p": 0.5, "augment.kimg": 5.0}, "augment.kimg: is for a p that adapts"),
        ({"anneal.images": 10, "anneal.penalty": 0.1}, "anneal.penalty: there is no penalty to anneal"),
    ],
)
def test_keys_that_would_do_nothing_are_refused_of_new_runs_alone(values, said):
    config = with_values(Config(), values)
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_new(config)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("name", recipes.names())
def test_no_recipe_asks_for_what_does_nothing(name):
    config = recipes.load(name)
    path = "mine.npz" if config.data.floats else "mine"
    check_new(with_values(config, {"data.path": path}) if config.data.own else config)


@pytest.mark.parametrize("size", [8, 32, 64, 256])
def test_r3gans_widths_are_those_that_its_groups_divide(size):
    """Against the networks' own refusal, which comes later."""
    for width in (8, 16, 24, 40, 56, 64, 104, 200, 768, 776, 1536, 1544):
        config = Config(data=DataConfig(size=size), model=R3GAN(generator_width=width))
        generator, _ = config.model.networks(config.data, 0)
        shapes = lambda generator=generator: generator.init(jax.random.key(0), jnp.zeros((1, 128)))
        try:
            jax.eval_shape(shapes)
        except ValueError:
            advice = re.search(r"splits \d+ channels into no whole groups; try (\d+)", complaint(config))
            check(Config(data=DataConfig(size=size), model=R3GAN(generator_width=int(advice[1]))))
        else:
            check(config)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (INPAINTING | {"loss": "none", "task.l1": 1.0, "penalty.r1": 1.0}, "penalty: there is no game"),
    ],
)
def test_what_a_task_would_not_look_at_is_told_to_new_runs(values, said):
    config = with_values(Config(), values)
    check(config)
    with pytest.raises(ConfigError, match=re.escape(said)):
        check_new(config)
