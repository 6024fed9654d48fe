import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import DataError
from gan_jax.metrics import inception, torch_file
from gan_jax.metrics.inception import InceptionV3, average_pool, params_from_torch, resize

RNG = np.random.default_rng(0)


def resized_slowly(image, size):
    height, width = image.shape[:2]
    made = np.zeros((size, size, image.shape[2]))
    for i in range(size):
        for j in range(size):
            y, x = i * height / size, j * width / size
            top, left = int(y), int(x)
            low, right = min(top + 1, height - 1), min(left + 1, width - 1)
            above = image[top, left] * (1 - (x - left)) + image[top, right] * (x - left)
            below = image[low, left] * (1 - (x - left)) + image[low, right] * (x - left)
            made[i, j] = above * (1 - (y - top)) + below * (y - top)
    return made


@pytest.mark.parametrize(("height", "width", "size"), [(5, 7, 12), (28, 28, 9), (4, 4, 4), (1, 1, 3)])
def test_resizing_is_tensorflow_1s(height, width, size):
    image = RNG.normal(size=(height, width, 2)).astype(np.float32)
    np.testing.assert_allclose(resize(image[None], size)[0], resized_slowly(image, size), atol=1e-5)


def test_the_average_leaves_padding_out_of_its_count():
    x = RNG.normal(size=(1, 5, 6, 2)).astype(np.float32)
    found = average_pool(x)
    np.testing.assert_allclose(found[0, 0, 0], x[0, :2, :2].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found[0, 4, 3], x[0, 3:, 2:5].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found[0, 2, 2], x[0, 1:4, 1:4].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(average_pool(jnp.ones((1, 4, 4, 1))), 1, rtol=1e-6)


def shapes():
    return jax.eval_shape(InceptionV3().init, jax.random.key(0), jnp.zeros((1, 75, 75, 3)))["params"]


def torch_arrays():
    """Random arrays under the names of the PyTorch file."""
    arrays = {"fc.weight": RNG.normal(size=(1008, 2048)) * 0.02, "fc.bias": RNG.normal(size=1008)}
    for name, shape in shapes().items():
        if name.startswith("fc_"):
            continue
        layer, (height, width, inputs, outputs) = name.replace("_branch", ".branch"), shape["kernel"].shape
        fan_in = height * width * inputs
        arrays[f"{layer}.conv.weight"] = RNG.normal(size=(outputs, inputs, height, width)) * (2 / fan_in) ** 0.5
        arrays[f"{layer}.bn.weight"] = RNG.uniform(0.5, 1.5, outputs)
        arrays[f"{layer}.bn.bias"] = RNG.normal(size=outputs) * 0.3
        arrays[f"{layer}.bn.running_mean"] = RNG.normal(size=outputs) * 0.3
        arrays[f"{layer}.bn.running_var"] = RNG.uniform(0.5, 2, outputs)
        arrays[f"{layer}.bn.num_batches_tracked"] = np.array(0)
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


@pytest.fixture(scope="module")
def arrays():
    return torch_arrays()


def test_it_has_the_published_layout(arrays):
    assert len([name for name in arrays if name.endswith("conv.weight")]) == 94
    assert sum(array.size for name, array in arrays.items() if name.startswith("fc.")) == 2049 * 1008
    assert arrays["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert arrays["Mixed_6b.branch7x7_2.conv.weight"].shape == (128, 128, 1, 7)


def test_translated_parameters_have_the_networks_shapes(arrays):
    found = params_from_torch(arrays)["params"]
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.shape, b.shape), found, shapes())


def test_batch_normalisation_is_folded_in(arrays):
    layer = params_from_torch(arrays)["params"]["Conv2d_3b_1x1"]
    part = lambda name: arrays[f"Conv2d_3b_1x1.{name}"].astype(np.float64)
    x = RNG.normal(size=64)
    y = part("conv.weight")[:, :, 0, 0] @ x
    y = (y - part("bn.running_mean")) / np.sqrt(part("bn.running_var") + 1e-3) * part("bn.weight") + part("bn.bias")
    np.testing.assert_allclose(x @ layer["kernel"][0, 0] + layer["bias"], y, rtol=1e-4, atol=1e-4)


def test_features_of_grey_images_are_those_of_equal_channels(arrays):
    # At 75 pixels instead of 299: the network is the same, and compiles as fast as it runs.
    variables = params_from_torch(arrays)
    network = jax.jit(lambda images: InceptionV3().apply(variables, (images - 128.0) / 128))
    grey = RNG.integers(0, 256, (1, 75, 75, 1))
    direct = network(grey.repeat(3, -1).astype(np.float32))
    assert [part.shape[1] for part in direct] == [64, 192, 768, 2048, 1008, 1008]
    assert all(np.isfinite(part).all() and np.std(part) > 1e-3 for part in direct)
    np.testing.assert_allclose(direct.logits - direct.logits_unbiased, arrays["fc.bias"][None], atol=1e-3)
    shapes_of_grey = jax.eval_shape(inception.features, variables, jnp.zeros((2, 28, 28, 1), jnp.uint8))
    assert shapes_of_grey.pool.shape == (2, 2048)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.pop("Mixed_6a.branch3x3.bn.weight"), r"Mixed_6a\.branch3x3\.bn\.weight is missing; https://"),
        (lambda a: a.update({"fc.bias": np.zeros(1000)}), r"fc\.bias is \(1000,\), expected \(1008,\)"),
        (lambda a: a.update({"head.weight": np.zeros(3)}), r"head\.weight is not part of them"),
    ],
)
def test_another_networks_arrays_are_refused(arrays, change, told):
    changed = dict(arrays)
    change(changed)
    with pytest.raises(DataError, match=told):
        params_from_torch(changed)


def test_what_the_published_file_may_hold_besides_is_left_out(arrays):
    params_from_torch(arrays | {"AuxLogits.conv0.conv.weight": np.zeros(3)})


@pytest.mark.slow
def test_it_equals_torch_fidelitys_network(arrays, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    peer = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason="it comes with the extra, too")
    path = tmp_path / "weights.pth"
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    names = ["64", "192", "768", "2048", "logits_unbiased", "logits"]
    theirs = peer.FeatureExtractorInceptionV3("x", names, feature_extractor_weights_path=str(path))
    images = RNG.integers(0, 256, (3, 32, 40, 3)).astype(np.uint8)
    expected = dict(zip(names, theirs(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())), strict=True))
    found = jax.jit(inception.features)(params_from_torch(torch_file.read(path)), images)
    order = [found.low, found.middle, found.high, found.pool, found.logits_unbiased, found.logits]
    for name, ours in zip(names, order, strict=True):
        scale = np.abs(expected[name].numpy()).max()
        np.testing.assert_allclose(ours, expected[name].numpy(), atol=1e-5 * scale, rtol=1e-3, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(28, 28), (64, 48), (512, 512)])
def test_the_resizer_equals_torch_fidelitys(size):
    torch = pytest.importorskip("torch", reason="PyTorch comes with the benchmark extra")
    peer = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow", reason="it comes with the extra, too")
    images = RNG.uniform(0, 255, (2, *size, 3)).astype(np.float32)
    theirs = peer.interpolate_bilinear_2d_like_tensorflow1x(
        torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), size=(299, 299), align_corners=False
    )
    np.testing.assert_allclose(resize(images), theirs.numpy().transpose(0, 2, 3, 1), atol=1e-4 * 255)
