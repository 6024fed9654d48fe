"""A config becomes values: a GAN, a dataset. The one place where names are looked up."""

from collections.abc import Callable

import optax

from gan_jax import averaging, losses, penalties
from gan_jax.augment import Augment, as_it_is, diffaugment
from gan_jax.config import Config, NetworkConfig, image_channels, image_size
from gan_jax.data import digits, pictures, prepared, stacked
from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import resize_all
from gan_jax.errors import ConfigError, DataError
from gan_jax.gan import GAN
from gan_jax.models import article, dcgan, mlp, r3gan
from gan_jax.types import Network

LOSSES = {
    "minimax": losses.minimax,
    "non_saturating": losses.non_saturating,
    "smoothed": losses.smoothed(0.9),
    "least_squares": losses.least_squares,
    "hinge": losses.hinge,
    "wasserstein": losses.wasserstein,
    "relativistic": losses.relativistic,
    "relativistic_average": losses.relativistic_average,
}

AUGMENTATIONS: dict[str, Augment] = {
    "none": as_it_is,
    "diff_augment": diffaugment.diff_augment(diffaugment.colour, diffaugment.translation, diffaugment.cutout),
}

MODELS: dict[str, Callable[[Config, int], tuple[Network, Network]]] = {
    "mlp": lambda c, classes: (
        mlp.Generator(image_size(c), image_channels(c), c.generator.width, classes),
        mlp.Discriminator(c.discriminator.width, classes=classes),
    ),
    "dcgan": lambda c, classes: (
        dcgan.Generator(image_size(c), image_channels(c), c.generator.width, classes),
        dcgan.Discriminator(c.discriminator.width, classes),
    ),
    "article": lambda c, classes: (
        article.Generator(image_channels(c), c.generator.width, classes),
        article.Discriminator(c.discriminator.width, classes=classes),
    ),
    "r3gan": lambda c, classes: (
        r3gan.Generator(image_size(c), image_channels(c), _stages(c, c.generator.width), classes=classes),
        r3gan.Discriminator(_stages(c, c.discriminator.width), classes=classes),
    ),
}
"""Config and number of classes (0: unconditional) to generator and discriminator."""


def build_gan(config: Config, classes: int) -> GAN:
    """The GAN that a config describes, for data with so many classes."""
    if config.conditional and not classes:
        raise ConfigError("conditional: the data have no classes; put pictures in one sub-folder a class, or drop it")
    generator, discriminator = MODELS[config.model](config, classes if config.conditional else 0)
    return GAN(
        generator=generator,
        discriminator=discriminator,
        generator_optimizer=_adam(config.generator),
        discriminator_optimizer=_adam(config.discriminator),
        latent_size=config.latent_size,
        loss=LOSSES[config.loss],
        penalty=_penalty(config),
        average=averaging.ema(config.average_decay),
        augment=AUGMENTATIONS[config.augment],
    )


def load_data(config: Config) -> Dataset:
    """The dataset that a config names, at the config's size and channels. Raises DataError."""
    size, channels = image_size(config), image_channels(config)
    data = config.data
    if data.path:
        dataset = pictures.load(data.path, size=size, channels=channels, on_bad=data.on_bad)
    elif data.name == "digits":
        dataset = digits.load()
    elif data.name == "stacked_mnist":
        mnist = prepared.load("mnist", data_dir=data.data_dir, download=data.download)
        dataset = stacked.load(Dataset("mnist", resize_all(mnist.images, size, 1), mnist.labels, mnist.classes))
    else:
        dataset = prepared.load(data.name, data_dir=data.data_dir, download=data.download)
    if len(dataset) < config.batch_size:
        raise DataError(
            f"{dataset.name}: {len(dataset)} images do not fill one batch of {config.batch_size}; "
            "lower --batch-size or add images"
        )
    return Dataset(dataset.name, resize_all(dataset.images, size, channels), dataset.labels, dataset.classes)


def _penalty(config: Config) -> penalties.Penalty:
    """The sum of those whose weight is not zero."""
    weights = {penalties.r1: config.r1, penalties.r2: config.r2, penalties.wgan_gp: config.wgan_gp}
    terms = [make(weight) for make, weight in weights.items() if weight]
    return penalties.total(*terms) if len(terms) > 1 else terms[0] if terms else penalties.none


def _stages(config: Config, width: int) -> tuple[int, ...]:
    """The same width at every power of two from 4 to the image's size."""
    return (width,) * (image_size(config).bit_length() - 2)


def _adam(config: NetworkConfig) -> optax.GradientTransformation:
    return optax.adam(config.learning_rate, config.beta1, config.beta2, config.epsilon)
