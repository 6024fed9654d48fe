"""Ways through the latent space of a trained generator, and sheets of it: `gan-jax walk`."""

from pathlib import Path
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config.options import ENDINGS, check_ending
from gan_jax.errors import ConfigError
from gan_jax.latents.directions import Directions, along, by_covariance, by_jacobian, by_weights
from gan_jax.latents.mixing import crossed
from gan_jax.latents.walks import lerp, loop
from gan_jax.memory import require_memory
from gan_jax.run.animation import MOVING, save_moving
from gan_jax.run.latents import Found, Opened, load_found
from gan_jax.run.pictures import enlargement, save_grid, save_strips
from gan_jax.run.sampling import bytes_to_draw

By = Literal["covariance", "jacobian", "weights"]

BESIDE = 4
"""Pictures on either side of the one in the middle, along a direction."""

FEW, MANY = 32, 2048
"""Points at which slopes are taken, and of which the covariance is."""


class Asked(NamedTuple):
    """Whose pictures are shown."""

    seed: int
    labels: str | None  # of those that are drawn, in turn
    through: Path | None  # what gan-jax project has found, in their place


def walk(
    opened: Opened, asked: Asked, out: Path | None, *, count: int, stops: int, frames: int, seconds: float
) -> list[str]:
    """Draws so many walks side by side, which end where they began: a .gif or .mp4 that moves, or film strips as .png.

    What is found in a file is passed in one walk. Raises ConfigError, DataError.
    """
    check_ending(out, ENDINGS["walk"])
    ends = _stops(opened, asked, count, stops)
    count, stops = ends.points.shape[:2]
    if frames < stops:
        raise ConfigError(f"frames: a walk through {stops} pictures has {stops} or more, not {frames}")
    path = _place(opened, asked, out, "walk", count, ".gif")
    _require_memory(opened, "frames", count * frames)
    steps = lambda between: jax.vmap(lambda points: loop(points, frames, between))
    told = None if ends.told is None else steps(lerp)(ends.told).reshape(count * frames, -1)
    points = steps(opened.space.between)(ends.points)
    images = opened.draw(points.reshape(count * frames, *points.shape[2:]), told)
    clips = images.reshape(count, frames, *images.shape[1:])
    columns = -(-count // round(count**0.5))
    if path.suffix in MOVING:
        save_moving(path, clips, columns, milliseconds=max(20, round(1000 * seconds / frames)))
    else:
        save_strips(path, clips, columns)
    walks = "1 walk" if count == 1 else f"{count} walks"
    passed = "1 picture" if stops == 1 else f"{stops} pictures"
    return _told(opened, f"{walks} of {frames} frames, through {passed}{' each' * (count > 1)}", path)


def sheet_of_directions(
    opened: Opened, asked: Asked, out: Path | None, *, count: int, by: By | None, reach: float
) -> list[str]:
    """Draws a picture moved along each of so many directions, a row each, from -`reach` to `reach` deviations.

    Raises ConfigError, DataError.
    """
    check_ending(out, ENDINGS["sheet"])
    path = _place(opened, asked, out, "directions", count)
    start = _pictures(opened, asked, 1)
    by = by or ("jacobian" if opened.space.normal else "covariance")
    found = _directions(opened, asked, start, count, by)
    across = np.linspace(-reach, reach, 2 * BESIDE + 1)
    amounts = jnp.asarray(np.kron(np.eye(count), across[:, None]), jnp.float32)  # a direction's own alone
    rows = len(amounts)
    _require_memory(opened, "along", rows)
    points = along(found, jnp.repeat(start.points[:1], rows, axis=0), amounts)
    told = None if start.told is None else jnp.repeat(start.told[:1], rows, axis=0)
    save_grid(path, opened.draw(points, told), len(across))
    return _told(opened, f"{count} directions by {by}, from {-reach:g} to {reach:g} deviations", path)


def sheet_of_mixtures(opened: Opened, asked: Asked, out: Path | None, *, first: int, count: int) -> list[str]:
    """Draws so many pictures down the left edge mixed with as many along the top.

    The first layers are told what those on the left are, the others what those above are. Raises as `walk` does.
    """
    check_ending(out, ENDINGS["sheet"])
    layers = opened.space.layers
    if layers == 1:
        raise ConfigError(f"mix: {opened.source.run} has one style for all its layers, or none; drop --mix")
    if first >= layers:
        raise ConfigError(f"mix: of {layers} layers the first 1 to {layers - 1} are told the one, not {first}")
    path = _place(opened, asked, out, f"mixed{first}", count)
    _require_memory(opened, "count", (count + 1) ** 2)
    both = _pictures(opened, asked, 2 * count)
    count = len(both.points) // 2
    if not count:
        raise ConfigError(f"through: {asked.through} holds one picture, and two or more are mixed; find another, too")
    points, told = jax.tree.map(lambda array: array[: 2 * count], both)
    alone, mixed = opened.draw(points, told), crossed(points[:count], points[count:], layers, first)
    told = None if told is None else jnp.repeat(told[:count], count, axis=0)
    table = opened.draw(mixed, told).reshape(count, count, *alone.shape[1:])
    edge = np.concatenate([np.zeros_like(alone[:1]), alone[count:]])
    rows = np.concatenate([alone[:count, None], table], axis=1)
    save_grid(path, np.concatenate([edge[None], rows]).reshape(-1, *alone.shape[1:]), count + 1)
    return _told(opened, f"the first {first} of {layers} layers as on the left, the others as above", path)


def _directions(opened: Opened, asked: Asked, start: Found, count: int, by: By) -> Directions:
    """Of points that are told what the picture is."""
    space, weights = opened.space, opened.weights
    if by != "jacobian" and space.normal:
        raise ConfigError(f"by: {by} is of styles, and {opened.source.run} has none; use --by jacobian")
    many = FEW if by == "jacobian" else MANY
    told = None if start.told is None else jnp.repeat(start.told[:1], many, axis=0)
    points = opened.points(asked.seed, many, told)
    if count > points.shape[1]:
        raise ConfigError(f"along: this space has {points.shape[1]} dimensions, and no {count} directions")
    if by == "covariance":
        return by_covariance(points, count)
    if by == "weights":
        return by_weights(weights.params, points, count)
    draw = lambda points, weights, told: space.draw(weights, points, told)
    return by_jacobian(draw, points, count, weights, told)


def _stops(opened: Opened, asked: Asked, count: int, stops: int) -> Found:
    """What each walk passes: points `[count, stops, D]`; all that a drawn one passes is told the same."""
    if asked.through is not None:
        return Found(*jax.tree.map(lambda array: array[None], _pictures(opened, asked, 0)))
    turns = opened.in_turn(asked.labels, count)
    told = None if turns is None else jnp.repeat(turns, stops, axis=0)
    points = opened.points(asked.seed, count * stops, told)
    return Found(*jax.tree.map(lambda array: array.reshape(count, stops, -1), (points, told)))


def _pictures(opened: Opened, asked: Asked, count: int) -> Found:
    """So many that are drawn, or all that a file holds."""
    if asked.through is not None:
        return load_found(asked.through, opened)
    told = opened.in_turn(asked.labels, count)
    return Found(opened.points(asked.seed, count, told), told)


def _place(opened: Opened, asked: Asked, out: Path | None, what: str, count: int, suffix: str = ".png") -> Path:
    """The file that is asked for, or one whose name tells what is in it."""
    of = f"seed{asked.seed}" if asked.through is None else asked.through.stem
    return out or opened.source.place(f"{what}_{of}_{count}{suffix}")


def _require_memory(opened: Opened, key: str, pictures: int) -> None:
    config = opened.source.config
    needed = bytes_to_draw(config, pictures, copies=4 + enlargement(config.data.image_size) ** 2)
    require_memory(needed, f"{key}: {pictures:,} pictures", "draw fewer")


def _told(opened: Opened, what: str, path: Path) -> list[str]:
    return [*opened.source.remarks, f"{what}; by {opened.source.called}: {path}"]
