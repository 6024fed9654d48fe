"""Published weights draw here what they draw in PyTorch, and what does not fit is named."""

import itertools
import json
import pickle
import sys
from collections import OrderedDict
from dataclasses import replace

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from pickles import Named, Object, parameter, pickled, row, tensor
from safetensors.numpy import load as from_safetensors

from gan_jax.cli import main
from gan_jax.errors import DataError
from gan_jax.gan import generate
from gan_jax.published.modules import Published
from gan_jax.published.stylegan2 import described
from gan_jax.run.training import abstract_state
from gan_jax.show import exported, imported
from gan_jax.types import Weights

GROUP, WIDTH, LATENT = 16, 8, 4
BINOMIAL = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64


def r3gan(sizes=2, classes=0, blocks=2):
    """The tensors of a generator as R3GAN's code names them, and its attributes."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
    inner = 2 * WIDTH
    tensors = {
        "Model.MainLayers.0.Layers.0.Basis": draw(WIDTH, 4, 4),
        "Model.MainLayers.0.Layers.0.LinearLayer.weight": draw(WIDTH, LATENT * (2 if classes else 1)),
        "Model.AggregationLayer.Layer.weight": draw(3, WIDTH, 1, 1),
    }
    tensors |= {"Model.EmbeddingLayer.weight": draw(LATENT, classes)} if classes else {}
    for stage in range(sizes):
        tensors |= {f"Model.MainLayers.{stage}.Layers.0.Resampler.Kernel": BINOMIAL} if stage else {}
        for block in range(blocks):
            name = f"Model.MainLayers.{stage}.Layers.{block + 1}."
            tensors |= {
                f"{name}LinearLayer1.Layer.weight": draw(inner, WIDTH, 1, 1),
                f"{name}LinearLayer2.Layer.weight": draw(inner, GROUP, 3, 3),
                f"{name}LinearLayer3.Layer.weight": draw(WIDTH, inner, 1, 1),
                f"{name}NonLinearity1.Bias": draw(inner),
                f"{name}NonLinearity2.Bias": draw(inner),
            }
    return tensors, {"z_dim": LATENT, "c_dim": classes, "img_resolution": 4 << (sizes - 1)}


def module(tensors, fields):
    """A pickled module that holds tensors of such dotted names."""
    parts, own = {}, OrderedDict()
    for name, array in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            parts.setdefault(first, {})[rest] = array
        else:
            own[first] = parameter(array)
    modules = OrderedDict((name, module(part, {})) for name, part in parts.items())
    return Object("training.networks", "Part", {"_parameters": own, "_modules": modules, **fields})


@pytest.fixture
def write(tmp_path):
    def written(tensors, fields, called="G_ema"):
        path = tmp_path / "cats.pkl"
        path.write_bytes(pickled({called: module(tensors, fields | {"DataType": Named("torch", "bfloat16")})}))
        return path

    return written


def test_a_folder_is_written_that_sample_draws_from(write, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensors, fields = r3gan(classes=3)
    tensors["Model.AggregationLayer.Layer.weight"] = tensors["Model.AggregationLayer.Layer.weight"].astype(np.float16)
    assert main(["import", str(write(tensors, fields)), "--out", "cats"]) == 0
    loaded = exported.load("cats")
    assert loaded.labels == ("0", "1", "2")
    params = loaded.weights.params
    mix = tensors["Model.MainLayers.1.Layers.2.LinearLayer2.Layer.weight"]
    np.testing.assert_array_equal(params["block_8_1"]["mix"]["kernel"], np.einsum("oihw->hwio", mix))
    np.testing.assert_array_equal(
        params["pixels"]["kernel"], tensors["Model.AggregationLayer.Layer.weight"][:, :, 0, 0].T.astype(np.float32)
    )
    np.testing.assert_array_equal(params["basis"][2, 1], tensors["Model.MainLayers.0.Layers.0.Basis"][:, 2, 1])
    assert json.loads((tmp_path / "cats/generator.json").read_text("utf-8"))["imported"]["file"] == "cats.pkl"
    assert main(["sample", "cats", "--count", "6", "--out", "s.npz"]) == 0
    assert "6 images from the averaged weights of cats.pkl" in capsys.readouterr().out
    with np.load("s.npz") as found:
        drawn = dict(found)
    np.testing.assert_array_equal(drawn["labels"], [0, 1, 2, 0, 1, 2])
    assert drawn["images"].shape == (6, 8, 8, 3)
    assert drawn["images"].std() > 0


def test_numbers_by_themselves_are_written_as_such():
    files = exported.packed(Weights({"strength": np.float32(0.3)}, {}), {})
    assert from_safetensors(files[exported.WEIGHTS])["params.strength"].shape == ()


FIRST = "Model.MainLayers.0.Layers.1.LinearLayer1.Layer.weight"
OTHER = np.ones((4, 4), np.float32) / 16
WRONG = {
    "lacks": ({"Model.AggregationLayer.Layer.weight": None}, "its generator lacks Model.AggregationLayer.Layer.weight"),
    "unknown": ({"Model.a": OTHER, "Model.b": OTHER}, "its generator has unknown Model.a, Model.b"),
    "shape": (
        {"Model.AggregationLayer.Layer.weight": OTHER},
        r"weight is \[4, 4\], which does not become params",
    ),
    "kernel": ({FIRST: np.ones((16, WIDTH, 3, 3), np.float32)}, r"\[16, 8, 3, 3\], which does not become .*\[8, 16\]"),
    "filter": ({"Model.MainLayers.1.Layers.0.Resampler.Kernel": OTHER}, r"another filter than \[1, 3, 3, 1\]"),
    "double": ({FIRST: np.ones((16, WIDTH, 1, 1))}, "expected finite numbers, float32 or float16, not float64"),
    "nan": ({FIRST: np.full((16, WIDTH, 1, 1), np.nan, np.float32)}, "expected finite numbers"),
    "groups": (
        {"Model.MainLayers.1.Layers.1.LinearLayer2.Layer.weight": np.ones((16, 4, 3, 3), np.float32)},
        "channels of a group: .*; model r3gan of width 8 has 16",
    ),
    "expansion": ({FIRST: np.ones((24, WIDTH, 1, 1), np.float32)}, "ExpansionFactor: .*; model r3gan of width 8 has 2"),
    "vector": ({FIRST: np.ones(16, np.float32)}, r"expected a kernel \[outputs, inputs, k, k\], found \[16\]"),
    "other": (
        dict.fromkeys(r3gan()[0]) | {"b4.fc.weight": OTHER},
        "no generator of R3GAN or StyleGAN2-ADA.* b4.fc",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(write, case):
    changes, said = WRONG[case]
    tensors, fields = r3gan()
    tensors = {name: array for name, array in (tensors | changes).items() if array is not None}
    with pytest.raises(DataError, match=f"^[^\n]*cats.pkl: [^\n]*{said}[^\n]*$"):
        imported.read(write(tensors, fields))


def sngan(side=4, widths=(8, 8, 8, 8)):
    """The tensors of a generator as mimicry names them."""
    rng = np.random.default_rng(0)
    tensors = {"l1.weight": (side * side * widths[0], LATENT), "l1.bias": (side * side * widths[0],)}
    norm = lambda name, channels: {
        f"{name}.{of}": (channels,) for of in ("weight", "bias", "running_mean", "running_var")
    }
    layer = lambda name, shape: {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        tensors |= norm(f"block{i + 2}.b1", inputs) | norm(f"block{i + 2}.b2", outputs)
        tensors |= layer(f"block{i + 2}.c1", (outputs, inputs, 3, 3)) | layer(
            f"block{i + 2}.c_sc", (outputs, inputs, 1, 1)
        )
        tensors |= layer(f"block{i + 2}.c2", (outputs, outputs, 3, 3))
    last = len(widths) + 1
    tensors |= norm(f"b{last}", widths[-1]) | layer(f"c{last}", (3, widths[-1], 3, 3))
    return {name: rng.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in tensors.items()}


def saved(path, tensors):
    """As mimicry saves them, in the older format: the optimizer's state is a tensor here."""
    state = {name: tensor(array, name) for name, array in tensors.items()}
    beside = {"optimizer_state_dict": {"state": {0: {"exp_avg": state["l1.bias"]}}}, "global_step": 100_000}
    path.write_bytes(row({"model_state_dict": state} | beside, tensors))
    return path


def test_a_checkpoint_of_mimicry_is_one_too(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensors = sngan() | {"b5.num_batches_tracked": np.zeros(1, np.float32)}
    assert main(["import", str(saved(tmp_path / "netG_100000_steps.pth", tensors)), "--out", "cats"]) == 0
    assert "the raw weights of netG_100000_steps.pth" in capsys.readouterr().out
    config, weights = exported.load("cats").config, exported.load("cats").weights
    assert (config.model.interpolate, config.data.size, config.model.generator_width) == (True, 32, 8)
    np.testing.assert_array_equal(
        weights.params["project"]["kernel"][2].reshape(4, 4, 8),
        tensors["l1.weight"][:, 2].reshape(8, 4, 4).transpose(1, 2, 0),
    )
    statistics = weights.stats["batch_stats"]["block_1"]["norm_1"]["norm"]
    np.testing.assert_array_equal(statistics["var"], tensors["block3.b2.running_var"])
    with pytest.raises(DataError, match=r"cats.pth: its generator lacks block2.c2.weight"):
        imported.read(saved(tmp_path / "cats.pth", {k: v for k, v in sngan().items() if k != "block2.c2.weight"}))
    with pytest.raises(DataError, match=r"cats.pth: data.size: model sngan makes 28, .* not 40"):
        imported.read(saved(tmp_path / "cats.pth", sngan(5)))


@pytest.mark.parametrize(
    ("fields", "blocks", "said"),
    [
        ({"z_dim": "64"}, 2, "z_dim is '64'; expected a whole number"),
        ({"z_dim": 10**9}, 2, "z_dim is 1000000000; expected a whole number"),
        ({"c_dim": 3}, 2, "its generator lacks Model.EmbeddingLayer.weight"),
        ({}, 3, "BlocksPerStage: 3, 3; model r3gan of width 8 has 2, 2"),
        ({}, 0, r"Model.MainLayers.0.Layers.1.LinearLayer1.Layer.weight: expected a kernel .*, found none"),
    ],
)
def test_networks_that_ours_cannot_be_are_named(write, fields, blocks, said):
    tensors, own = r3gan(blocks=blocks)
    with pytest.raises(DataError, match=f"cats.pkl: {said}"):
        imported.read(write(tensors, own | fields))


def stylegan2():
    """The attributes of a generator of 8x8 pixels, as StyleGAN2-ADA's code names them."""
    fields = {"z_dim": LATENT, "w_dim": LATENT, "c_dim": 3, "img_resolution": 8, "img_channels": 1}
    linear = {"mapping.embed": "linear", "mapping.fc0": "lrelu", "mapping.fc1": "lrelu"}
    for block, layers in {"synthesis.b4": ["conv1"], "synthesis.b8": ["conv0", "conv1"]}.items():
        fields |= {f"{block}.architecture": "skip", f"{block}.torgb.conv_clamp": None}
        linear |= {f"{block}.{layer}.affine": "linear" for layer in [*layers, "torgb"]}
        for layer in layers:
            styled = {"activation": "lrelu", "use_noise": True, "conv_clamp": None}
            fields |= {f"{block}.{layer}.{name}": value for name, value in styled.items()}
    fields |= {f"{layer}.activation": activation for layer, activation in linear.items()}
    gains = {f"{layer}.bias_gain": 0.01 if activation == "lrelu" else 1 for layer, activation in linear.items()}
    return fields | gains | {"mapping.num_layers": 2}


LAST = {"synthesis.b8.torgb.weight": np.ones((1, 2, 1, 1), np.float32)}


def test_every_array_of_stylegan2_has_a_place():
    network = described(Published("G_ema", LAST, stylegan2()), "cats")
    wanted = exported.variables(abstract_state(network.config, 3).generator.weights)
    assert network.places.keys() == flatten_dict(wanted, sep=".").keys()
    assert len({place.name for place in network.places.values()}) == len(network.places)


@pytest.mark.parametrize("name", stylegan2())
def test_what_stylegan2_does_not_tell_is_named(name):
    told = {key: value for key, value in stylegan2().items() if key != name}
    with pytest.raises(DataError, match=f"{name} is "):
        described(Published("G_ema", LAST, told), "cats")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("import", 2, "import which file?"),
        ("import FILE", 2, "out: into which folder?"),
        ("import FILE --out .", 2, "is not empty; name another folder"),
        ("import none.pkl --out x", 3, "none.pkl: cannot be read: No such file"),
        ("import FILE --out x --model r3gan", 2, "no option --model"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(write, tmp_path, monkeypatch, capsys, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    path = write(*r3gan())
    assert main(arguments.replace("FILE", str(path)).split()) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


NETWORKS = {
    "r3gan": ("R3GAN", (LATENT, 0, (96, 96, 96, 96, 48), 16)),
    "r3gan with labels": ("R3GAN", (LATENT, 3, (8, 8), 16)),
    "stylegan2": ("StyleGAN2", (LATENT, 0, 64, 1, 2, 8, None)),
    "stylegan2 with labels": ("StyleGAN2", (LATENT, 3, 16, 3, 4, 2, 256)),
}


@pytest.fixture
def torch(monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    import torch_networks

    for name, stub in torch_networks.persistence().items():
        monkeypatch.setitem(sys.modules, name, stub)
    torch.manual_seed(0)
    return torch


@pytest.fixture
def theirs(torch):
    import torch_networks

    def built(name):
        kind, arguments = NETWORKS[name]
        return torch_networks.stirred(getattr(torch_networks, kind)(*arguments))

    return built


def ours(folder, latents, labels, **fields):
    loaded = exported.load(folder)
    gan = replace(loaded.gan, generator=loaded.gan.generator.clone(**fields))
    return np.asarray(jax.jit(generate, static_argnums=0)(gan, loaded.weights, latents, labels)).transpose(0, 3, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_images_equal_those_of_pytorch(torch, theirs, tmp_path, name):
    network = theirs(name)
    if "labels" in name and "style" in name:
        network.synthesis.b4.const.mul_(400)  # so that there is something to clamp
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"G_ema": network, "cur_nimg": 7}))
    imported.import_(tmp_path / "x.pkl", tmp_path / "x")
    rng = np.random.default_rng(0)
    latents, labels = rng.normal(size=(5, LATENT)).astype(np.float32), np.arange(5) % 3 if network.c_dim else None
    told = torch.zeros(5, 0) if labels is None else torch.eye(3)[torch.from_numpy(labels)]
    for fields in ({}, {"truncation": 0.7})[: 1 + ("style" in name)]:
        expected = network(torch.from_numpy(latents), told, *fields.values()).numpy()
        found = ours(tmp_path / "x", latents, labels, **fields)
        assert expected.std() > 0.1
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(("side", "widths"), [(4, (16, 16, 16, 16)), (6, (32, 16, 8, 4)), (4, (32, 32, 16, 8, 4, 2))])
def test_images_of_a_checkpoint_of_mimicry_equal_those_of_pytorch(torch, tmp_path, side, widths, zipped):
    import torch_networks

    network = torch_networks.SNGAN(LATENT, side, widths)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, (0.0, 0.9))
    network(torch.randn(16, LATENT)).square().mean().backward()
    optimizer.step()  # statistics move, and the optimizer has a state
    held = {"model_state_dict": network.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "global_step": 1}
    torch.save(held, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    imported.import_(tmp_path / "x.pth", tmp_path / "x")
    latents = np.random.default_rng(0).normal(size=(5, LATENT)).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(latents)).numpy()
    np.testing.assert_allclose(ours(tmp_path / "x", latents, None), expected, atol=1e-4 * expected.std())


CHANGES = {
    "synthesis.b8.conv0.conv_clamp": (128, 256.0),
    "synthesis.b8.architecture": ("resnet", "skip"),
    "synthesis.b16.conv1.use_noise": (False, True),
    "synthesis.b4.torgb.affine.activation": ("lrelu", "linear"),
    "mapping.fc1.bias_gain": (0.1, 0.01),
    "mapping.num_layers": (8, 2),
    "w_dim": (512, LATENT),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_what_stylegan2_has_no_setting_for_is_named(theirs, tmp_path, name):
    network = theirs("stylegan2 with labels")
    module, _, attribute = name.rpartition(".")
    value, own = CHANGES[name]
    setattr(network.get_submodule(module), attribute, value)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"G_ema": network}))
    with pytest.raises(DataError, match=f"x.pkl: {name} is {value!r}; ours has {own!r}, "):
        imported.read(tmp_path / "x.pkl")
