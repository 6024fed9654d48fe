"""A config becomes values: a GAN, a dataset. The one place where names are looked up."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax

from gan_jax import averaging, latent_penalties, losses, penalties, schedules
from gan_jax.augment import Augment, ada, as_it_is, diffaugment
from gan_jax.config import Config, NetworkConfig, image_channels, image_size
from gan_jax.data import digits, pictures, prepared, stacked
from gan_jax.data.dataset import Dataset
from gan_jax.data.resize import resize_all
from gan_jax.errors import ConfigError, DataError
from gan_jax.gan import GAN
from gan_jax.models import acgan, article, biggan, dcgan, mlp, r3gan, sagan, sngan, stylegan2
from gan_jax.rules import Adaptive, scheduled
from gan_jax.schedules import Schedule
from gan_jax.types import Images, Network

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

AUGMENTATIONS: dict[str, Callable[[Config], Augment | Adaptive]] = {
    "none": lambda c: as_it_is,
    "diff_augment": lambda c: diffaugment.diff_augment(diffaugment.colour, diffaugment.translation, diffaugment.cutout),
    "ada": lambda c: _ada(c, ada.ada),
    "ada_cutout": lambda c: _ada(c, ada.with_cutout),
    "ada_full": lambda c: _ada(c, ada.full),
}

MODELS: dict[str, Callable[[Config, int], tuple[Network, Network]]] = {
    "mlp": lambda c, classes: (
        mlp.Generator(image_size(c), image_channels(c), c.generator.width, classes),
        mlp.Discriminator(c.discriminator.width, classes=classes),
    ),
    "dcgan": lambda c, classes: (
        dcgan.Generator(image_size(c), image_channels(c), c.generator.width, classes, _dtype(c)),
        dcgan.Discriminator(c.discriminator.width, classes, _dtype(c), c.discriminator_norm),
    ),
    "article": lambda c, classes: (
        article.Generator(image_channels(c), c.generator.width, classes),
        article.Discriminator(c.discriminator.width, classes=classes),
    ),
    "acgan": lambda c, classes: (
        dcgan.Generator(image_size(c), image_channels(c), c.generator.width, classes, _dtype(c)),
        acgan.Discriminator(classes, c.discriminator.width, dtype=_dtype(c)),
    ),
    "sngan": lambda c, classes: _residual(sngan, c, classes),
    "sagan": lambda c, classes: _residual(sagan, c, classes),
    "biggan": lambda c, classes: _residual(biggan, c, classes),
    "r3gan": lambda c, classes: (
        r3gan.Generator(image_size(c), image_channels(c), classes=classes, **_r3gan_fields(c.generator, c)),
        r3gan.Discriminator(classes=classes, **_r3gan_fields(c.discriminator, c)),
    ),
    "stylegan2": lambda c, classes: _stylegan2(c, classes),
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
        generator_optimizer=_adam(config.generator, config, images_per_step(config)),
        discriminator_optimizer=_adam(config.discriminator, config, config.batch_size),
        latent_size=config.latent_size,
        loss=losses.auxiliary(LOSSES[config.loss]) if config.model == "acgan" else LOSSES[config.loss],
        penalty=_penalty(config),
        latent_penalty=_latent_penalty(config),
        average=_average(config),
        augment=AUGMENTATIONS[config.augment](config),
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
        dataset = prepared.load(data.name, data_dir=data.data_dir, download=data.download, size=size, channels=channels)
    if len(dataset) < config.batch_size:
        raise DataError(
            f"{dataset.name}: {len(dataset)} images do not fill one batch of {config.batch_size}; "
            "lower --batch-size or add images"
        )
    return Dataset(dataset.name, resize_all(dataset.images, size, channels), dataset.labels, dataset.classes)


def images_per_step(config: Config) -> int:
    """Real images that the discriminator is trained on in a step: by these, schedules count."""
    return config.batch_size * config.discriminator_steps


def _penalty(config: Config) -> penalties.Penalty | Adaptive:
    """The sum of those whose weight is not zero, annealed and lazy as the config says."""
    slopes = {penalties.r1: config.r1, penalties.r2: config.r2, penalties.wgan_gp: config.wgan_gp}

    def at(factor: Any) -> penalties.Penalty | Adaptive:
        terms = [make(weight * factor) for make, weight in slopes.items() if weight]
        return penalties.total(*terms) if len(terms) > 1 else terms[0] if terms else penalties.none

    factor = _annealed(config, 1.0, config.anneal.penalty, images_per_step(config))
    rule = scheduled(lambda step: at(factor(step))) if callable(factor) else at(factor)
    rule = penalties.lazy(rule, config.lazy) if config.lazy > 1 and any(slopes.values()) else rule
    return penalties.total(rule, penalties.lecam(config.lecam)) if config.lecam else rule


def _latent_penalty(config: Config) -> latent_penalties.LatentPenalty | Adaptive:
    if not config.path_length:
        return latent_penalties.none
    return latent_penalties.lazy(latent_penalties.path_length(config.path_length), config.path_lazy or config.lazy)


def _average(config: Config) -> averaging.Averaging:
    images = images_per_step(config)
    if config.anneal.half_life is not None:
        return averaging.half_life(_annealed(config, 0.0, config.anneal.half_life, images), images, ramp=None)
    if config.half_life is not None:
        return averaging.half_life(config.half_life, images)
    if config.average_width is not None:
        return averaging.power(averaging.exponent_of(config.average_width))
    return averaging.ema(config.average_decay)


def _ada(config: Config, pipeline: Callable[..., Images]) -> Augment | Adaptive:
    if config.ada_target is not None:
        return ada.adaptive(
            config.batch_size,
            target=config.ada_target,
            kimg=config.ada_kimg,
            start=config.augment_p,
            pipeline=pipeline,
        )
    with_p = lambda p: lambda key, images: pipeline(key, images, p)
    p = _annealed(config, config.augment_p, config.anneal.augment_p, images_per_step(config))
    return scheduled(lambda step: with_p(p(step))) if callable(p) else with_p(p)


def _annealed(config: Config, start: float, end: float | None, images: int) -> float | Schedule:
    """The setting that starts here: itself, or its schedule where steps of so many images bring it to an end."""
    if end is None or config.anneal.images is None:
        return start
    return schedules.cosine(start, end, config.anneal.images, images)


def _adam(network: NetworkConfig, config: Config, images: int) -> optax.GradientTransformation:
    rate = _annealed(config, network.learning_rate, config.anneal.learning_rate, images)
    beta2 = _annealed(config, network.beta2, config.anneal.beta2, images)
    if not callable(beta2):
        return optax.adam(rate, network.beta1, beta2, network.epsilon)
    moving = optax.inject_hyperparams(optax.adam)
    return moving(learning_rate=rate, b1=network.beta1, b2=beta2, eps=network.epsilon)


def _residual(model: Any, config: Config, classes: int) -> tuple[Network, Network]:
    """SNGAN, SAGAN and BigGAN have the same fields."""
    size, channels = image_size(config), image_channels(config)
    return (
        model.Generator(size, channels, config.generator.width, classes, _dtype(config)),
        model.Discriminator(config.discriminator.width, classes, _dtype(config)),
    )


def _dtype(config: Config) -> Any:
    """What all layers compute in, of models that have no stages of their own choice."""
    return jnp.dtype(config.precision)


def _stylegan2(config: Config, classes: int) -> tuple[Network, Network]:
    """Up to 32 pixels StyleGAN2-ADA's choices for CIFAR-10, above them the paper's configuration F."""
    size, small = image_size(config), image_size(config) <= 32
    low = _low_precision_from(config)
    generator = stylegan2.Generator(
        size,
        image_channels(config),
        config.generator.width,
        classes,
        mapping_layers=2 if small else 8,
        style_size=config.latent_size,
        mixing=0.0 if small else 0.9,
        low_precision_from=low,
    )
    group = 32 if small else 4
    return generator, stylegan2.Discriminator(
        config.discriminator.width, classes, group=group, residual=not small, low_precision_from=low
    )


def _low_precision_from(config: Config) -> int | None:
    return 8 if config.precision == "bfloat16" else None


def _r3gan_fields(network: NetworkConfig, config: Config) -> dict[str, Any]:
    """The same width at every power of two from 4 to 32, then half as wide at each; bfloat16 from 8x8 up.

    Groups of 16 channels, or 96 of them where that is fewer. All as published for CIFAR-10, FFHQ and ImageNet-32.
    """
    stages = image_size(config).bit_length() - 2
    return {
        "widths": tuple(max(8, network.width >> max(0, i - 3)) for i in range(stages)),
        "group_channels": max(16, network.width // 48),
        "low_precision_from": _low_precision_from(config),
    }
