"""What a config must keep, and which of its keys a run may change. Imports nothing of JAX."""

import dataclasses
from typing import Any

from gan_jax import schema
from gan_jax.config import (
    MODEL_SIZES,
    CadenceConfig,
    Config,
    EvaluateConfig,
    image_channels,
    image_size,
)
from gan_jax.errors import ConfigError

MAY_CHANGE = {"steps", "devices", "tensorboard", "data.path", "data.data_dir", "data.download"} | {
    f"{group}.{f.name}"
    for group, kind in (("every", CadenceConfig), ("evaluate", EvaluateConfig))
    for f in dataclasses.fields(kind)
}
"""Keys that a resumed run may set anew: no step computes another thing for them.

Another number of devices rounds differently; the data may move, but their fingerprint must stay.
"""


def check(config: Config) -> Config:
    """Returns the config, or raises ConfigError naming every key that cannot work."""
    if wrong := _wrong_together(check_values(config)):
        raise ConfigError("\n".join(wrong))
    return config


def check_values(config: Config) -> Config:
    """The same for each key by itself: what a recipe must keep, even if the command line has yet to add to it."""
    if wrong := [*schema.wrong_types(config), *_wrong_values(config)]:
        raise ConfigError("\n".join(wrong))
    return config


TOO_LARGE = 1e30
"""For any number of a config: float32 would make it infinite, or nearly."""


def _wrong_values(config: Config) -> list[str]:
    def number(key: str, allowed: str, right: Any) -> None:
        value = flat.get(key)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and not (abs(value) < TOO_LARGE and right(value))
        ):
            found.append(f"{key}: expected {allowed}, got {value}")

    flat, found = schema.flatten(config), list[str]()
    for key in (
        "latent_size",
        "discriminator_steps",
        "batch_size",
        "steps",
        "devices",
        "data.size",
        "lazy",
        "path_lazy",
        "anneal.images",
    ):
        number(key, "a whole number from 1", lambda v: v >= 1)
    for f in dataclasses.fields(CadenceConfig):
        number(f"every.{f.name}", "a whole number from 1", lambda v: v >= 1)
    number("evaluate.every", "a whole number from 1", lambda v: v >= 1)
    number("evaluate.samples", "a whole number from 20", lambda v: v >= 20)
    for player in ("generator", "discriminator"):
        number(f"{player}.width", "a whole number from 1", lambda v: v >= 1)
        number(f"{player}.learning_rate", "a finite number above 0", lambda v: v > 0)
        number(f"{player}.epsilon", "a finite number above 0", lambda v: v > 0)
        number(f"{player}.beta1", "a number in [0, 1)", lambda v: 0 <= v < 1)
        number(f"{player}.beta2", "a number in [0, 1)", lambda v: 0 <= v < 1)
    number("average_decay", "a number in [0, 1)", lambda v: 0 <= v < 1)
    for key in ("r1", "r2", "wgan_gp", "lecam", "path_length", "anneal.penalty"):
        number(key, "a finite number from 0", lambda v: v >= 0)
    for key in ("half_life", "ada_kimg", "anneal.learning_rate", "anneal.half_life"):
        number(key, "a finite number above 0", lambda v: v > 0)
    number("average_width", "a number in [0.001, 0.2886]", lambda v: 0.001 <= v <= 0.2886)
    for key in ("augment_p", "anneal.augment_p"):
        number(key, "a number in [0, 1]", lambda v: 0 <= v <= 1)
    number("anneal.beta2", "a number in [0, 1)", lambda v: 0 <= v < 1)
    number("ada_target", "a number in (-1, 1)", lambda v: -1 < v < 1)
    number("seed", "a whole number in [0, 2**32)", lambda v: 0 <= v < 2**32)
    return found


def _wrong_together(config: Config) -> list[str]:
    found = []
    own = config.data.path is not None or config.data.name == "pictures"
    if own and not config.data.path:
        found.append("data.path: expected a folder or .zip of pictures, got nothing; add --data.path FOLDER-OR-ZIP")
    if own and config.data.size is None:
        found.append("data.size: your own pictures need a size to be resized and cropped to, such as --data.size 64")
    else:
        size, allowed = image_size(config), MODEL_SIZES[config.model]
        if allowed and size not in allowed:
            nearest = min(allowed, key=lambda s: abs(s - size))
            some = ", ".join(map(str, allowed))
            found.append(f"data.size: model {config.model} makes {some} pixels, not {size}; try --data.size {nearest}")
        for key, seen in {"batch_size": config.batch_size, "lazy": _penalised(config)}.items():
            group = min(seen, 32 if size <= 32 else 4)
            if config.model == "stylegan2" and seen % group:
                found.append(f"{key}: model stylegan2 compares groups of {group}; {seen} images are no multiple of it")
                break
        if config.model == "biggan" and allowed and size in allowed and config.latent_size % (size.bit_length() - 2):
            parts = size.bit_length() - 2
            near = max(parts, round(config.latent_size / parts) * parts)
            found.append(f"latent_size: model biggan splits latents into {parts} at {size} pixels; try {near}")
    if config.evaluate.best != EvaluateConfig().best and config.evaluate.every is None:
        found.append(f"evaluate.best: {config.evaluate.best} is kept where a run is scored; add --evaluate.every N")
    if config.data.name == "stacked_mnist" and not own and image_channels(config) != 3:
        found.append("data.channels: stacked_mnist is three digits as red, green and blue; leave it at 3")
    if config.devices and config.batch_size % config.devices:
        low = config.batch_size // config.devices * config.devices
        fitting = " or ".join(str(b) for b in (low, low + config.devices) if b)
        found.append(f"batch_size: {config.batch_size} cannot be shared by {config.devices} devices; try {fitting}")
    found += _wrong_rules(config)
    if config.model == "acgan" and not config.conditional:
        found.append("conditional: model acgan names the labels that it is told; add --conditional")
    for player in ("generator", "discriminator"):
        width = getattr(config, player).width
        if config.model == "r3gan" and width % 8:
            nearest = max(8, round(width / 8) * 8)
            found.append(f"{player}.width: model r3gan needs a multiple of 8, got {width}; try {nearest}")
        if config.model in ("sagan", "biggan") and width < 8:
            found.append(f"{player}.width: model {config.model} needs 8 or more, got {width}")
    if config.precision != "float32" and config.model in ("mlp", "article"):
        found.append(f"precision: model {config.model} computes in float32, not {config.precision}")
    if config.discriminator_norm == "none" and config.model != "dcgan":
        found.append(f"discriminator_norm: is for --model dcgan, not {config.model}")
    if config.batch_size == 1 and config.model in ("dcgan", "article", "acgan", "sngan", "sagan", "biggan"):
        found.append(f"batch_size: model {config.model} normalises over the batch and needs 2 or more, got 1")
    return found


def _penalised(config: Config) -> int:
    """Images of each batch that the discriminator's penalties see."""
    divides = not config.batch_size % config.lazy
    return config.batch_size // config.lazy if divides and _slopes(config) else config.batch_size


def _slopes(config: Config) -> bool:
    """Whether there are penalties that are lazy and annealed."""
    return bool(config.r1 or config.r2 or config.wgan_gp)


def _wrong_rules(config: Config) -> list[str]:
    """What is wrong among penalties, augmentations and their schedules."""
    found, anneal = [], config.anneal
    ends = [name for name, end in vars(anneal).items() if name != "images" and end is not None]
    if ends and anneal.images is None:
        found.append(f"anneal.images: expected the images until anneal.{ends[0]} is reached, got nothing")
    if anneal.images is not None and not ends:
        found.append("anneal.images: there is nothing to anneal; give an end such as --anneal.learning-rate 5e-5")
    for key, every in {"lazy": config.lazy, "path_lazy": config.path_lazy}.items():
        if every and config.batch_size % every:
            found.append(f"{key}: expected a divisor of the batch size {config.batch_size}, got {every}")
    if not config.augment.startswith("ada"):
        keys = {"ada_target": config.ada_target, "anneal.augment_p": anneal.augment_p}
        given = ["augment_p"] * bool(config.augment_p) + [key for key, value in keys.items() if value is not None]
        found += [f"{key}: is for --augment ada, ada_cutout or ada_full, not {config.augment}" for key in given]
    if config.ada_target is not None and anneal.augment_p is not None:
        found.append("ada_target: augment_p can adapt or be annealed, not both; drop one of the two")
    if anneal.half_life is not None and config.half_life is not None:
        found.append("half_life: an annealed half-life starts from 0; drop --half-life")
    if config.average_width is not None and (config.half_life is not None or anneal.half_life is not None):
        found.append("average_width: an average has a width or a half-life; drop one of the two")
    return found


def idle(config: Config) -> list[str]:
    """What a config asks for and does not get; old runs may have such keys, new ones are better told."""
    found, anneal = [], config.anneal
    p_moves = config.ada_target is not None or anneal.augment_p
    if config.augment.startswith("ada") and not config.augment_p and not p_moves:
        found.append(
            f"augment_p: {config.augment} with a probability of 0 does nothing; add --augment-p 0.5, --ada-target 0.6 "
            "or --anneal.augment-p 0.5, or take --augment none"
        )
    if config.ada_kimg != Config.ada_kimg and config.ada_target is None:
        found.append(f"ada_kimg: is for an augment_p that adapts; add --ada-target, or --ada-kimg {Config.ada_kimg}")
    if config.lazy > 1 and not _slopes(config) and (config.path_lazy or not config.path_length):
        found.append("lazy: there is no penalty to take of fewer images; add one such as --r1, or --lazy 1")
    if config.path_lazy is not None and not config.path_length:
        found.append("path_lazy: there are no path lengths to take of fewer latents; add --path-length 2")
    if anneal.penalty is not None and not _slopes(config):
        found.append("anneal.penalty: there is no penalty to anneal; add one such as --r1, or --anneal.penalty None")
    return found


def check_new(config: Config) -> Config:
    """As `check`, for a run that is about to begin: keys that would do nothing are named, too."""
    if wrong := idle(check(config)):
        raise ConfigError("\n".join(wrong))
    return config


def from_json(text: str) -> Config:
    """Reads a config that `schema.to_json` wrote, and checks it. Raises ConfigError."""
    return check(schema.from_json(Config, text))


def check_same(old: Config, new: Config, where: str) -> None:
    """Raises ConfigError if a run begun with `old` would become another run with `new`."""
    if changed := changed_keys(old, new):
        lines = "\n".join(f"  {key}: {before!r} there, {after!r} now" for key, (before, after) in changed.items())
        raise ConfigError(
            f"{where} holds a run with another config:\n{lines}\n"
            f"Start gan-jax train {where} to go on with it, or choose another folder with --run"
        )


def changed_keys(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """The keys, outside MAY_CHANGE, on which two configs differ: `{key: (old, new)}`."""
    before, after = schema.flatten(old), schema.flatten(new)
    return {k: (before[k], after[k]) for k in before if k not in MAY_CHANGE and before[k] != after[k]}
