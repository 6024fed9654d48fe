"""What the groups of a config must keep together, and which keys a run may change. Imports nothing of JAX."""

import dataclasses
from typing import Any

from gan_jax.config import CadenceConfig, Config, EvaluateConfig, schema
from gan_jax.errors import ConfigError

PLACES = ("data.path", "data.data_dir", "evaluate.weights", "task.vgg")
"""Keys of paths: where what is read lies. It may move between two starts, and several hosts may each have their own."""

MAY_CHANGE = {
    *("steps", "devices", "parallel", "steps_per_call", "remat", "track"),
    *("data.download", "data.memory"),
    *PLACES,
} | {
    f"{group}.{f.name}"
    for group, kind in (("every", CadenceConfig), ("evaluate", EvaluateConfig))
    for f in dataclasses.fields(kind)
}
"""Keys that a resumed run may set anew: no step computes another thing for them.

Another number of devices rounds differently; the data may move, but their fingerprint must stay.
"""

BEST = {
    "features": ("error", "kid", "precision", "recall", "density", "coverage", "fid"),
    "ngrams": ("js1", "js2", "js3", "js4"),
    "masks": ("miou",),
    "motion": ("direction_w1", "turn_w1", "same_class", "fid", "speed_w1"),
}
"""The scores by which the best checkpoint can be kept, the customary one last."""


def check(config: Config) -> Config:
    """Returns the config, or raises ConfigError naming every key that cannot work."""
    if wrong := _wrong_together(check_values(config)):
        raise ConfigError("\n".join(wrong))
    return config


def check_values(config: Config) -> Config:
    """The same for each key by itself: what a recipe must keep, even if the command line has yet to add to it."""
    if wrong := schema.wrong_values(config):
        raise ConfigError("\n".join(wrong))
    return config


def check_new(config: Config) -> Config:
    """As `check`, for a run that is about to begin: keys that would do nothing are named, too."""
    if wrong := _idle(check(config)):
        raise ConfigError("\n".join(wrong))
    return config


def _wrong_together(config: Config) -> list[str]:
    anneal, found = config.anneal, config.data.wrong()
    if not found:  # else there is no size to speak of
        found += config.model.wrong(config)
    found += config.task.wrong(config)
    if config.data.name == "cluttered_mnist" and not config.data.own and not config.task.of_masks:
        found.append("data.name: of cluttered_mnist pictures have masks below them; add --task segmentation")
    found += _wrong_kind(config)
    if config.conditional and config.data.clusters:
        found.append("data.clusters: networks are told these or classes; add --no-conditional, or drop --data.clusters")
    if config.augment.has_p and config.data.image_channels not in (1, 3):
        found.append(
            f"augment.name: {config.augment.name} turns colours, of 1 channel or 3, not of "
            f"{config.data.image_channels}; take --augment diff_augment, or none"
        )
    if config.augment.of_levels and schema.name_of(config.model) != "gat":
        found.append(f"augment.name: {config.augment.name} is for --model gat, whose images have levels")
    if config.devices and config.batch_size % config.devices:
        low = config.batch_size // config.devices * config.devices
        fitting = " or ".join(str(b) for b in (low, low + config.devices) if b)
        found.append(f"batch_size: {config.batch_size} cannot be shared by {config.devices} devices; try {fitting}")
    if config.batch_size % config.accumulate:
        found.append(f"accumulate: expected a divisor of the batch size {config.batch_size}, got {config.accumulate}")
    elif config.accumulate == config.batch_size > 1 and config.model.normalises:
        name = schema.name_of(config.model)
        found.append(f"accumulate: model {name} normalises over a part, which needs 2 images or more, got 1")
    return [
        *found,
        *config.start.wrong(),
        *config.penalty.wrong(config.batch_size),
        *config.augment.wrong(anneal),
        *config.average.wrong(anneal),
        *anneal.wrong(),
        *config.evaluate.wrong(),
    ]


def _wrong_kind(config: Config) -> list[str]:
    """What does not go together with pictures, with text, or with clips."""
    kind, makes, name = config.data.kind, config.model.makes, schema.name_of(config.model)
    found = []
    if makes != kind:
        mend = {
            "text": "take --model wgantext",
            "clips": "take --model mocogan",
            "pictures": {
                "text": "name a text with --data.path FILE.txt, or take another model",
                "clips": "add --data moving_mnist, or --data clips, or take another model",
            }.get(makes),
        }
        found.append(f"model: {name} makes {makes}, and the data are {kind}; {mend[kind]}")
    best, what = BEST[config.judged_by], config.task.called if config.task.of_masks else kind
    if config.evaluate.every and config.evaluate.best not in best:
        found.append(f"evaluate.best: {config.evaluate.best} is no score of {what}; add --evaluate.best {best[-1]}")
    if config.judged_by in ("ngrams", "masks") and config.evaluate.features:
        given = config.evaluate.features
        found.append(f"evaluate.features: {what} is compared by its {config.judged_by}, not in {given}; drop it")
    if kind != "pictures" and config.augment.name != "none":
        found.append(f"augment.name: augmentations are of pictures, not of {kind}; drop --augment")
    if kind != "pictures" and config.parallel == "pmap":
        found.append(f"parallel: pmap is not for {kind}; choose jit, whose numbers are the same")
    return found


def _idle(config: Config) -> list[str]:
    """What a config asks for and does not get; old runs may have such keys, new ones are better told."""
    found = config.model.idle(config) + config.augment.idle(config.anneal) + config.penalty.idle()
    if config.loss == "none" and config.penalty.has_slopes:
        found.append("penalty: there is no game whose discriminator it would hold; drop it, or --loss none")
    if config.anneal.penalty is not None and not config.penalty.has_slopes:
        found.append(
            "anneal.penalty: there is no penalty to anneal; add one such as --penalty.r1 1, or --anneal.penalty None"
        )
    return found


def from_json(text: str) -> Config:
    """Reads a config that `schema.to_json` wrote, and checks it. Raises ConfigError."""
    return check(schema.from_json(Config, text, renew=_with_track))


def _with_track(values: dict[str, Any]) -> dict[str, Any]:
    """What a config says by today's keys: TensorBoard once had one of its own."""
    events = values.get("tensorboard")
    if type(events) is not bool:
        return values
    others = {key: value for key, value in values.items() if key != "tensorboard"}
    return {"track": "tensorboard" if events else None} | others


def check_same(old: Config, new: Config, where: str) -> None:
    """Raises ConfigError if a run begun with `old` would become another run with `new`."""
    if changed := changed_keys(old, new):
        lines = "\n".join(f"  {key}: {before!r} there, {after!r} now" for key, (before, after) in changed.items())
        raise ConfigError(
            f"{where} holds a run with another config:\n{lines}\n"
            f"Start gan-jax train {where} to go on with it, or choose another folder with --run"
        )


def as_begun(config: Config, stored: Config) -> Config:
    """The config with what its run, stored as it is, has added when it began: the SHA-256 of what it began with."""
    if config.start.run != stored.start.run or config.start.sha256:
        return config
    return schema.with_values(config, {"start.sha256": stored.start.sha256})


def changed_keys(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """The keys outside MAY_CHANGE on which two configs differ: `{key: (old, new)}`, None for a key that one lacks."""
    before, after = schema.flatten(old), schema.flatten(new)
    keys = dict.fromkeys([*before, *after])
    return {k: (before.get(k), after.get(k)) for k in keys if k not in MAY_CHANGE and before.get(k) != after.get(k)}
