"""A small convolutional classifier, trained on the data at hand: features for scores where nothing is downloaded."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from gan_jax.images import to_float
from gan_jax.layers.convolution import Convolution
from gan_jax.types import Bytes, Images, Labels, Params, PRNGKey, Scalar, Source

WIDTH = 64
"""Features of an image: few, so that a covariance of them is estimated well from a few thousand images."""


class Classifier(nn.Module):
    """Images `[B, H, W, C]` to features `[B, 64]` and logits `[B, classes]`."""

    classes: int

    @nn.compact
    def __call__(self, images: Images, *, train: bool = False) -> tuple[Float[Array, "B 64"], Float[Array, "B K"]]:
        """Halves the image until its longer side is 8 pixels at most, with twice the channels each time."""
        x = nn.relu(Convolution(32, 5, 2, kernel_init=_he, name="down_0")(images))
        stage = 1
        while max(x.shape[1:3]) > 8:
            x = nn.relu(Convolution(min(32 << stage, 128), 5, 2, kernel_init=_he, name=f"down_{stage}")(x))
            stage += 1
        x = nn.Dropout(0.3, deterministic=not train)(x.reshape(len(x), -1))
        features = nn.Dense(WIDTH, name="features")(x)
        return features, nn.Dense(self.classes, name="logits")(nn.relu(features))


LEAST = 20
"""Images that it can be trained on, and judged by."""


class Trained(NamedTuple):
    """A classifier, and the share of images it was not trained on that it classifies rightly."""

    params: Params  # of `Classifier`
    mean: np.ndarray  # [64], of the features of the images it was trained on
    deviation: np.ndarray  # [64], of the same
    accuracy: float


def train(
    images: Source,
    labels: np.ndarray,
    classes: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    batch_size: int = 128,
    held_out: float = 0.1,
    tell: Callable[[int, int], None] = lambda done, steps: None,
) -> Trained:
    """Trains on all but a random `held_out` share of uint8 images `[N, H, W, C]`, which measure the accuracy.

    Adam with a cosine from 2e-3 to 0 over `steps`, by default a tenth of the images, within [1000, 6000]. Images are
    shifted by up to a twelfth of the shorter side at random. A function of its arguments alone; `tell(done, steps)` is
    called now and then. Raises ValueError where fewer than 20 images, or fewer than two classes, are given.
    """
    if len(images) < LEAST or classes < 2:
        raise ValueError(f"a classifier needs {LEAST} images and 2 classes or more, got {len(images)} and {classes}")
    steps = steps or min(6000, max(1000, len(images) // 10))
    rng = np.random.Generator(np.random.Philox(key=seed))
    order = rng.permutation(len(images))
    held, used = np.split(order, [max(1, round(held_out * len(images)))])
    params_key, step_key = jax.random.split(jax.random.key(seed))
    network = Classifier(classes)
    params = network.init(params_key, to_float(jnp.asarray(images[:1])))["params"]
    optimizer = optax.adam(optax.cosine_decay_schedule(2e-3, steps))
    state = (params, optimizer.init(params))
    update = jax.jit(partial(_update, network, optimizer), donate_argnums=0)
    for step in range(steps):
        batch = used[rng.integers(len(used), size=batch_size)]
        state = update(state, images[batch], labels[batch], step_key, step)
        if step % 20 == 0:
            jax.block_until_ready(state)
            tell(step, steps)
    features, _ = _apply(network, state[0], images, used[:10_000])
    _, logits = _apply(network, state[0], images, held)
    accuracy = float(np.mean(np.argmax(logits, -1) == labels[held]))
    return Trained(state[0], features.mean(0), features.std(0) + 1e-6, accuracy)


def _update(
    network: Classifier,
    optimizer: optax.GradientTransformation,
    state: Any,
    images: Bytes,
    labels: Labels,
    key: Any,
    step: Any,
) -> Any:
    params, opt_state = state
    shift_key, dropout_key = jax.random.split(jax.random.fold_in(key, step))
    shifted = _shifted(to_float(images), shift_key)

    def objective(params: Params) -> Scalar:
        _, logits = network.apply({"params": params}, shifted, train=True, rngs={"dropout": dropout_key})
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))

    updates, opt_state = optimizer.update(jax.grad(objective)(params), opt_state, params)
    return optax.apply_updates(params, updates), opt_state


def _shifted(images: Images, key: PRNGKey) -> Images:
    """Each image moved by its own whole number of pixels, its border pixels repeated."""
    reach = max(1, min(images.shape[1:3]) // 12)
    padded = jnp.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    places = jax.random.randint(key, (len(images), 2), 0, 2 * reach + 1)
    cut = lambda image, place: jax.lax.dynamic_slice(image, (place[0], place[1], 0), images.shape[1:])
    return jax.vmap(cut)(padded, places)


def _apply(network: Classifier, params: Params, images: Source, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features and logits of those images at `rows`."""
    apply = jax.jit(lambda params, part: network.apply({"params": params}, to_float(part)))
    parts = [jax.device_get(apply(params, images[rows[i : i + 500]])) for i in range(0, len(rows), 500)]
    features, logits = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(logits)


_he = nn.initializers.variance_scaling(2.0, "fan_in", "truncated_normal")
