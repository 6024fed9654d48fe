import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.errors import DataError
from gan_jax.metrics import inception, torch_file
from gan_jax.metrics.inception import InceptionV3, average_pool, params_from_torch, resize, torch_shapes

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


def test_resizing_can_be_differentiated():
    slope = jax.grad(lambda x: resize(x, 7).sum())(jnp.ones((1, 3, 5, 2)))
    np.testing.assert_allclose(slope.sum((1, 2)), 49, rtol=1e-5)  # every output pixel is a weighted mean


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
    """Random arrays under the names of the PyTorch file, so drawn that activations neither vanish nor explode."""
    draw = {
        "conv.weight": lambda shape: RNG.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5,
        "bn.weight": lambda shape: RNG.uniform(0.5, 1.5, shape),
        "bn.bias": lambda shape: RNG.normal(size=shape) * 0.3,
        "bn.running_mean": lambda shape: RNG.normal(size=shape) * 0.3,
        "bn.running_var": lambda shape: RNG.uniform(0.5, 2, shape),
        "fc.weight": lambda shape: RNG.normal(size=shape) * 0.02,
        "fc.bias": lambda shape: RNG.normal(size=shape),
    }
    kind = lambda name: ".".join(name.rsplit(".", 2)[-2:])
    return {name: draw[kind(name)](shape).astype(np.float32) for name, shape in torch_shapes().items()}


@pytest.fixture(scope="module")
def arrays():
    return torch_arrays()


def test_it_has_the_published_layout(arrays):
    assert len([name for name in arrays if name.endswith("conv.weight")]) == 94
    convolutions = sum(array.size for name, array in arrays.items() if name.endswith("conv.weight"))
    # torchvision's InceptionV3, without its auxiliary classifier, has as many in its convolutions
    assert convolutions == 21_751_136
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
    np.testing.assert_allclose(x @ layer["kernel"] + layer["bias"], y, rtol=1e-4, atol=1e-4)


def test_grey_is_three_equal_channels():
    grey = RNG.integers(0, 256, (2, 28, 20, 1)).astype(np.uint8)
    seen = inception.preprocess(grey)
    assert seen.shape == (2, 299, 299, 3)
    np.testing.assert_array_equal(seen, inception.preprocess(grey.repeat(3, -1)))


def test_pixels_are_centred_at_128():
    images = np.broadcast_to(np.array([0, 128, 255], np.uint8), (1, 299, 299, 3))
    np.testing.assert_array_equal(inception.preprocess(images)[0, 7, 9], [-1, 0, 127 / 128])


@pytest.mark.parametrize("channels", [2, 4])
def test_other_numbers_of_channels_are_refused(channels):
    with pytest.raises(ValueError, match=f"1 or 3 channels, not {channels}"):
        inception.preprocess(np.zeros((1, 8, 8, channels), np.uint8))


def test_features_have_their_sizes_and_logits_their_bias(arrays):
    # At 75 pixels instead of 299: the network is the same.
    images = RNG.uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    found = jax.jit(InceptionV3().apply)(params_from_torch(arrays), images)
    assert [part.shape for part in found] == [(2, n) for n in (64, 192, 768, 2048, 1008, 1008)]
    assert all(np.isfinite(part).all() and np.std(part) > 1e-3 for part in found)
    np.testing.assert_allclose(found.logits - found.logits_unbiased, arrays["fc.bias"][None].repeat(2, 0), atol=1e-3)
    shapes_of_grey = jax.eval_shape(inception.features, params_from_torch(arrays), jnp.zeros((2, 28, 28, 1), jnp.uint8))
    assert shapes_of_grey.pool.shape == (2, 2048)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.pop("Mixed_6a.branch3x3.bn.weight"), r"Mixed_6a\.branch3x3\.bn\.weight is missing; https://"),
        (lambda a: a.update({"fc.bias": np.zeros(1000)}), r"fc\.bias is \(1000,\), expected \(1008,\)"),
        (lambda a: a.update({"head.weight": np.zeros(3)}), r"head\.weight is not part of them"),
        (lambda a: a.update({"Conv2d_3b_1x1.bn.running_var": -np.ones(80)}), r"Conv2d_3b_1x1 holds impossible numbers"),
        (lambda a: a.update({"Conv2d_3b_1x1.bn.bias": np.full(80, np.nan)}), r"Conv2d_3b_1x1 holds impossible numbers"),
        (lambda a: a.clear(), r"is missing; https://"),
    ],
)
def test_another_networks_arrays_are_refused(arrays, change, told):
    changed = dict(arrays)
    change(changed)
    with pytest.raises(DataError, match=told):
        params_from_torch(changed)


def test_what_the_published_file_may_hold_besides_is_left_out(arrays):
    besides = {"AuxLogits.conv0.conv.weight": np.zeros(3), "Conv2d_1a_3x3.bn.num_batches_tracked": np.array(0)}
    found, expected = params_from_torch(arrays | besides), params_from_torch(arrays)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


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
    np.testing.assert_allclose(jax.jit(resize)(images), theirs.numpy().transpose(0, 2, 3, 1), atol=1e-4)
