"""The map in which perceptual terms compare pictures: from a file, layer by layer, and beside PyTorch's."""

import hashlib
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pickles import row, tensor

from gan_jax import Batch
from gan_jax.config import SuperResolution
from gan_jax.config.given import LEAST_SEEN
from gan_jax.errors import DataError
from gan_jax.metrics import vgg


@pytest.fixture
def arrays(monkeypatch):
    """Weights of a network of five stages that is as deep and not as wide."""
    monkeypatch.setattr(vgg, "STAGES", ((2, 2), (3, 3), (4,) * 4, (5,) * 4, (6,) * 4))
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in vgg.torch_shapes().items()}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """`write(arrays)`: a file as PyTorch writes it, which counts as the published one."""

    def written(arrays):
        content = row({name: tensor(array, name, old=True) for name, array in arrays.items()}, arrays)  # as in 2017
        path = tmp_path / f"vgg19-{hashlib.sha256(content).hexdigest()[:8]}.pth"
        path.write_bytes(content)
        monkeypatch.setattr(vgg, "FILE", path.name)
        return path

    return written


def by_xla(arrays, images):
    """Convolutions and maxima of XLA's own, on what torchvision's preprocessing makes of images in [-1, 1]."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    mean, deviation = (numbers.astype(np.float32)[None, None, None] for numbers in (mean, deviation))
    x = (jnp.broadcast_to(images / 2 + 0.5, (*images.shape[:3], 3)) - mean) / deviation
    names = [name.removesuffix(".weight") for name in arrays if name.endswith("weight")]
    halved_before = {2, 4, 8, 12}
    for i, name in enumerate(names):
        x = jax.nn.relu(x) if i else x
        if i in halved_before:
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = x + arrays[f"{name}.bias"][None, None, None]
    return x


def test_it_is_the_vgg19_of_torchvision_up_to_conv5_4():
    shapes = vgg.torch_shapes()
    assert sum(math.prod(shape) for shape in shapes.values()) == 20_024_384
    assert shapes["features.5.weight"] == (128, 64, 3, 3)  # the first after a pooling
    assert list(shapes)[-1] == "features.34.bias"
    assert vgg.LEAST == LEAST_SEEN


@pytest.mark.parametrize("shape", [(2, 16, 35, 3), (1, 32, 16, 1)])
def test_a_file_becomes_stages_of_convolutions_and_maxima(arrays, write, shape):
    images = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    found = jax.jit(vgg.of_file(write(arrays)))(images)
    assert found.shape == (shape[0], shape[1] // 16, shape[2] // 16, 6)
    np.testing.assert_allclose(found, jax.jit(partial(by_xla, arrays))(images), rtol=1e-4, atol=1e-4)


def test_pictures_that_it_cannot_see_are_refused(arrays):
    for shape in ((1, 15, 32, 3), (1, 32, 32, 4)):
        with pytest.raises(ValueError, match=r"VGG19 looks at images \[B, H, W, 1 or 3\] of 16 pixels a side or more"):
            vgg.last_map([], jnp.zeros(shape))


def test_any_other_file_is_one_line(arrays, write, tmp_path):
    with pytest.raises(DataError, match=r"none\.pth: no such file; fetch https://download\.pytorch\.org"):
        vgg.read(tmp_path / "none.pth")
    path = write(arrays | {"features.2.bias": np.zeros(3, np.float32)})
    with pytest.raises(DataError, match=r"not VGG19: features\.2\.bias is \(3,\), expected \(2,\); https"):
        vgg.read(path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="damaged, or another file; download it again"):
        vgg.read(path)


def test_a_config_compares_what_was_made_with_the_truth_in_it(arrays, write):
    task = SuperResolution(factor=2, perceptual=0.5, vgg=str(write(arrays)))
    truth, made = (np.random.default_rng(seed).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32) for seed in (0, 1))
    supervise = task.supervision()
    term = jax.jit(lambda drawn: supervise(jax.random.key(0), lambda latents, condition: drawn, None, Batch(truth)))
    loss, shown = term(made)
    apart = np.mean(np.abs(by_xla(arrays, made) - by_xla(arrays, truth)))
    np.testing.assert_allclose((loss, shown["g/perceptual"]), (0.5 * apart, apart), rtol=1e-4)
    assert term(truth)[0] < 1e-4 * apart  # two programs round differently
    slope = jax.jit(jax.grad(lambda drawn: term(drawn)[0]))(made)
    assert np.all(np.isfinite(slope))
    assert np.any(slope != 0)


@pytest.mark.slow
def test_the_map_is_that_of_pytorch_at_the_published_widths(write):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    torch.manual_seed(0)
    layers, channels = [], 3
    for i, stage in enumerate(vgg.STAGES):
        layers += [torch.nn.MaxPool2d(2)] if i else []
        for width in stage:
            layer = torch.nn.Conv2d(channels, width, 3, padding=1)
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # else little of the image is left
            layers += [layer, torch.nn.ReLU()]
            channels = width
    theirs = torch.nn.Sequential(*layers)
    state = {f"features.{name}": tensor.numpy() for name, tensor in theirs.state_dict().items()}
    assert {name: array.shape for name, array in state.items()} == vgg.torch_shapes()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 48, 32, 3)).astype(np.float32)
    pixels = ((images + 1) / 2 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    with torch.no_grad():
        wanted = theirs[:-1](torch.tensor(pixels.transpose(0, 3, 1, 2), dtype=torch.float32)).numpy()
    found = vgg.of_file(write(state))(images)
    np.testing.assert_allclose(found, wanted.transpose(0, 2, 3, 1), atol=1e-4 * np.abs(wanted).max())
