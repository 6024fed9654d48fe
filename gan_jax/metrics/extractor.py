"""What images are compared in: a function from pixels to features, with a name and a fingerprint."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float

from gan_jax.images import to_float
from gan_jax.metrics import classifier, inception
from gan_jax.types import Bytes, Images, Labels, Params, Source


class Features(NamedTuple):
    """What an extractor makes of a batch; what it does not know is None."""

    values: Float[Array | np.ndarray, "batch features"]
    logits: Float[Array | np.ndarray, "batch classes"] | None = None  # for the Inception Score
    labels: Labels | np.ndarray | None = None  # the likeliest class of the data, for coverage


class Extractor(NamedTuple):
    """A pure function of weights and uint8 images, its weights, and what tells it from others."""

    name: str  # goes before the names of its scores
    about: str  # for the protocol: what it is, in words
    fingerprint: str  # of its weights
    params: Params
    extract: Callable[[Params, Bytes], Features]


def pixels() -> Extractor:
    """The pixels themselves, in [-1, 1], averaged in blocks to less than 32 a side so that covariances stay small."""

    def extract(params: Params, images: Bytes) -> Features:
        del params
        x = to_float(images)
        down, right = (max(1, side // 16) for side in x.shape[1:3])
        rows, columns = x.shape[1] // down, x.shape[2] // right
        x = x[:, : rows * down, : columns * right].reshape(len(x), rows, down, columns, right, -1).mean((2, 4))
        return Features(x.reshape(len(x), -1))

    return Extractor("pixels", "pixels, those of images of 32 and more averaged in blocks", "pixels", (), extract)


def from_classifier(trained: classifier.Trained, classes: int) -> Extractor:
    """The 64 features before the classifier's last layer, each of mean 0 and deviation 1 on the data; its logits and
    the class that it takes an image for.
    """
    network = classifier.Classifier(classes)

    def extract(params: Params, images: Bytes) -> Features:
        values, logits = _applied(network, params["network"], to_float(images))
        return Features((values - params["mean"][None]) / params["deviation"][None], logits, jnp.argmax(logits, -1))

    params = {"network": trained.params, "mean": trained.mean, "deviation": trained.deviation}
    about = f"classifier trained on the data, held-out accuracy {100 * trained.accuracy:.2f} %"
    return Extractor("classifier", about, fingerprint(params), params, extract)


def from_digit_classifier(trained: classifier.Trained) -> Extractor:
    """For Stacked MNIST: the features of its three channels, and the class 100 a + 10 b + c of the digits in them."""
    one = from_classifier(trained, 10)

    def extract(params: Params, images: Bytes) -> Features:
        digits = jnp.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)
        values, _, labels = one.extract(params, digits)
        assert labels is not None
        return Features(values.reshape(len(images), -1), None, labels.reshape(-1, 3) @ jnp.array([100, 10, 1]))

    about = f"digit classifier on each channel, held-out accuracy {100 * trained.accuracy:.2f} %"
    return Extractor("classifier", about, one.fingerprint, one.params, extract)


def from_inception(variables: Any) -> Extractor:
    """The 2,048 pooled features of the FID's InceptionV3, and its logits without their bias."""

    def extract(params: Params, images: Bytes) -> Features:
        found = inception.features(params, images)
        return Features(found.pool, found.logits_unbiased)

    about = "InceptionV3 of the FID, 2,048 pooled features, TF1 bilinear resize to 299"
    return Extractor("inception", about, fingerprint(variables), variables, extract)


def _applied(network: classifier.Classifier, params: Params, images: Images) -> tuple[Array, Array]:
    return network.apply({"params": params}, images)  # type: ignore[return-value]


def extract_all(
    extractor: Extractor, images: Bytes | Source, *, batch_size: int = 256, sharding: NamedSharding | None = None
) -> Any:
    """Features of uint8 images `[N, H, W, C]`, as NumPy arrays; `sharding` lays each batch over devices.

    Every batch has `batch_size` images, the last one filled up, so that one program serves for all.
    """
    whole = None if sharding is None else NamedSharding(sharding.mesh, PartitionSpec())
    compiled = jax.jit(extractor.extract, out_shardings=whole)
    parts = []
    for start in range(0, len(images), batch_size):
        part = np.asarray(images[start : start + batch_size])
        filled = np.concatenate([part, part[:1].repeat(batch_size - len(part), axis=0)])
        lay = lambda a: a if sharding is None else jax.make_array_from_callback(a.shape, sharding, a.__getitem__)
        found = jax.device_get(compiled(extractor.params, lay(filled)))
        parts.append(jax.tree.map(lambda a: a[: len(part)], found))  # noqa: B023 - called at once
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


def fingerprint(params: Params) -> str:
    """SHA-256 of names, shapes and values of a pytree of arrays."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        array = np.asarray(leaf)
        digest.update(repr((jax.tree_util.keystr(path), array.shape, str(array.dtype))).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
