"""A config becomes values: a GAN, a dataset."""

import math
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import inputs, losses
from gan_jax.config import Config, Segmentation
from gan_jax.config.model import Networks
from gan_jax.config.translators import Translator
from gan_jax.data import (
    array_files,
    arrays,
    clips,
    cluttered,
    digits,
    masks,
    moving,
    pairs,
    pictures,
    prepared,
    stacked,
    text,
)
from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import resize_all
from gan_jax.errors import ConfigError, DataError
from gan_jax.freezing import frozen, layers_of
from gan_jax.gan import GAN
from gan_jax.memory import require_memory
from gan_jax.penalties import Mean
from gan_jax.recomputation import InParts, Recomputed
from gan_jax.tasks.task import made
from gan_jax.tasks.text import one_hot
from gan_jax.types import Batch, Network, Taught

LOSSES = {
    "minimax": losses.minimax,
    "non_saturating": losses.non_saturating,
    "smoothed": losses.smoothed(0.9),
    "least_squares": losses.least_squares,
    "hinge": losses.hinge,
    "wasserstein": losses.wasserstein,
    "relativistic": losses.relativistic,
    "relativistic_average": losses.relativistic_average,
    "none": losses.none,
}


def build_gan(config: Config, classes: int, mean: Mean = jnp.mean) -> GAN:
    """The GAN that a config describes, for data with so many classes; `mean` is a batch's (`penalties.Mean`)."""
    if config.conditional and not classes:
        raise ConfigError("conditional: the data have no classes; put pictures in one sub-folder a class, or drop it")
    if config.task.classifies and classes < 2:
        raise ConfigError("task: few_labels tells classes apart; put pictures in one sub-folder a class")
    anneal, images = config.anneal, config.images_per_step
    networks = _networks(config, classes)
    generator, discriminator = (_sparing(config, network) for network in networks)
    descent = config.discriminator.build(anneal, config.batch_size, config.model.discriminator_width)
    return GAN(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=config.generator.build(anneal, images, config.model.generator_width),
        discriminator_optimizer=frozen(descent, layers) if (layers := frozen_layers(config, classes)) else descent,
        latent_size=config.model.latent_size,
        loss=config.model.loss(LOSSES[config.loss], config.data),
        penalty=config.penalty.of_images(anneal, images, mean),
        latent_penalty=config.penalty.of_latents(mean),
        supervise=config.task.supervision(),
        average=config.average.build(anneal, images),
        augment=config.augment.build(anneal, config.batch_size, images),
        replay=config.task.replay(),
    )


def frozen_layers(config: Config, classes: int) -> tuple[str, ...]:
    """The names of the discriminator's layers that do not learn. Raises ConfigError if that would be all."""
    if not config.start.freeze:
        return ()
    layers = discriminator_layers(config, classes)
    if config.start.freeze >= len(layers):
        raise ConfigError(
            f"start.freeze: expected {len(layers) - 1} at most, got {config.start.freeze}; one of the discriminator's "
            f"layers has to learn: {', '.join(layers)}"
        )
    return layers[: config.start.freeze]


def discriminator_layers(config: Config, classes: int) -> tuple[str, ...]:
    """The names of the discriminator's layers, lowest first."""
    return layers_of(_networks(config, classes)[1], *inputs.read(example(config)))


def as_read(config: Config, *, stacked: int = 1) -> Batch:
    """A batch of the shapes that are read from the data, all zeros."""
    lead = (config.batch_size,) if stacked == 1 else (stacked, config.batch_size)
    dtype = jnp.float32 if config.data.floats else jnp.uint8
    images = jnp.zeros((*lead, *config.read_size, config.read_channels), dtype)
    labels = jnp.zeros(lead, jnp.int32)
    if config.task.classifies:
        return Batch(images, (images, labels))
    told = labels if config.tells else None
    if shape := config.data.features_shape:
        return Batch(images, Taught(told, jnp.zeros((*lead, *shape))))
    return Batch(images, told)


def example(config: Config) -> Batch:
    """A batch of the shapes that the GAN is given."""
    batch = as_read(config)
    if config.data.kind == "text":
        return Batch(one_hot(batch.images, config.data.alphabet))
    return made(config.task.build(), jax.random.key(0), batch.images) if config.task.given else batch


def _networks(config: Config, classes: int) -> Networks:
    model = config.model
    if isinstance(model, Translator):
        return model.translators(config.data, config.task)
    return model.networks(config.data, config.labels_told(classes))


def _sparing(config: Config, network: Network) -> Network:
    """The network as it fits into memory."""
    network = Recomputed(network) if config.remat else network
    return InParts(network, config.batch_size // config.accumulate) if config.accumulate > 1 else network


def load_data(config: Config) -> Dataset:
    """The dataset that a config names, at the config's size and channels; of a task, some of it held out.

    Raises DataError.
    """
    dataset = config.task.read(partial(_load, config))
    beside = f", without {len(dataset.test)} that are held out," if dataset.test else ""
    if len(dataset) < config.batch_size:
        raise DataError(
            f"{dataset.name}: {len(dataset)} {dataset.things}{beside} do not fill one batch of {config.batch_size}; "
            f"lower --batch-size, to {max(1, len(dataset) // 2)} for example, or add {dataset.things}"
        )
    return dataset


def _load(config: Config, which: prepared.Split) -> Dataset:
    data = config.data
    size, channels, memory = data.image_size, data.image_channels, data.memory * 1e9
    named = partial(prepared.load, data_dir=data.data_dir, download=data.download)
    if data.path and data.kind == "text":
        return text.load(data.path, length=size[1], symbols=data.alphabet, test=data.test)
    if data.path and data.kind == "clips":
        return clips.load(
            data.path,
            frames=data.frames,
            size=data.frame_size,
            channels=channels,
            on_bad=data.on_bad,
            memory=memory,
        )
    if data.path and data.arrays:
        dataset = arrays.load(
            data.path,
            size=size,
            channels=channels,
            deviation=data.deviation,
            features=data.features_shape,
            memory=memory,
        )
    elif data.path and data.deviation is not None:
        dataset = array_files.load(data.path, size=size, channels=channels, deviation=data.deviation, memory=memory)
    elif data.path and isinstance(config.task, Segmentation):
        return masks.load(data.path, size=size, channels=channels, classes=config.task.classes, memory=memory)
    elif data.path and config.task.of_pairs:
        return pairs.load(data.path, size=size, channels=channels, memory=memory)
    elif data.path:
        dataset = pictures.load(data.path, size=size, channels=channels, on_bad=data.on_bad, memory=memory)
    elif data.name == "digits":
        dataset = digits.load()
    elif data.name == "cluttered_mnist":
        return cluttered.load(named("mnist", split=which), seed=0 if which == "train" else 1)  # on other crops
    elif data.name == "moving_mnist":
        return moving.load(named("mnist", split=which), frames=data.frames, side=data.frame_size[0])
    elif data.name == "stacked_mnist":
        mnist = named("mnist")
        dataset = stacked.load(replace(mnist, images=resize_all(np.asarray(mnist.images), size, 1)))
    else:
        dataset = named(data.name, size=size, channels=channels, memory=memory, split=which)
    if dataset.images.shape[1:] == (*size, channels):
        return dataset
    what = f"{dataset.name}: {len(dataset):,} images of {size[0]}x{size[1]} pixels"
    require_memory(len(dataset) * math.prod(size) * channels, what, "lower --data.size", error=DataError)
    return replace(dataset, images=resize_all(np.asarray(dataset.images), size, channels))
