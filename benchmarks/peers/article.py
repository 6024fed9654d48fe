"""The article's program in Keras, mended: the peer of gan_jax's `models/article.py`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from peers.setups import Case, Running


def check(case: Case, folder: Path) -> dict[str, int]:
    """Counts parameters: the program draws its own weights."""
    del folder
    return _program(case)[1]


def begin(case: Case, folder: Path) -> Running:
    """The step, which returns when it is done."""
    import tensorflow

    del folder
    step, _ = _program(case)
    gpus = tensorflow.config.list_physical_devices("GPU")
    name = tensorflow.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"
    return Running(step, lambda: None, name)


def _program(case: Case) -> tuple[Callable[[np.ndarray], Any], dict[str, int]]:
    """`train_on_batch` of the discriminator twice, then of the combined model; and the parameters of each network.

    The mends: a last layer that ends at 28x28, a discriminator that is compiled, and frozen inside the combined model,
    and fakes that are the generator's images. As there, the generator is trained on the latents of those.
    """
    os.environ["KERAS_BACKEND"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "tensorflow", "3"
    import keras
    from keras import layers

    width, batch = 128 // case.divisor, case.batch
    adam = lambda: keras.optimizers.Adam(case.setup.learning_rate)
    leaky = lambda: layers.LeakyReLU(negative_slope=0.01)
    up = lambda features, stride, activation=None: layers.Conv2DTranspose(
        features, 5, stride, padding="same", activation=activation
    )
    down = lambda: [layers.Conv2D(width, 5, 2, padding="same"), leaky(), layers.Dropout(0.3)]
    generator = keras.Sequential(
        [
            keras.Input((case.latent,)),
            layers.Dense(7 * 7 * width, activation="relu"),
            layers.Reshape((7, 7, width)),
            up(width, 1),
            leaky(),
            up(width, 2),
            leaky(),
            up(1, 2, "tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((28, 28, 1)), *down(), *down(), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    size = lambda model: sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    counts = {"generator": size(generator), "discriminator": size(discriminator)}
    discriminator.compile(loss="binary_crossentropy", optimizer=adam())
    ones, zeros = np.ones((batch, 1), np.float32), np.zeros((batch, 1), np.float32)
    noise = lambda: np.random.normal(size=(batch, case.latent)).astype(np.float32)
    # Keras 3 reads `trainable` when it traces, at the first call: the discriminator's own training is traced
    # while it is True, the combined model's while it is False.
    discriminator.train_on_batch(generator.predict(noise(), verbose=0), zeros)
    discriminator.trainable = False
    combined = keras.Sequential([generator, discriminator])
    combined.compile(loss="binary_crossentropy", optimizer=adam())
    combined.train_on_batch(noise(), ones)

    def step(images: np.ndarray) -> Any:
        latents = noise()
        fake = generator.predict(latents, verbose=0)
        real = discriminator.train_on_batch(images / np.float32(127.5) - 1, ones)
        made = discriminator.train_on_batch(fake, zeros)
        return real, made, combined.train_on_batch(latents, ones)

    step(np.zeros(case.images(batch), np.uint8))
    _check_each_update_moves_its_own(discriminator, combined, generator, noise(), ones)
    return step, counts


def _check_each_update_moves_its_own(
    discriminator: Any, combined: Any, generator: Any, noise: np.ndarray, ones: np.ndarray
) -> None:
    """The comparison is void if the peer does other work; raises SystemExit then."""
    snapshot = lambda model: [weight.numpy() for weight in model.weights]
    moved = lambda a, b: any(not np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    d, g = snapshot(discriminator), snapshot(generator)
    combined.train_on_batch(noise, ones)
    if moved(d, snapshot(discriminator)) or not moved(g, snapshot(generator)):
        sys.exit("the Keras program's combined model does not train the generator alone")
    discriminator.train_on_batch(np.ones((len(noise), 28, 28, 1), np.float32), ones)
    if not moved(d, snapshot(discriminator)):
        sys.exit("the Keras program's discriminator does not train")
